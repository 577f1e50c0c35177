#!/bin/sh
# Runs Apache Kafka's own kafka-dump-log.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-dump-log "$@"
