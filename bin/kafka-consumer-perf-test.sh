#!/bin/sh
# Runs Apache Kafka's own kafka-consumer-perf-test.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-consumer-perf-test "$@"
