#!/bin/sh
# Runs Apache Kafka's own kafka-storage.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-storage "$@"
