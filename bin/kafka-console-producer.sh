#!/bin/sh
# Runs Apache Kafka's own kafka-console-producer.sh.
exec "$(dirname -- "$0")/run-tool.sh" kafka-console-producer "$@"
