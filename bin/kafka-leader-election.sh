#!/bin/sh
# Runs Apache Kafka's own kafka-leader-election.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-leader-election "$@"
