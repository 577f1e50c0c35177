#!/bin/sh
# Runs Apache Kafka's own kafka-delete-records.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-delete-records "$@"
