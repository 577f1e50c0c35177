#!/bin/sh
# Runs Apache Kafka's own kafka-topics.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-topics "$@"
