import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { kafkaClassPath } from '../../scripts/kafka-tool.ts'
import type { BrokerProgram } from '../broker-program.ts'

const PROGRAM = join(import.meta.dirname, 'OldKafkaBroker.java')

/** A real Apache Kafka 2.8.2 with its ZooKeeper in the same process. */
export const oldKafka: BrokerProgram = {
  prepare: ({ directory }) => {
    mkdirSync(join(directory, 'zookeeper'))
  },
  command: async ({ directory, port, controllerPort, dataDir, settings }) => {
    const properties = {
      'broker.id': '1',
      'zookeeper.connect': `127.0.0.1:${controllerPort}`,
      listeners: `PLAINTEXT://127.0.0.1:${port}`,
      'log.dirs': dataDir,
      'offsets.topic.replication.factor': '1',
      'offsets.topic.num.partitions': '1',
      'transaction.state.log.replication.factor': '1',
      'transaction.state.log.num.partitions': '1',
      'transaction.state.log.min.isr': '1',
      'group.initial.rebalance.delay.ms': '0',
      ...settings,
    }
    const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`)
    writeFileSync(join(directory, 'server.properties'), lines.join(''))
    writeFileSync(join(directory, 'log4j.properties'), LOG_CONFIG)
    const flags = [
      '-Xmx512m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-Dlog4j.configuration=file:log4j.properties',
    ]
    // The jars contain two logging bindings; the one that prints must come first.
    const jars = await kafkaClassPath('2.8.2')
    const classPath = `${join(jars.replace(/\*$/, ''), 'slf4j-log4j12-1.7.30.jar')}:${jars}`
    return ['java', ...flags, '-cp', classPath, PROGRAM, `${controllerPort}`, 'zookeeper', 'server.properties']
  },
  isReady: (output) => output.includes('[KafkaServer id=1] started'),
}

const LOG_CONFIG = `log4j.rootLogger=INFO, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=%p %m (%c)%n
`
