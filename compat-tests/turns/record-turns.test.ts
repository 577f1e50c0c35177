import { expect } from 'chai'
import { RecordBatch } from '../../protocol/records/record-batch.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { apiNamed } from './large-requests.ts'
import { batchOfSmallRecords, LAST_MS, messagesOfSmallRecords } from './record-requests.ts'
import { MeasuredBroker, type Turns } from './turn-meter.ts'

const MEGABYTE = 1_048_576
/** Of a message before compression, with message.max.bytes raised to 100 MB: some millions of records. */
const LARGE_BYTES = 32 * MEGABYTE
/**
 * Turns should end after 10 ms. This is processor time, with that of the garbage collector and the compiler, and of the
 * simulated machine, which copies what is written and read. Without slices these requests take a second and more.
 */
const LONGEST_MS = 250
const TRIES = 2
/** Of a batch that is compacted: hundreds of thousands of keys. */
const COMPACTED_BYTES = 8 * MEGABYTE
/** More than log.cleaner.backoff.ms. */
const CLEANER_BACKOFF_MS = 20_000
const SEGMENTS = 300

type Asked = readonly [api: string, version: number, body: object]

function produceTo(name: string, version: number, records: Buffer): Asked {
  const topicData = [{ name, partitionData: [{ index: 0, records }] }]
  return ['Produce', version, { acks: 1, timeoutMs: 1000, topicData }]
}

function fetchFrom(topic: string, version: number): Asked {
  const partition = { partition: 0, fetchOffset: 0, currentLeaderEpoch: -1, logStartOffset: -1 }
  const topics = [{ topic, topicId: ZERO_UUID, partitions: [{ ...partition, partitionMaxBytes: LARGE_BYTES }] }]
  return ['Fetch', version, { maxWaitMs: 0, minBytes: 0, maxBytes: LARGE_BYTES, topics, forgottenTopicsData: [] }]
}

function offsetsOf(name: string, version: number, timestamp: number): Asked {
  const partition = { partitionIndex: 0, timestamp, ...(version === 0 && { maxNumOffsets: 10 }) }
  return ['ListOffsets', version, { replicaId: -1, isolationLevel: 0, topics: [{ name, partitions: [partition] }] }]
}

