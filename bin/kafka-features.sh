#!/bin/sh
# Runs Apache Kafka's own kafka-features.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-features "$@"
