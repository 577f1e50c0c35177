#!/bin/sh
# Runs Apache Kafka's own kafka-share-groups.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-share-groups "$@"
