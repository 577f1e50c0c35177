#!/bin/sh
# Runs Apache Kafka's own kafka-metadata-shell.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-metadata-shell "$@"
