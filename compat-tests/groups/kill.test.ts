import { expect } from 'chai'
import { type Consumer, Kafka, logLevel, type Producer } from 'kafkajs'
import { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'

const TOPIC = 'killed'
const PARTITIONS = 6
const MEMBERS = 3
const SESSION_TIMEOUT_MS = 6_000
/** Extra time for a busy machine. */
const SLACK_MS = 40_000

describe('the broker is killed while members of a group commit', function () {
  this.timeout(120_000)
  let broker: TestBroker
  let kafka: Kafka
  let producer: Producer
  let consumers: Consumer[]
  let isProducing = true
  let producing: Promise<void>
  /** Offsets acknowledged as committed, by partition. */
  const acknowledged = new Map<number, number>()
  const processed = new Set<number>()
  let sent = 0

  before(async () => {
    broker = await TestBroker.start()
    kafka = new Kafka({
      brokers: [broker.bootstrap],
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 50, maxRetryTime: 200, retries: 100 },
    })
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }] })
    await admin.disconnect()
    producer = kafka.producer({ idempotent: true })
    await producer.connect()
    consumers = await Promise.all(Array.from({ length: MEMBERS }, () => member()))
    producing = produce()
  })
  after(async () => {
    isProducing = false
    await producing
    await Promise.all([producer?.disconnect(), ...(consumers ?? []).map((consumer) => consumer.disconnect())])
    await broker?.dispose()
  })

  async function member(): Promise<Consumer> {
    const consumer = kafka.consumer({ groupId: 'g', sessionTimeout: SESSION_TIMEOUT_MS, heartbeatInterval: 500 })
    consumer.on(consumer.events.COMMIT_OFFSETS, ({ payload }) => {
      for (const { partitions } of payload.topics) {
        for (const { partition, offset } of partitions) acknowledged.set(Number(partition), Number(offset))
      }
    })
    await consumer.connect()
    await consumer.subscribe({ topics: [TOPIC], fromBeginning: true })
    await consumer.run({
      autoCommitThreshold: 1,
      eachMessage: async ({ message }) => {
        processed.add(Number(message.value))
      },
    })
    return consumer
  }

  async function produce(): Promise<void> {
    while (isProducing) {
      // kafkajs resends a batch with the same sequence number but possibly to another partition, so the partition is
      // set.
      await producer.send({ topic: TOPIC, messages: [{ value: `${sent}`, partition: sent % PARTITIONS }] })
      sent++
    }
  }

  async function committed(): Promise<Map<number, number>> {
    const admin = kafka.admin()
    await admin.connect()
    const [fetched] = await admin.fetchOffsets({ groupId: 'g', topics: [TOPIC] })
    await admin.disconnect()
    return new Map(fetched!.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
  }

  for (const round of [1, 2, 3]) {
    it(`offsets never move back, and the members go on within their session timeout (${round})`, async () => {
      const before = acknowledged.size === PARTITIONS ? sent : 0
      const isBusy = () => acknowledged.size === PARTITIONS && processed.size > before + 100
      await waitFor('every partition is committed', isBusy, 30_000)
      await broker.kill9()
      const told = new Map(acknowledged)
      await broker.restart()
      const found = await committed()
      for (const [partition, offset] of told) expect(found.get(partition), `${partition}`).to.be.at.least(offset)
      const sentBefore = sent
      // A member that rejoins under a new id waits until its old one has timed out.
      const patienceMs = SESSION_TIMEOUT_MS + SLACK_MS
      await waitFor('records are processed again', () => processed.size > sentBefore + 50, patienceMs)
    })
  }

  it('every record is processed', async () => {
    isProducing = false
    await producing
    await waitFor('everything is processed', () => processed.size === sent, 30_000)
  })
})
