#!/bin/sh
# Runs Apache Kafka's own kafka-delegation-tokens.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-delegation-tokens "$@"
