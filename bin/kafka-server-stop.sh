#!/bin/sh
# Stops the brokers that this user runs from this installation, as kafka-server-stop.sh does: SIGTERM, at once.
# SIGNAL names another signal.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
signal=${SIGNAL:-TERM}
pids=$(ps -u "$(id -u)" -o pid= -o args= | grep -F "node $here/ottla start" | grep -v grep | awk '{print $1}')
if [ -z "$pids" ]; then
  echo "No kafka server to stop"
  exit 1
fi
# shellcheck disable=SC2086
kill -s "$signal" $pids
