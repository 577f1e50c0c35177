#!/bin/sh
# Runs a class of Apache Kafka's, or of CLASSPATH.
if [ $# -lt 1 ]; then
  echo "USAGE: $0 [-daemon] [-name servicename] [-loggc] classname [opts]"
  exit 1
fi
exec "$(dirname -- "$0")/run-tool.sh" "$@"
