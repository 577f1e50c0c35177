#!/bin/sh
# Runs Apache Kafka's own kafka-replica-verification.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-replica-verification "$@"
