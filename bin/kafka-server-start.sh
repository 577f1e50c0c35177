#!/bin/sh
# Starts a broker under Kafka's own name: kafka-server-start.sh [-daemon] server.properties [--override name=value]...
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
if [ $# -lt 1 ]; then
  echo "USAGE: $0 [-daemon] server.properties [--override property=value]*" >&2
  exit 1
fi
daemon=
if [ "$1" = "-daemon" ] || [ "$1" = "--daemon" ]; then
  daemon=yes
  shift
fi
# The title is how kafka-server-stop.sh knows a broker that was started here from any other.
title="ottla kafka-server $here $*"
if [ -z "$daemon" ]; then
  exec node --title="$title" "$here/ottla" start "$@"
fi
# As Kafka does: the console goes to logs/kafkaServer.out, the events to logs/server.log, LOG_DIR says where that is.
logs=${LOG_DIR:-$here/../logs}
mkdir -p "$logs" || exit 1
nohup node --title="$title" "$here/ottla" start --log-file "$logs/server.log" "$@" >"$logs/kafkaServer.out" 2>&1 </dev/null &
