#!/bin/sh
# Starts nothing: Ottla answers ZooKeeper's clients itself. Tutorials call it before kafka-server-start.sh.
if [ $# -lt 1 ]; then
  echo "USAGE: $0 [-daemon] zookeeper.properties"
  exit 1
fi
case $1 in -daemon | --daemon) shift ;; esac
if [ ! -r "$1" ]; then
  echo "ottla: cannot read ${1:-the properties file, which is missing}" >&2
  exit 1
fi
port=$(sed -n 's/^[[:space:]]*clientPort[[:space:]]*[=:][[:space:]]*\([0-9]*\).*/\1/p' "$1" | tail -n 1)
echo "Nothing to start: Ottla serves port ${port:-2181} itself, once kafka-server-start.sh runs with zookeeper.connect=localhost:${port:-2181}"
