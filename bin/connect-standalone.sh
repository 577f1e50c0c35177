#!/bin/sh
# Runs Apache Kafka's own connect-standalone.sh.
exec "$(dirname -- "$0")/run-tool.sh" connect-standalone "$@"
