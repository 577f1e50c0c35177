#!/bin/sh
# In Apache Kafka this reads a broker's metrics over JMX, which only a JVM has.
echo "ottla: no JVM, no JMX: kafka-jmx.sh cannot read this broker's metrics" >&2
exit 1
