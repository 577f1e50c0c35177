#!/bin/sh
# Runs Apache Kafka's own kafka-producer-perf-test.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-producer-perf-test "$@"
