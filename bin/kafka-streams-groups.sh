#!/bin/sh
# Runs Apache Kafka's own kafka-streams-groups.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-streams-groups "$@"
