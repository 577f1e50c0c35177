#!/bin/sh
# Runs Apache Kafka's own connect-plugin-path.sh.
exec "$(dirname -- "$0")/run-tool.sh" connect-plugin-path "$@"
