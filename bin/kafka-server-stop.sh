#!/bin/sh
# Stops the brokers that this user started with the kafka-server-start.sh beside it, as Kafka's own does: SIGTERM, to
# all of them. SIGNAL names another signal.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
signal=${SIGNAL:-TERM}
# Small images have no ps, or one that knows less.
processes() {
  ps -u "$(id -u)" -o pid= -o args= 2>/dev/null && return
  for each in /proc/[0-9]*; do
    [ -O "$each" ] && echo "${each#/proc/} $(tr '\0' ' ' 2>/dev/null <"$each/cmdline")"
  done
}
pids=$(processes | STARTED="ottla kafka-server $here " awk 'index($0, ENVIRON["STARTED"]) { print $1 }')
if [ -z "$pids" ]; then
  echo "No kafka server to stop"
  exit 1
fi
# shellcheck disable=SC2086
kill -s "$signal" $pids
