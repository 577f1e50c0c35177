#!/bin/sh
# Runs Apache Kafka's own zookeeper-shell.sh, which 2.8.2 was among the last to have.
if [ $# -lt 1 ]; then
  echo "USAGE: $0 zookeeper_host:port[/path] [-zk-tls-config-file file] [args...]"
  exit 1
fi
exec "$(dirname -- "$0")/run-tool.sh" zookeeper-shell -server "$@"
