#!/bin/sh
# Runs Apache Kafka's own kafka-verifiable-producer.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-verifiable-producer "$@"
