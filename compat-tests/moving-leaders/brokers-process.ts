/**
 * Program: three brokers of one cluster. Arguments: the data directory, and settings as name=value. Prints the ports of
 * the brokers, then obeys a line of its input at a time and prints what came of it:
 *
 *   kill NODE MS                 ends the broker as a crash does; its last answers, for so many milliseconds, are lost
 *   stop NODE | start NODE
 *   lead TOPIC PARTITION NODE    makes this broker the leader
 *   coordinate TYPE KEY NODE     makes this broker the coordinator of a `group`, or of the id of a `transaction`
 *
 * Warnings of the brokers go to the standard error stream.
 */
import { createInterface } from 'node:readline'
import { Cluster } from '../../src/cluster.ts'
import { startSettingsOf } from '../../src/config/start-settings.ts'
import { coordinatorPartition } from '../../src/coordinator/java-hash.ts'
import { TcpTransport } from '../../src/network/tcp-transport.ts'
import { nodeHost } from '../../storage/host/node-host.ts'
import { SilentTransport } from './silent-transport.ts'

const coordinatorTopics: Readonly<Record<string, string>> = {
  group: '__consumer_offsets',
  transaction: '__transaction_state',
}

const [directory, ...given] = process.argv.slice(2) as [string, ...string[]]
const settings = startSettingsOf(
  new Map([
    ['num.brokers', '3'],
    ['listeners', 'PLAINTEXT://127.0.0.1:0'],
    ['log.dirs', directory],
    ...given.map((each) => each.split('=', 2) as [string, string]),
  ]),
)
const log = (level: string) => (fields: object, message: string) => {
  const { err, ...others } = fields as { err?: Error }
  console.error(`${new Date().toISOString()} ${level} ${message} ${JSON.stringify(others)} ${err?.stack ?? ''}`)
}
const quiet = () => {}
const logger = { error: log('ERROR'), warn: log('WARN'), info: quiet, debug: quiet }
const host = nodeHost((reason) => {
  logger.error({ err: reason }, 'the brokers stopped')
  process.exit(1)
})
const transport = new SilentTransport(new TcpTransport())
const cluster = new Cluster(settings, host, transport, logger)
await cluster.start()
const { brokers } = cluster
console.log(brokers.nodeIds.map((nodeId) => brokers.addressesOf(nodeId)[0]!.port).join(' '))

async function lead(topic: string, partition: number, leader: number): Promise<string> {
  const refusal = await cluster.metadata.moveLeader({ topic, partition, leader }, { nowMs: host.clock.nowMs() })
  return refusal?.error ?? 'done'
}

/** A real crash, too, may come between what a broker did and its answer. */
async function kill(nodeId: number, silentMs: number): Promise<void> {
  transport.silence(brokers.addressesOf(nodeId)[0]!.port)
  await new Promise((resolve) => setTimeout(resolve, silentMs))
  await brokers.kill(nodeId)
}

async function coordinate(type: string, key: string, nodeId: number): Promise<string> {
  const topic = coordinatorTopics[type]!
  const count = cluster.metadata.image.topicsByName.get(topic)?.partitions.length
  return count === undefined ? 'no coordinator yet' : lead(topic, coordinatorPartition(key, count), nodeId)
}

async function obey([verb, ...words]: readonly string[]): Promise<string> {
  const [first, second, third] = words as [string, string, string]
  if (verb === 'lead') return lead(first, Number(second), Number(third))
  if (verb === 'coordinate') return coordinate(first, second, Number(third))
  if (verb === 'kill') await kill(Number(first), Number(second))
  else if (verb === 'stop') await brokers.stop(Number(first))
  else await brokers.start(Number(first))
  return 'done'
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(await obey(line.split(' ')).catch((error) => `error ${error}`))
}
await cluster.stop()
process.exit(0)
