#!/bin/sh
# Stops nothing: Ottla answers ZooKeeper's clients itself, until kafka-server-stop.sh.
echo "Nothing to stop: Ottla serves ZooKeeper's port itself, until kafka-server-stop.sh"
