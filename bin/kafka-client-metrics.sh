#!/bin/sh
# Runs Apache Kafka's own kafka-client-metrics.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-client-metrics "$@"
