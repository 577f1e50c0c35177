#!/bin/sh
# Runs Apache Kafka's own kafka-console-consumer.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-console-consumer "$@"
