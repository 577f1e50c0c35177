#!/bin/sh
# Runs Apache Kafka's own kafka-verifiable-share-consumer.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-verifiable-share-consumer "$@"
