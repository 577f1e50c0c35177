#!/bin/sh
# Runs Apache Kafka's own kafka-verifiable-consumer.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-verifiable-consumer "$@"
