import { expect } from 'chai'
import { ApiVersions } from '../../protocol/apis/api-versions.ts'
import { Fetch } from '../../protocol/apis/fetch.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { forgedBatch } from '../../protocol/records/forged-batch.fixture.ts'
import { buildMessageSet } from '../../protocol/records/legacy-builder.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { ottla } from '../broker-program.ts'
import { memoryOf, resetPeak } from '../process-memory.ts'
import { RawClient } from '../raw-client.ts'
import { TopicClient } from '../storage/topic-client.ts'
import { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'
import { NOTHING_SAID } from './bystander.ts'

const MEGABYTE = 1_048_576
/** Twice as much as may be in memory as a whole. */
const VALUE = 'a'.repeat(200 * MEGABYTE)
const [FIRST_MS, LAST_MS] = [1_767_225_600_000, 1_767_225_601_000]
const GZIP = 1
/** Memory beyond that of an idle broker: where content is looked at in pieces, and where all of it is needed. */
const [PIECES_BYTES, WHOLE_BYTES] = [80 * MEGABYTE, 350 * MEGABYTE]
const LONGEST_WAIT_MS = 500

/** Two records with one key, the second one large. */
function largeBatch(): Buffer {
  const records = [{}, { timestampDelta: LAST_MS - FIRST_MS, value: VALUE }]
  return forgedBatch({ records, header: { baseTimestamp: FIRST_MS }, codec: GZIP })
}

function largeMessage(): Buffer {
  const records = [{ offset: 0, timestamp: FIRST_MS, key: Buffer.from('k'), value: Buffer.from(VALUE) }]
  return buildMessageSet(records, { magic: 1, compression: 'gzip' })
}

describe('a batch of 200 KB that unpacks to 200 MB', function () {
  this.timeout(120_000)
  let broker: TestBroker
  let topics: TopicClient
  let client: RawClient
  let pings: Pings
  let batch: Buffer

  before(async function () {
    // Its memory is read from /proc.
    if (process.platform !== 'linux') this.skip()
    broker = await TestBroker.start({ program: ottla, settings: { 'log.cleaner.backoff.ms': '500' } })
    topics = await TopicClient.connect(broker.port)
    client = await RawClient.connect(broker.port)
    pings = new Pings(await RawClient.connect(broker.port))
    batch = largeBatch()
    expect(batch.length).to.be.lessThan(MEGABYTE)
    await topics.create('plain')
  })
  after(async () => {
    topics?.close()
    client?.close()
    pings?.close()
    await broker?.dispose()
  })

  /** Does something while another client asks again and again. */
  async function expectBounded<T>(mostBytes: number, work: () => Promise<T>): Promise<T> {
    resetPeak(broker.pid)
    const before = memoryOf(broker.pid, 'VmRSS')
    const { result, longestMs } = await pings.during(work)
    expect(memoryOf(broker.pid, 'VmHWM') - before, 'memory').to.be.lessThan(mostBytes)
    expect(longestMs, 'longest wait of another client in ms').to.be.lessThan(LONGEST_WAIT_MS)
    return result
  }

  async function produce(topic: string, records = batch, version = 9): Promise<string> {
    const topicData = [{ name: topic, topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }]
    const body = { transactionalId: null, acks: -1, timeoutMs: 30_000, topicData }
    const { responses } = await client.send(Produce, version, body)
    return errorName(responses[0]!.partitionResponses[0]!.errorCode)
  }

  async function fetch(topic: string, version: number): Promise<{ error: string; bytes: number }> {
    const partition = { partition: 0, fetchOffset: 0, logStartOffset: -1, partitionMaxBytes: MEGABYTE }
    const wanted = [{ topic, topicId: ZERO_UUID, partitions: [partition] }]
    const body = { replicaId: -1, maxWaitMs: 0, minBytes: 1, topics: wanted, forgottenTopicsData: [] }
    const { responses } = await client.send(Fetch, version, body)
    const { errorCode, records } = responses[0]!.partitions[0]!
    return { error: errorName(errorCode), bytes: Buffer.concat(records ?? []).length }
  }

  it('is stored as it is, and found by time', async () => {
    expect(await expectBounded(PIECES_BYTES, () => produce('plain'))).to.equal('NONE')
    const found = await expectBounded(PIECES_BYTES, () => topics.offsetAt('plain', LAST_MS))
    expect(found).to.deep.equal({ error: 'NONE', offset: 1, timestamp: LAST_MS })
    expect(await expectBounded(PIECES_BYTES, () => fetch('plain', 12))).to.deep.equal({
      error: 'NONE',
      bytes: batch.length,
    })
  })

  it('is refused where it would have to be compressed anew or converted', async () => {
    await topics.create('lz4', { 'compression.type': 'lz4' })
    expect(await expectBounded(WHOLE_BYTES, () => produce('lz4'))).to.equal('MESSAGE_TOO_LARGE')
    const old = largeMessage()
    expect(await expectBounded(WHOLE_BYTES, () => produce('plain', old, 2))).to.equal('MESSAGE_TOO_LARGE')
    expect((await expectBounded(WHOLE_BYTES, () => fetch('plain', 3))).error).to.equal('MESSAGE_TOO_LARGE')
  })

  it('keeps its log from being compacted, which a line says, once', async () => {
    await topics.create('compacted', {
      'cleanup.policy': 'compact',
      'segment.ms': '1',
      'min.cleanable.dirty.ratio': '0',
    })
    await expectBounded(WHOLE_BYTES, async () => {
      expect(await produce('compacted')).to.equal('NONE')
      await topics.produce('compacted', [{ key: 'k', value: 'next' }])
      await waitFor('a line about the log', () => broker.logs.includes('a log cannot be compacted'))
      await new Promise((resolve) => setTimeout(resolve, 2000))
    })
    const lines = broker.logs.split('\n').filter((line) => line.includes('a log cannot be compacted'))
    expect(lines).to.have.length(1)
    expect(lines[0]).to.match(/compacted-0.*decompressed records exceed/)
    expect((await fetch('compacted', 12)).error).to.equal('NONE')
  })

  it('is still there after the broker was killed', async () => {
    await broker.kill9()
    await broker.restart()
    topics = await TopicClient.connect(broker.port)
    client = await RawClient.connect(broker.port)
    expect(memoryOf(broker.pid, 'VmHWM')).to.be.lessThan(250 * MEGABYTE)
    expect(await topics.offsetAt('plain', LAST_MS)).to.deep.equal({ error: 'NONE', offset: 1, timestamp: LAST_MS })
    expect(await fetch('plain', 12)).to.deep.equal({ error: 'NONE', bytes: batch.length })
  })
})

/** A client that asks again and again. */
class Pings {
  readonly #client: RawClient

  constructor(client: RawClient) {
    this.#client = client
  }

  close(): void {
    this.#client.close()
  }

  /** Result of the work, and the longest wait for an answer meanwhile. */
  async during<T>(work: () => Promise<T>): Promise<{ result: T; longestMs: number }> {
    let isOver = false
    const working = work().finally(() => {
      isOver = true
    })
    let longestMs = 0
    while (!isOver) {
      const startMs = performance.now()
      await this.#client.send(ApiVersions, 0, NOTHING_SAID)
      longestMs = Math.max(longestMs, performance.now() - startMs)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    return { result: await working, longestMs }
  }
}
