import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { kafkaClassPath } from '../scripts/kafka-tool.ts'
import type { BrokerPlace, BrokerProgram } from './broker-program.ts'
import { runCommandWell } from './run-command.ts'

const VERSION = '4.4.0'
/** Id that its data directory is formatted with. */
export const CLUSTER_ID = '4L6g3nShT-eMCtK--X86sw'

/** A broker that is its own controller, alone, with small topics of its own. */
export const ownControllerSettings = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'group.initial.rebalance.delay.ms': '0',
}

/** A real Apache Kafka, broker and controller in one process. The tests in this folder are verified against it. */
export const apacheKafka: BrokerProgram = {
  prepare: async (place) => {
    writeFileSync(join(place.directory, 'server.properties'), properties(place))
    const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', 'server.properties']
    await runCommandWell(['java', '-cp', await kafkaClassPath(VERSION), ...format], { cwd: place.directory })
  },
  command: async (place) => {
    writeFileSync(join(place.directory, 'server.properties'), properties(place))
    writeFileSync(join(place.directory, 'log4j2.yaml'), logConfig('INFO'))
    return kafkaServer('-Xms512m', '-Xmx1g', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1')
  },
  isReady: (output) => output.includes('Kafka Server started'),
}

/** The same with the JVM flags of Kafka's own start script, which compile hot code fully, for benchmarks. */
export const apacheKafkaAsShipped: BrokerProgram = {
  ...apacheKafka,
  command: async (place) => {
    await apacheKafka.command(place)
    return kafkaServer('-Xms1g', '-Xmx1g', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-Djava.awt.headless=true')
  },
}

async function kafkaServer(...jvmFlags: string[]): Promise<string[]> {
  const log = '-Dlog4j2.configurationFile=log4j2.yaml'
  return ['java', ...jvmFlags, log, '-cp', await kafkaClassPath(VERSION), 'kafka.Kafka', 'server.properties']
}

/** Kafka's defaults, except for what a single broker or a fast test needs. */
function properties({ port, controllerPort, dataDir, settings }: BrokerPlace): string {
  const all: Record<string, string> = {
    ...ownControllerSettings,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': dataDir,
    ...settings,
  }
  return propertiesText(all)
}

/** The text of a properties file. */
export function propertiesText(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

/** log4j2.yaml that logs to stdout. loggers: further lines of its loggers. */
export function logConfig(rootLevel: string, loggers = ''): string {
  return `Configuration:
  Appenders:
    Console:
      name: S
      PatternLayout: {pattern: "%d %p %m%n"}
  Loggers:
    Root: {level: ${rootLevel}, AppenderRef: {ref: S}}
${loggers}`
}
