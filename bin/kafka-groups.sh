#!/bin/sh
# Runs Apache Kafka's own kafka-groups.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-groups "$@"