describe('the longest turn of large records', () => {
  let broker: MeasuredBroker

  before(async () => {
    broker = new MeasuredBroker({ 'message.max.bytes': String(100 * MEGABYTE) })
    await broker.start()
  })

  after(() => {
    expect(broker.complaints).to.deep.equal([])
  })

  async function create(name: string, configs: Readonly<Record<string, string>> = {}): Promise<void> {
    const given = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
    const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: given }
    await broker.ask(apiNamed('CreateTopics'), 7, { topics: [topic], timeoutMs: 1000, validateOnly: false })
  }

  async function expectShort([api, version, body]: Asked): Promise<void> {
    let best: Turns = await broker.measure(apiNamed(api), version, body)
    for (let tries = 1; tries < TRIES && best.longestMs > LONGEST_MS; tries++) {
      best = await broker.measure(apiNamed(api), version, body)
    }
    expect(best.longestMs, 'longest turn in ms').to.be.lessThan(LONGEST_MS)
  }

  /** Lasts until the cleaner has run. */
  function cleanerRun(): Promise<void> {
    return new Promise((resolve) => broker.host.timers.after(CLEANER_BACKOFF_MS, resolve))
  }

  async function expectStored([api, version, body]: Asked): Promise<void> {
    const answer = (await broker.ask(apiNamed(api), version, body)) as {
      responses: { partitionResponses: { errorCode: number }[] }[]
    }
    expect(answer.responses[0]!.partitionResponses[0]!.errorCode).to.equal(0)
  }

  for (const compression of ['none', 'lz4', 'snappy'] as const) {
    it(`that an old client sends is short, compression ${compression}`, async () => {
      await create(`old-${compression}`)
      await expectShort(produceTo(`old-${compression}`, 2, messagesOfSmallRecords(LARGE_BYTES, compression)))
    })
  }

  for (const [what, configs] of [
    ['are stored as they are', {}],
    ['get the time of the append', { 'message.timestamp.type': 'LogAppendTime' }],
    ['go to a compacted topic', { 'cleanup.policy': 'compact' }],
  ] as const) {
    it(`that ${what} is short`, async () => {
      const name = `plain-${Object.values(configs).join()}`
      await create(name, configs)
      await expectShort(produceTo(name, 9, batchOfSmallRecords(LARGE_BYTES, 'none')))
    })
  }

  for (const [from, to] of [
    ['none', 'zstd'],
    ['none', 'lz4'],
    ['zstd', 'snappy'],
    ['lz4', 'uncompressed'],
  ] as const) {
    it(`that are recompressed is short: ${from} to ${to}`, async () => {
      const name = `${from}-${to}`
      await create(name, { 'compression.type': to })
      await expectShort(produceTo(name, 9, batchOfSmallRecords(LARGE_BYTES, from)))
    })
  }

  for (const compression of ['none', 'lz4', 'snappy'] as const) {
    it(`that an old client fetches is short, compression ${compression}`, async () => {
      await create(`down-${compression}`)
      await expectStored(produceTo(`down-${compression}`, 9, batchOfSmallRecords(LARGE_BYTES / 2, compression)))
      await expectShort(fetchFrom(`down-${compression}`, 3))
    })
  }

  for (const compression of ['none', 'lz4', 'zstd'] as const) {
    it(`that are searched for a time is short, compression ${compression}`, async () => {
      await create(`timed-${compression}`)
      await expectStored(produceTo(`timed-${compression}`, 9, batchOfSmallRecords(LARGE_BYTES, compression)))
      await expectShort(offsetsOf(`timed-${compression}`, 6, LAST_MS))
      await expectShort(offsetsOf(`timed-${compression}`, 7, -3))
    })
  }

  for (const compression of ['none', 'lz4', 'zstd'] as const) {
    it(`that are compacted is short, compression ${compression}`, async () => {
      const name = `compacted-${compression}`
      const compacted = { 'cleanup.policy': 'compact', 'message.timestamp.type': 'LogAppendTime' }
      await create(name, { ...compacted, 'segment.ms': '1', 'min.cleanable.dirty.ratio': '0' })
      const [all, half] = [COMPACTED_BYTES, COMPACTED_BYTES / 2].map((bytes) =>
        batchOfSmallRecords(bytes, compression, 'own'),
      )
      // The last one is in the active segment, which is not compacted.
      for (const batch of [all!, half!, batchOfSmallRecords(100, 'none')]) {
        await expectStored(produceTo(name, 9, batch))
        await broker.host.advance(10)
      }
      const { longestMs } = await broker.measured(cleanerRun)
      expect(longestMs, 'longest turn in ms').to.be.lessThan(LONGEST_MS)
      const answer = (await broker.ask(apiNamed('Fetch'), 11, fetchFrom(name, 11)[2])) as {
        responses: { partitions: { records: Buffer[] }[] }[]
      }
      const { count } = new RecordBatch(answer.responses[0]!.partitions[0]!.records[0]!)
      expect(count).to.equal(new RecordBatch(all!).count - new RecordBatch(half!).count)
    })
  }

  it('of a look-up in many segments is short', async () => {
    await create('segments', { 'segment.bytes': String(MEGABYTE) })
    const batch = batchOfSmallRecords(0.9 * MEGABYTE, 'none')
    for (let i = 0; i < SEGMENTS; i++) await expectStored(produceTo('segments', 9, batch))
    await expectShort(offsetsOf('segments', 0, 5))
    await expectShort(offsetsOf('segments', 6, LAST_MS + 1))
    await expectShort(offsetsOf('segments', 7, -3))
  })
})
