import { join } from 'node:path'
import { type CommandOptions, type CommandResult, runCommand } from './run-command.ts'

/** Class path of one version of Apache Kafka with its tools. */
export async function kafkaClassPath(version: string): Promise<string> {
  return join(process.env.KAFKA_JARS ?? '/tmp/jars', version, 'lib', '*')
}

const NEW: Record<string, string> = {
  'kafka-console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'kafka-console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'kafka-topics': 'org.apache.kafka.tools.TopicCommand',
  'kafka-consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
}
const OLD: Record<string, string> = {
  'kafka-console-producer': 'kafka.tools.ConsoleProducer',
  'kafka-console-consumer': 'kafka.tools.ConsoleConsumer',
  'kafka-topics': 'kafka.admin.TopicCommand',
  'kafka-consumer-groups': 'kafka.admin.ConsumerGroupCommand',
}

/** Runs a stock tool of that version to its end. */
export async function runKafkaTool(
  version: string,
  tool: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const jvm = ['-Xms64m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
  const main = (version.startsWith('4.') ? NEW : OLD)[tool]!
  return runCommand(['java', ...jvm, '-cp', await kafkaClassPath(version), main, ...args], options)
}
