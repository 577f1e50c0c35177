#!/bin/sh
# Runs Apache Kafka's own zookeeper-security-migration.sh.
exec "$(dirname -- "$0")/run-tool.sh" zookeeper-security-migration "$@"
