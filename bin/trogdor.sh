#!/bin/sh
# Runs Apache Kafka's own trogdor.sh: an agent, a coordinator, or a client of either.
case $1 in
  agent | coordinator | client | agent-client) ;;
  *)
    echo "USAGE: $0 agent|coordinator|client|agent-client [options]; -h after one of them lists its options"
    [ "$1" = help ]
    exit
    ;;
esac
action=$1
shift
exec "$(dirname -- "$0")/run-tool.sh" "trogdor-$action" "$@"
