#!/bin/sh
# Runs Apache Kafka's own kafka-streams-application-reset.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-streams-application-reset "$@"
