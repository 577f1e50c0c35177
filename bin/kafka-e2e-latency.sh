#!/bin/sh
# Runs Apache Kafka's own kafka-e2e-latency.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-e2e-latency "$@"
