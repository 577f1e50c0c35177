#!/bin/sh
# Runs Apache Kafka's own connect-mirror-maker.sh.
exec "$(dirname -- "$0")/run-tool.sh" connect-mirror-maker "$@"
