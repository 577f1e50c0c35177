#!/bin/sh
# Runs Apache Kafka's own kafka-get-offsets.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-get-offsets "$@"
