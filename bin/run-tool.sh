#!/bin/sh
# Runs one of Kafka's own tools in a JVM, as the scripts of Kafka's names ask it to:
# run-tool.sh [-daemon] [-name NAME] [-loggc] TOOL|CLASS [argument]...
# KAFKA_JARS is the folder of jars, OTTLA_TOOLS_VERSION the version; JAVA_HOME and KAFKA_*_OPTS mean what they do in
# Kafka. The first run of a tool fetches it through Maven and writes down its class path; later ones only start java.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
daemon=
name=
while :; do
  case $1 in
    -daemon) daemon=yes ;;
    -name)
      name=$2
      shift
      ;;
    -loggc) ;;
    *) break ;;
  esac
  shift
done
tool=$1
shift
case "$tool $1" in
  'connect-'*' -daemon')
    daemon=yes
    shift
    ;;
esac
fail() {
  echo "ottla: $*" >&2
  exit 1
}

version=${OTTLA_TOOLS_VERSION:-4.4.0}
# A newer version than the last one with that option is replaced by it.
last() { [ "${version%%.*}" -le "${1%%.*}" ] || version=$1; }
for argument in "$@"; do
  case "$tool ${argument%%=*}" in
    # 2.0 removed the consumers of ZooKeeper, and the option that chose the other ones.
    'kafka-console-consumer --zookeeper' | 'kafka-consumer-groups --zookeeper') last 1.1.1 ;;
    'kafka-consumer-perf-test --zookeeper' | *' --new-consumer') last 1.1.1 ;;
    'kafka-console-consumer --blacklist') last 1.1.1 ;;
    # 3.0 and 4.0 removed ZooKeeper from the other tools.
    *' --zookeeper' | *' --zk-tls-config-file' | 'kafka-acls --authorizer'*) last 2.8.2 ;;
    # 4.0 removed what had been renamed: to --bootstrap-server, to --include, to --topics-include.
    'kafka-console-producer --broker-list' | 'kafka-consumer-perf-test --broker-list') last 2.8.2 ;;
    'kafka-verifiable-producer --broker-list' | 'kafka-verifiable-consumer --broker-list') last 2.8.2 ;;
    'kafka-streams-application-reset --bootstrap-servers') last 2.8.2 ;;
    'kafka-console-consumer --whitelist' | 'kafka-replica-verification --topic-white-list') last 2.8.2 ;;
    # It also removed what did nothing, or nothing any more.
    'kafka-consumer-perf-test --threads' | 'kafka-consumer-perf-test --num-fetch-threads') last 2.8.2 ;;
    'kafka-topics --disable-rack-aware' | 'kafka-topics --force' | 'kafka-configs --force') last 2.8.2 ;;
    'kafka-streams-application-reset --execute') last 2.8.2 ;;
  esac
done

java=${JAVA_HOME:+$JAVA_HOME/bin/}java
command -v "$java" >/dev/null || fail "$tool needs Java 17: on Debian, apt-get install openjdk-17-jre-headless"

jars=${KAFKA_JARS:-${TMPDIR:-/tmp}/jars}
prepared=$jars/$version/launch/$tool
if [ ! -r "$prepared" ]; then
  if [ -e "$here/../scripts/bootstrap.js" ]; then
    node "$here/../scripts/bootstrap.js" build </dev/null >&2 || exit 1
  fi
  node "$here/../dist/prepare-tool.js" "$version" "$tool" </dev/null >&2 || exit 1
fi
# Anybody can make a folder in the system's temporary directory. What is in these is run.
for each in "$jars" "$jars/$version" "$prepared"; do
  [ -n "$KAFKA_JARS" ] || [ -O "$each" ] || fail "$each belongs to somebody else: set KAFKA_JARS to another folder"
done
{ read -r class && read -r class_path; } <"$prepared" || fail "$prepared is damaged: remove it"

config=$here/../config
log4j=$config/tools-log4j
heap='-Xmx512M'
# Most tools run for a moment: they start faster so.
performance='-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto'
case $tool in
  connect-plugin-path) heap='-Xms256M -Xmx2G' ;;
  connect-*)
    log4j=$config/connect-log4j
    heap='-Xms256M -Xmx2G'
    performance=
    ;;
  *-perf-test | *mirror-maker | kafka-verifiable-* | trogdor-*) performance= ;;
esac
logs=${LOG_DIR:-$here/../logs}
# shellcheck disable=SC2086
set -- -cp "${CLASSPATH:+$CLASSPATH:}$class_path" $KAFKA_OPTS "$class" "$@"
if [ -z "$KAFKA_LOG4J_OPTS" ]; then
  set -- "-Dlog4j.configuration=file:$log4j.properties" "-Dlog4j2.configurationFile=${log4j}2.yaml" "$@"
fi
if [ -n "$JMX_PORT" ]; then
  set -- -Dcom.sun.management.jmxremote.port="$JMX_PORT" -Dcom.sun.management.jmxremote.authenticate=false \
    -Dcom.sun.management.jmxremote.ssl=false "$@"
fi
# Several flags each.
# shellcheck disable=SC2086
set -- ${KAFKA_HEAP_OPTS:-$heap} ${KAFKA_JVM_PERFORMANCE_OPTS:-$performance} $KAFKA_GC_LOG_OPTS $KAFKA_JMX_OPTS \
  "-Dkafka.logs.dir=$logs" $KAFKA_LOG4J_OPTS "$@"
[ -n "$daemon" ] || exec "$java" "$@"
mkdir -p "$logs" || exit 1
nohup "$java" "$@" >"$logs/${name:-$tool}.out" 2>&1 </dev/null &
