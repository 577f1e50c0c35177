#!/bin/sh
# Runs Apache Kafka's own kafka-log-dirs.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-log-dirs "$@"
