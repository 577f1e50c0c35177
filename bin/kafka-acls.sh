#!/bin/sh
# Runs Apache Kafka's own kafka-acls.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-acls "$@"
