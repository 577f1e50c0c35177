/** Program for ../../moving-leaders/client-process.ts with kafkajs. It has the classic protocol alone. */
import { createInterface } from 'node:readline'
import { type Consumer, Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'

const [bootstrap, topic, , rate] = process.argv.slice(2) as [string, string, string, string]
const group = `${topic}-classic`
const PARTITIONS = 4
/** Retries for minutes, not seconds. */
const patient = { initialRetryTime: 100, maxRetryTime: 2000, retries: 200 }

/** An instance of its own for each member: see FINDINGS.md. */
function newKafka(): Kafka {
  return new Kafka({
    brokers: bootstrap.split(','),
    retry: patient,
    // Its errors are printed to the standard error stream.
    logLevel: logLevel.ERROR,
    logCreator: () => (entry) => console.error(JSON.stringify(entry)),
  })
}

function say(...words: readonly unknown[]): void {
  console.log(words.join(' ').replaceAll('\n', ' '))
}

interface Member {
  readonly consumer: Consumer
  /** False while it joins its group. */
  hasJoined: boolean
}

async function startMember(member: number): Promise<Member> {
  const timeouts = { sessionTimeout: 10_000, heartbeatInterval: 1000, maxWaitTimeInMs: 500 }
  const consumer = newKafka().consumer({ groupId: group, ...timeouts, retry: patient })
  const state = { consumer, hasJoined: false }
  let owned: readonly number[] = []
  const revoke = () => {
    if (owned.length > 0) say('revoked', group, member, ...owned)
    owned = []
  }
  consumer.on(consumer.events.DISCONNECT, revoke)
  consumer.on(consumer.events.REBALANCING, () => {
    state.hasJoined = false
  })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    revoke()
    state.hasJoined = true
    owned = (payload.memberAssignment as unknown as Record<string, number[]>)[topic] ?? []
    say('assigned', group, member, ...owned)
  })
  // After most errors the client starts the consumer again by itself.
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    state.hasJoined = false
    say(payload.restart ? 'note' : 'error', group, member, payload.error)
  })
  consumer.on(consumer.events.COMMIT_OFFSETS, ({ payload }) => {
    for (const { partitions } of payload.topics)
      for (const { partition, offset } of partitions) say('committed', group, member, partition, offset)
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      say('read', group, member, partition, message.offset, message.key, message.value)
    },
  })
  return state
}

/** Leaves the group and comes back. A consumer that is disconnected while it joins may join all the same. */
async function rejoin(member: number): Promise<void> {
  const { consumer, hasJoined } = members[member]!
  if (!hasJoined) return
  await consumer.disconnect()
  members[member] = await startMember(member)
}

let isProducing = true
let sent = 0

/**
 * Sends what is due, then what became due meanwhile. Sends follow each other, since one that is retried would come late
 * among others. Each has records of one partition: see FINDINGS.md.
 */
async function produce(): Promise<void> {
  const producer = newKafka().producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: patient,
  })
  await producer.connect()
  const startedMs = performance.now()
  while (isProducing) {
    const due = Math.floor(((performance.now() - startedMs) / 1000) * Number(rate))
    const numbers = Array.from({ length: Math.min(due - sent, 100) }, (_, i) => sent + i)
    sent += numbers.length
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const own = numbers.filter((number) => number % PARTITIONS === partition)
      if (own.length > 0) await send(producer, partition, own)
    }
    if (numbers.length === 0) await new Promise((resolve) => setTimeout(resolve, 1000 / Number(rate)))
  }
  await producer.disconnect()
}

async function send(producer: Producer, partition: number, numbers: readonly number[]): Promise<void> {
  const messages = numbers.map((number) => ({ partition, key: `k${number % 32}`, value: `${number}` }))
  try {
    const [metadata] = await producer.send({ topic, acks: -1, messages })
    const first = Number(metadata?.baseOffset)
    for (const [i, { key, value }] of messages.entries()) say('acked', partition, first + i, key, value)
  } catch (error) {
    for (const { key, value } of messages) say('failed', key, value, error)
  }
}

const members = await Promise.all([startMember(0), startMember(1)])
const produced = produce()
  .catch((error) => say('error producer', error))
  .then(() => say('produced', sent))
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'stop') isProducing = false
  else if (line === 'end') break
  else await rejoin(Number(line.at(-1))).catch((error) => say('error', group, line.at(-1), error))
}
isProducing = false
await produced
for (const { consumer } of members) await consumer.disconnect().catch((error) => say('error', group, error))
say('ended')
process.exit(0)
