#!/bin/sh
# Runs Apache Kafka's own kafka-console-share-consumer.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-console-share-consumer "$@"
