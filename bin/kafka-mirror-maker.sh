#!/bin/sh
# Runs Apache Kafka's own kafka-mirror-maker.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-mirror-maker "$@"
