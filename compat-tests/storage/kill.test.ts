import { expect } from 'chai'
import { CompressionTypes, Kafka, logLevel, type Producer } from 'kafkajs'
import { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'

/** More by hand: OTTLA_KILLS=300. */
const KILLS = Number(process.env.OTTLA_KILLS ?? 15)
const TOPIC = 'killed'
const PARTITIONS = 3
const PRODUCERS = 4
const PATIENCE = { initialRetryTime: 30, maxRetryTime: 200, retries: 1000 }

interface Acknowledged {
  readonly partition: number
  readonly baseOffset: number
  readonly values: readonly string[]
}

describe(`a broker that syncs each append, killed ${KILLS} times while four producers write`, function () {
  this.timeout(60_000 + KILLS * 10_000)
  let broker: TestBroker
  let kafka: Kafka
  const producers: Producer[] = []
  const acknowledged: Acknowledged[] = []
  let isOver = false

  before(async () => {
    // Small segments, so that some kills come while a segment is created.
    const settings = {
      'log.flush.interval.messages': '1',
      'log.segment.bytes': '1048576',
      'log.index.interval.bytes': '512',
    }
    broker = await TestBroker.start({ settings })
    kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING, retry: PATIENCE })
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }] })
    await admin.disconnect()
  })
  after(async () => {
    isOver = true
    await Promise.allSettled(producers.map((producer) => producer.disconnect()))
    await broker?.dispose()
  })

  /** Sends batches one after the other to one partition, each after the previous one is acknowledged. */
  async function produce(name: string, partition: number): Promise<number> {
    const producer = kafka.producer({ idempotent: true, retry: PATIENCE })
    producers.push(producer)
    await producer.connect()
    let sent = 0
    while (!isOver) {
      const values = Array.from({ length: 1 + (sent % 5) }, () => `${name} ${sent++} ${'x'.repeat((sent * 37) % 900)}`)
      const compression = sent % 4 === 0 ? CompressionTypes.GZIP : CompressionTypes.None
      const messages = values.map((value) => ({ partition, value }))
      const [result] = await producer.send({ topic: TOPIC, acks: -1, compression, messages })
      acknowledged.push({ partition, baseOffset: Number(result!.baseOffset), values })
    }
    return sent
  }

  /** Everything a consumer receives, by partition, in offset order. */
  async function readAll(): Promise<{ offset: number; value: string }[][]> {
    const admin = kafka.admin()
    await admin.connect()
    const ends = await admin.fetchTopicOffsets(TOPIC)
    await admin.disconnect()
    const expected = ends.reduce((sum, { high }) => sum + Number(high), 0)
    const found: { offset: number; value: string }[][] = Array.from({ length: PARTITIONS }, () => [])
    let count = 0
    const consumer = kafka.consumer({ groupId: 'reader', retry: PATIENCE })
    await consumer.connect()
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ partition, message }) => {
        found[partition]!.push({ offset: Number(message.offset), value: message.value!.toString() })
        count++
      },
    })
    await waitFor('everything is read', () => count >= expected, 60_000)
    await consumer.disconnect()
    return found
  }

  it('loses nothing that was acknowledged, has nothing twice, and its offsets are dense', async () => {
    const producing = Array.from({ length: PRODUCERS }, (_, i) => produce(`producer ${i}`, i % PARTITIONS))
    for (let kill = 0; kill < KILLS; kill++) {
      const before = acknowledged.length
      const wanted = 1 + Math.floor(Math.random() * 60)
      await waitFor('batches are acknowledged', () => acknowledged.length >= before + wanted, 30_000)
      await broker.kill9()
      await broker.restart()
    }
    isOver = true
    const sent = await Promise.all(producing)
    const found = await readAll()
    for (const records of found) {
      expect(records.map(({ offset }) => offset)).to.deep.equal(records.map((_, i) => i))
    }
    for (const { partition, baseOffset, values } of acknowledged) {
      const there = found[partition]!.slice(baseOffset, baseOffset + values.length).map(({ value }) => value)
      expect(there, `partition ${partition}, offset ${baseOffset}`).to.deep.equal(values)
    }
    for (const [i, count] of sent.entries()) {
      const own = found[i % PARTITIONS]!.filter(({ value }) => value.startsWith(`producer ${i} `))
      expect(own.map(({ value }) => Number(value.split(' ')[2]))).to.deep.equal(
        Array.from({ length: count }, (_, n) => n),
      )
    }
    expect(acknowledged.length).to.be.greaterThan(KILLS * 5)
    expect(broker.logs.match(/ready after/g)).to.have.length(KILLS + 1)
  })
})
