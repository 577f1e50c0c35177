#!/bin/sh
# Runs Apache Kafka's own kafka-consumer-groups.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-consumer-groups "$@"
