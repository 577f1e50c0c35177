#!/bin/sh
# Runs Apache Kafka's own kafka-share-consumer-perf-test.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-share-consumer-perf-test "$@"
