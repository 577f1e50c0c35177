#!/bin/sh
# Runs Apache Kafka's own kafka-preferred-replica-election.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-preferred-replica-election "$@"
