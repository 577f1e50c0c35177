#!/bin/sh
# Runs Apache Kafka's own kafka-broker-api-versions.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-broker-api-versions "$@"
