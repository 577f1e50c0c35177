import { type Consumer, type ConsumerConfig, PartitionAssigners } from 'kafkajs'
import { waitFor } from '../../wait-for.ts'
import { KafkaJsApplication, nextAssignment, SHORT_SESSION } from './kafkajs-application.ts'

/** Outcome of a rolling restart. */
export interface RolledOver {
  readonly sent: number
  readonly processed: number
  readonly twice: number
}

/** Restarts the kafkajs consumers of a group one after the other while a producer keeps sending. */
export async function rollingRestart(bootstrap: string, topic: string, count: number): Promise<RolledOver> {
  const application = new KafkaJsApplication(bootstrap)
  const processed = new Map<number, number>()
  let sent = 0
  let producing = true
  const producer = await application.producer()
  const produce = async () => {
    while (producing) {
      // With a key, a record resent after a lost response goes to the same partition.
      await producer.send({ topic, messages: [{ key: `${sent}`, value: `${sent}` }] })
      sent++
    }
  }
  const start = async () => {
    const consumer = await member(application, topic)
    const assigned = nextAssignment(consumer)
    await consumer.run({
      // A batch is processed as a whole and committed before a heartbeat reports a rebalance.
      eachBatch: async ({ batch }) => {
        for (const { value } of batch.messages) processed.set(Number(value), (processed.get(Number(value)) ?? 0) + 1)
      },
    })
    await assigned
    return consumer
  }
  try {
    const produced = produce()
    const members = await Promise.all(Array.from({ length: count }, start))
    for (const [i, consumer] of members.entries()) {
      await consumer.disconnect()
      members[i] = await start()
    }
    producing = false
    await produced
    await waitFor('everything is processed', () => processed.size === sent, 60_000)
    await Promise.all(members.map((consumer) => consumer.disconnect()))
  } finally {
    producing = false
    await application.close()
  }
  return { sent, processed: processed.size, twice: [...processed.values()].filter((times) => times > 1).length }
}

async function member(application: KafkaJsApplication, topic: string): Promise<Consumer> {
  const config: ConsumerConfig = {
    groupId: topic,
    partitionAssigners: [PartitionAssigners.roundRobin],
    sessionTimeout: 30_000,
    rebalanceTimeout: 30_000,
    heartbeatInterval: SHORT_SESSION.heartbeatInterval,
  }
  const consumer = await application.consumer(config)
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  return consumer
}
