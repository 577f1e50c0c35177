#!/bin/sh
# Runs Apache Kafka's own kafka-configs.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-configs "$@"
