import { isOld, type ToolCase, type ToolFamily } from './tool-case.ts'

/** The tool waits a minute for a broker that it does not know. */
const QUICK = '--command-config FILES/quick.properties'
const make = 'kafka-topics --bootstrap-server BROKER --create --topic configured --config segment.bytes=1048576'

const ofTopics = [
  '--alter --entity-name configured --add-config retention.ms=60000,max.message.bytes=2000',
  '--alter --entity-name configured --add-config cleanup.policy=[compact,delete]',
  '--alter --entity-name configured --add-config-file FILES/topic.properties',
  '--describe --entity-name configured',
  '--describe --entity-name configured --all',
  '--describe',
  '--alter --entity-name configured --delete-config retention.ms',
  '--alter --entity-name configured --delete-config retention.ms',
  '--alter --entity-name configured --delete-config retention.ms,segment.bytes',
  '--describe --entity-name configured',
  '--alter --entity-name configured --add-config no.such.setting=1',
  '--alter --entity-name configured --add-config retention.ms=soon',
  '--alter --entity-name configured --add-config min.cleanable.dirty.ratio=2',
  '--alter --entity-name configured --add-config cleanup.policy=burn',
  '--alter --entity-name configured --delete-config no.such.setting',
  '--alter --entity-name configured --add-config a',
  '--alter --entity-name configured',
  '--alter --entity-name no-such-topic --add-config retention.ms=1',
  '--describe --entity-name no-such-topic',
  "--describe --entity-name 'a b'",
  '--describe --entity-default',
].map((args) => `--entity-type topics ${args}`)

const ofBrokers = [
  '--describe --entity-name 1',
  '--describe --entity-default',
  '--alter --entity-name 1 --add-config log.cleaner.threads=2',
  '--alter --entity-default --add-config log.retention.ms=86400000',
  '--describe --entity-name 1',
  '--describe --entity-default',
  '--alter --entity-name 1 --delete-config log.cleaner.threads',
  '--alter --entity-default --delete-config log.retention.ms',
  '--describe --entity-name 1',
  '--alter --entity-name 1 --add-config node.id=2',
  '--alter --entity-name 1 --add-config log.cleaner.threads=many',
  '--alter --entity-name 1 --add-config log.cleaner.threads=0',
  '--alter --entity-name 1 --add-config no.such.setting=1',
  `${QUICK} --alter --entity-name 5 --add-config log.cleaner.threads=2`,
  `${QUICK} --describe --entity-name 5`,
  '--describe --entity-name one',
].map((args) => `--entity-type brokers ${args}`)

const ofLoggers = [
  '--alter --entity-name 1 --add-config root=WARN',
  '--alter --entity-name 1 --add-config root=INFO',
  '--alter --entity-name 1 --delete-config root',
  '--alter --entity-name 1 --add-config root=LOUD',
  '--alter --entity-name 1 --add-config root=info',
  '--alter --entity-name 1 --add-config root=',
  '--alter --entity-name 1 --add-config root=OFF',
  '--alter --entity-name 1 --add-config kafka.server.KafkaApis=ERROR,root=INFO',
  '--alter --entity-name 1 --delete-config kafka.server.KafkaApis',
  '--alter --entity-name 1 --delete-config kafka.server.KafkaApis',
  '--alter --entity-name 1 --add-config no.such.logger=DEBUG',
  '--alter --entity-name 1 --delete-config no.such.logger',
  '--alter --entity-name 1 --add-config root=INFO,no.such.logger=DEBUG',
  '--alter --entity-name 1 --add-config root=INFO --delete-config no.such.logger',
  '--alter --entity-name 1',
  '--alter --entity-name one --add-config root=INFO',
  '--alter --entity-default --add-config root=INFO',
  '--alter --add-config root=INFO',
  '--describe --entity-name one',
  '--describe --entity-default',
  '--describe',
  `${QUICK} --describe --entity-name 5`,
  `${QUICK} --alter --entity-name 5 --add-config root=INFO`,
].map((args) => `--entity-type broker-loggers ${args}`)

const ofUsers = [
  '--entity-type users --alter --entity-name alice --add-config SCRAM-SHA-256=[iterations=4096,password=secret]',
  '--entity-type users --describe --entity-name alice',
  '--entity-type users --alter --entity-name alice --add-config SCRAM-SHA-256=[iterations=1,password=secret]',
  '--entity-type users --alter --entity-name alice --add-config SCRAM-SHA-1=[password=secret]',
  '--entity-type users --alter --entity-name alice --delete-config SCRAM-SHA-512',
  '--entity-type users --alter --entity-name alice --delete-config SCRAM-SHA-256',
  '--entity-type users --describe --entity-name alice',
  '--entity-type users --alter --entity-name alice --add-config producer_byte_rate=1000',
  '--entity-type users --alter --entity-default --add-config consumer_byte_rate=1000',
  '--entity-type users --entity-name alice --entity-type clients --entity-name app --alter --add-config request_percentage=50',
  '--entity-type clients --entity-default --alter --add-config producer_byte_rate=5',
  '--entity-type users --describe',
  '--entity-type users --describe --entity-name alice',
  '--entity-type clients --describe',
  '--entity-type users --entity-name alice --entity-type clients --describe',
  '--entity-type users --alter --entity-name alice --delete-config producer_byte_rate',
  '--entity-type users --alter --entity-name alice --add-config no_such_rate=1',
  '--entity-type users --alter --entity-name alice --add-config producer_byte_rate=-1',
  '--entity-type ips --alter --entity-name 10.0.0.1 --add-config connection_creation_rate=5',
  '--entity-type ips --describe',
  '--entity-type ips --alter --entity-name no.such.host --add-config connection_creation_rate=5',
  // Apache Kafka would slow down the families that follow.
  '--entity-type clients --entity-default --alter --delete-config producer_byte_rate',
  '--entity-type users --entity-default --alter --delete-config consumer_byte_rate',
  '--entity-type users --entity-name alice --entity-type clients --entity-name app --alter --delete-config request_percentage',
  '--entity-type clients --describe',
]

const refused = [
  ...['', '--describe', '--alter', '--entity-type nonsense --describe', '--entity-type topics --no-such-option'],
  ...['--entity-type topics --entity-name a --alter --describe', '--version'],
  ...['--entity-type users --entity-type topics --describe', '--entity-type clients --entity-type brokers --describe'],
]

const shortcuts = [
  ...[
    '--topic configured --describe',
    '--broker 1 --describe',
    '--broker-defaults --describe',
    '--user alice --describe',
  ],
  ...['--client-defaults --describe', '--user-defaults --describe', '--ip 10.0.0.1 --describe', '--group g --describe'],
]

const asCase = (args: string): ToolCase => ({
  command: `kafka-configs --bootstrap-server BROKER ${args}`,
  normalise: ['sorted'],
})

/** Ottla's loggers have names of Apache Kafka's, but it has far fewer. */
const loggers: ToolCase = {
  ...asCase('--entity-type broker-loggers --entity-name 1 --describe'),
  differs: 'Apache Kafka has a logger for each of its classes, Ottla one for each part',
}

/** kafka-configs. */
export const configs: ToolFamily = {
  title: 'configs',
  cases: (version) => [
    make,
    loggers,
    ...[...ofTopics, ...ofBrokers, ...ofLoggers, ...ofUsers, ...refused, ...(isOld(version) ? [] : shortcuts)].map(
      asCase,
    ),
  ],
}
