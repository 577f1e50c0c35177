#!/bin/sh
# Runs Apache Kafka's own kafka-metadata-quorum.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-metadata-quorum "$@"
