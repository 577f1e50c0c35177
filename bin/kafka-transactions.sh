#!/bin/sh
# Runs Apache Kafka's own kafka-transactions.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-transactions "$@"
