#!/bin/sh
# Runs Apache Kafka's own connect-distributed.sh.
exec "$(dirname -- "$0")/run-tool.sh" connect-distributed "$@"
