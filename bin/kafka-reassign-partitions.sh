#!/bin/sh
# Runs Apache Kafka's own kafka-reassign-partitions.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-reassign-partitions "$@"
