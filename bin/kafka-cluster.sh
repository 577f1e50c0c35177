#!/bin/sh
# Runs Apache Kafka's own kafka-cluster.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-cluster "$@"
