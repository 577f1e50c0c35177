import { expect } from 'chai'
import { Fetch } from '../../protocol/apis/fetch.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { batchesOf } from '../../protocol/records/record-batch.ts'
import { type RequestInputOf, ZERO_UUID } from '../../protocol/schema.ts'
import type { TopicImage } from '../metadata/metadata-image.ts'
import { batchOf, DataPath } from './data-path.fixture.ts'
import { fetch } from './fetch.ts'

const NEWEST = 18
const append = { origin: 'client', leaderEpoch: 0, nowMs: 0 } as const

type Request = RequestInputOf<typeof Fetch>

/** A fetch of these partitions; offsets maps each partition to its fetch offset. */
function requestTo(
  topic: { name: string; id: string },
  offsets: Record<number, number>,
  changes: Partial<Request> = {},
  partition = {},
): Request {
  const partitions = Object.entries(offsets).map(([index, fetchOffset]) => ({
    partition: Number(index),
    fetchOffset,
    logStartOffset: -1,
    partitionMaxBytes: 1 << 20,
    ...partition,
  }))
  return {
    maxWaitMs: 0,
    minBytes: 1,
    topics: [{ topic: topic.name, topicId: topic.id, partitions }],
    forgottenTopicsData: [],
    ...changes,
  } as Request
}

describe('Fetch', () => {
  async function rig(partitionCount = 1): Promise<{ path: DataPath; topic: TopicImage }> {
    const path = new DataPath([fetch])
    const topic = path.metadata.addTopic('t', partitionCount)
    return { path, topic }
  }

  /** Base offsets of the batches in a partition's records. */
  function baseOffsets(slices: readonly Buffer[] | null): number[] {
    return batchesOf(Buffer.concat(slices ?? [])).batches.map(({ baseOffset }) => baseOffset)
  }

  for (let version = 0; version <= NEWEST; version++) {
    it(`v${version} reads what was appended`, async () => {
      const { path, topic } = await rig()
      await path.log('t').append(batchOf(['a', 'b']), append)
      const response = await path.connect().call(Fetch, version, requestTo(topic, { 0: 0 }))
      const [first] = response.responses
      expect(first).to.include(version < 13 ? { topic: 't' } : { topicId: topic.id })
      expect(first?.partitions[0]).to.include({ partitionIndex: 0, errorCode: 0, highWatermark: 2 })
      const { batches } = batchesOf(Buffer.concat(first?.partitions[0]?.records ?? []))
      expect(batches[0]?.magic).to.equal(version < 2 ? 0 : version < 4 ? 1 : 2)
      expect(batches.at(-1)?.isLegacy ? batches.length : batches[0]?.count).to.equal(2)
    })
  }

  it('releases its read memory once the client has the answer', async () => {
    const { path, topic } = await rig()
    await path.log('t').append(batchOf(['a']), append)
    await path.connect().call(Fetch, NEWEST, requestTo(topic, { 0: 0 }))
    await path.host.advance(1)
    expect(path.log('t').heldReads).to.equal(0)
  })

  it('waits for an append and answers at once', async () => {
    const { path, topic } = await rig()
    const client = path.connect()
    client.send(Fetch, NEWEST, requestTo(topic, { 0: 0 }, { maxWaitMs: 5000 }))
    await path.host.advance(100)
    expect(client.hasResponse).to.equal(false)
    // Another broker of the process may append.
    await path.log('t').append(batchOf(['late']), append)
    await path.host.advance(0)
    const response = await client.receive(Fetch, NEWEST)
    expect(baseOffsets(response?.responses[0]?.partitions[0]?.records ?? null)).to.deep.equal([0])
  })

  describe('from a broker that follows', () => {
    async function answer(version: number, changes: Partial<Request>, partition: object = {}) {
      const path = new DataPath([fetch])
      const topic = path.metadata.addTopic('t', 1, { replicas: [1, 2], isr: [1, 2], leader: 2, leaderEpoch: 5 })
      await path.log('t').append(batchOf(['a']), append)
      const response = await path.connect().call(Fetch, version, requestTo(topic, { 0: 0 }, changes, partition))
      const { errorCode, records } = response.responses[0]!.partitions[0]!
      return [errorName(errorCode), baseOffsets(records).length]
    }

    for (const [who, version, replicaId, expected] of [
      ['consumers that know of it', 11, -1, ['NONE', 1]],
      ['older consumers not', 10, -1, ['NOT_LEADER_OR_FOLLOWER', 0]],
      ['debugging tools', 11, -2, ['NONE', 1]],
      ['older debugging tools not', 10, -2, ['NOT_LEADER_OR_FOLLOWER', 0]],
      ['copies to another directory of any age', 10, -3, ['NONE', 1]],
      ['other brokers not', 12, 2, ['NOT_LEADER_OR_FOLLOWER', 0]],
    ] as const) {
      it(`serves ${who}`, async () => {
        expect(await answer(version, { replicaId })).to.deep.equal(expected)
      })
    }

    it('checks the leader epoch', async () => {
      const check = async (version: number, currentLeaderEpoch: number) =>
        (await answer(version, {}, { currentLeaderEpoch }))[0]
      expect([await check(11, 4), await check(11, 5), await check(11, 6)]).to.deep.equal([
        'FENCED_LEADER_EPOCH',
        'NONE',
        'UNKNOWN_LEADER_EPOCH',
      ])
      expect([await check(10, 4), await check(10, 5)]).to.deep.equal(['FENCED_LEADER_EPOCH', 'NOT_LEADER_OR_FOLLOWER'])
    })
  })

  it('waits for logs that are being opened, all at once, and then for data', async () => {
    const { path, topic } = await rig(2)
    const slow = new DataPath([fetch])
    slow.logs.opening = () => new Promise((resolve) => slow.host.timers.after(100, resolve))
    slow.metadata.addTopic('t', 2)
    const client = slow.connect()
    client.send(Fetch, NEWEST, requestTo(topic, { 0: 0, 1: 0 }, { maxWaitMs: 5000 }))
    await slow.host.advance(150)
    expect([client.hasResponse, slow.purgatory.watchedCount]).to.deep.equal([false, 2])
    await slow.log('t').append(batchOf(['late']), append)
    const response = await client.receive(Fetch, NEWEST)
    expect(response?.responses[0]?.partitions.map(({ errorCode }) => errorCode)).to.deep.equal([0, 0])
    expect(path.errors).to.deep.equal([])
  })

  for (const maxWaitMs of [0, 5000]) {
    it(`answers at once if a log cannot be opened, with max.wait ${maxWaitMs}`, async () => {
      const path = new DataPath([fetch])
      path.logs.opening = async (_, partition) => {
        if (partition === 0) throw Object.assign(new Error('EIO'), { code: 'EIO' })
      }
      const topic = path.metadata.addTopic('t', 2)
      const { responses } = await path.connect().call(Fetch, NEWEST, requestTo(topic, { 0: 0, 1: 0 }, { maxWaitMs }))
      expect(responses[0]?.partitions.map((each) => errorName(each.errorCode))).to.deep.equal([
        'KAFKA_STORAGE_ERROR',
        'NONE',
      ])
      expect(path.host.clock.monotonicMs()).to.be.lessThan(1000)
    })
  }

  it('answers empty when max.wait is over', async () => {
    const { path, topic } = await rig()
    const client = path.connect()
    client.send(Fetch, 12, requestTo(topic, { 0: 0 }, { maxWaitMs: 300 }))
    await path.host.advance(299)
    expect(client.hasResponse).to.equal(false)
    const response = await client.receive(Fetch, 12)
    expect(response?.responses[0]?.partitions[0]).to.deep.include({ errorCode: 0, records: [Buffer.alloc(0)] })
  })

  it('waits until all partitions together have min.bytes', async () => {
    const { path, topic } = await rig(2)
    const size = batchOf(['x']).length
    const client = path.connect()
    client.send(Fetch, NEWEST, requestTo(topic, { 0: 0, 1: 0 }, { maxWaitMs: 5000, minBytes: 2 * size }))
    for (const index of [0, 1]) {
      await path.host.advance(10)
      expect(client.hasResponse).to.equal(false)
      await path.log('t', index).append(batchOf(['x']), append)
    }
    const response = await client.receive(Fetch, NEWEST)
    expect(response?.responses[0]?.partitions.map(({ records }) => baseOffsets(records))).to.deep.equal([[0], [0]])
    await path.host.advance(10)
    expect([path.log('t', 0).heldReads, path.log('t', 1).heldReads]).to.deep.equal([0, 0])
  })

  for (const closes of ['waits', 'reads'] as const) {
    it(`releases everything if its client disconnects while it ${closes}`, async () => {
      const { path, topic } = await rig()
      await path.log('t').append(batchOf(['a']), append)
      const before = path.services.bytesInFlight.availableBytes
      path.log('t').reading = () => new Promise((resolve) => path.host.timers.after(10, resolve))
      const client = path.connect()
      client.send(Fetch, NEWEST, requestTo(topic, { 0: 0 }, { maxWaitMs: 3_600_000, minBytes: 1 << 19 }))
      await path.host.advance(closes === 'reads' ? 5 : 50)
      client.close()
      await path.host.advance(20)
      expect(path.purgatory.watchedCount).to.equal(0)
      expect(path.log('t').heldReads).to.equal(0)
      expect(path.services.bytesInFlight.availableBytes).to.equal(before)
    })
  }

  async function appendTo(path: DataPath, partition: number, value = 'x'): Promise<void> {
    await path.log('t', partition).append(batchOf([value]), append)
  }

  it('notices an append during its read', async () => {
    const { path, topic } = await rig(2)
    await path.log('t', 0).append(batchOf(['x']), append)
    path.log('t', 0).reading = () => appendTo(path, 1)
    const minBytes = 2 * batchOf(['x']).length
    const request = requestTo(topic, { 1: 0, 0: 0 }, { maxWaitMs: 60_000, minBytes })
    const { responses } = await path.connect().call(Fetch, NEWEST, request)
    expect(responses[0]!.partitions.map(({ records }) => baseOffsets(records).length)).to.deep.equal([1, 1])
    expect(path.host.clock.monotonicMs()).to.be.lessThan(1000)
  })

  it('notices a deletion during its read', async () => {
    const { path, topic } = await rig()
    await path.log('t').append(batchOf(['x']), append)
    path.log('t').reading = async () => path.metadata.deleteTopic(topic)
    const request = requestTo(topic, { 0: 0 }, { maxWaitMs: 60_000, minBytes: 1000 })
    const { responses } = await path.connect().call(Fetch, 12, request)
    expect(errorName(responses[0]!.partitions[0]!.errorCode)).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
  })

  /** Number of batches answered for each partition, and how long the answer took. */
  async function answered(path: DataPath, request: Request): Promise<{ counts: number[]; tookMs: number }> {
    const startedMs = path.host.clock.monotonicMs()
    const { responses } = await path.connect().call(Fetch, NEWEST, request)
    const counts = responses[0]!.partitions.map(({ records }) => baseOffsets(records).length)
    return { counts, tookMs: Math.floor(path.host.clock.monotonicMs() - startedMs) }
  }

  it('gets everything that a transaction held back when it ends, however small the marker is', async () => {
    const { path, topic } = await rig()
    const log = path.log('t')
    log.unstableOffset = 0
    const client = path.connect()
    const waits = { isolationLevel: 1, maxWaitMs: 60_000, minBytes: 1500 }
    client.send(Fetch, NEWEST, requestTo(topic, { 0: 0 }, waits))
    await path.host.advance(10)
    for (let i = 0; i < 4; i++) await appendTo(path, 0, 'x'.repeat(1000))
    await path.host.advance(10)
    expect(client.hasResponse).to.equal(false)
    log.unstableOffset = undefined
    await appendTo(path, 0)
    const response = await client.receive(Fetch, NEWEST)
    expect(baseOffsets(response!.responses[0]!.partitions[0]!.records)).to.deep.equal([0, 1, 2, 3, 4])
    expect(path.host.clock.monotonicMs()).to.be.lessThan(1000)
  })

  it('does not wake for records that it may not read', async () => {
    const { path, topic } = await rig()
    path.log('t').unstableOffset = 0
    let parks = 0
    const { park } = path.purgatory
    path.purgatory.park = (fetch) => {
      parks++
      return park.call(path.purgatory, fetch)
    }
    const client = path.connect()
    client.send(Fetch, NEWEST, requestTo(topic, { 0: 0 }, { isolationLevel: 1, maxWaitMs: 500, minBytes: 1 }))
    await path.host.advance(10)
    for (let i = 0; i < 4; i++) await appendTo(path, 0)
    await path.host.advance(10)
    expect(parks).to.equal(1)
    await path.host.advance(500)
    expect(baseOffsets((await client.receive(Fetch, NEWEST))!.responses[0]!.partitions[0]!.records)).to.deep.equal([])
  })

  describe('of whole batches, which do not add up to min.bytes,', () => {
    const size = batchOf(['x']).length
    const part = size >> 1

    it('is answered once a limit excludes the next batch', async () => {
      const { path, topic } = await rig()
      for (let i = 0; i < 4; i++) await appendTo(path, 0)
      const waits = { maxWaitMs: 500, minBytes: 2 * size + part }
      const ofPartition = requestTo(topic, { 0: 0 }, waits, { partitionMaxBytes: 2 * size + part })
      expect(await answered(path, ofPartition)).to.deep.equal({ counts: [2], tookMs: 0 })
      const ofRequest = requestTo(topic, { 0: 0 }, { ...waits, maxBytes: 2 * size + part })
      expect(await answered(path, ofRequest)).to.deep.equal({ counts: [2], tookMs: 0 })
    })

    it('is answered once nothing can be added, even below min.bytes', async () => {
      const { path, topic } = await rig()
      for (let i = 0; i < 4; i++) await appendTo(path, 0)
      const request = requestTo(topic, { 0: 0 }, { maxWaitMs: 500, minBytes: 1 << 20 }, { partitionMaxBytes: 2 * size })
      expect(await answered(path, request)).to.deep.equal({ counts: [2], tookMs: 0 })
    })

    it('is answered with a batch larger than the limit', async () => {
      const { path, topic } = await rig()
      await appendTo(path, 0, 'x'.repeat(1000))
      const request = requestTo(topic, { 0: 0 }, { maxWaitMs: 500, minBytes: 1 << 20 }, { partitionMaxBytes: 100 })
      expect(await answered(path, request)).to.deep.equal({ counts: [1], tookMs: 0 })
    })

    it('waits while another partition can add something', async () => {
      const { path, topic } = await rig(2)
      for (let i = 0; i < 4; i++) await appendTo(path, 0)
      const waits = { maxWaitMs: 500, minBytes: 3 * size }
      const request = requestTo(topic, { 0: 0, 1: 0 }, waits, { partitionMaxBytes: 2 * size })
      expect(await answered(path, request)).to.deep.equal({ counts: [2, 0], tookMs: 500 })
      path.host.timers.after(100, () => void appendTo(path, 1))
      expect(await answered(path, request)).to.deep.equal({ counts: [2, 1], tookMs: 100 })
    })

    it('is answered with records of an older segment', async () => {
      const { path, topic } = await rig()
      for (let i = 0; i < 4; i++) await appendTo(path, 0)
      path.log('t').segmentEnd = 1
      const request = requestTo(topic, { 0: 0 }, { maxWaitMs: 500, minBytes: 1 << 19 })
      expect(await answered(path, request)).to.deep.equal({ counts: [1], tookMs: 0 })
    })

    it('is woken once its partitions have as much as they may add', async () => {
      const { path, topic } = await rig()
      path.host.timers.after(100, () => void appendTo(path, 0))
      const request = requestTo(topic, { 0: 0 }, { maxWaitMs: 500, minBytes: 1 << 20 }, { partitionMaxBytes: size })
      expect(await answered(path, request)).to.deep.equal({ counts: [1], tookMs: 100 })
    })

    it('counts stored bytes, not bytes converted for an old client', async () => {
      const { path, topic } = await rig()
      for (let i = 0; i < 4; i++) await appendTo(path, 0)
      const waits = { maxWaitMs: 500, minBytes: 2 * size }
      const request = requestTo(topic, { 0: 0 }, waits, { partitionMaxBytes: 2 * size })
      await path.connect().call(Fetch, 3, request)
      expect(path.host.clock.monotonicMs()).to.be.lessThan(10)
    })
  })

  it('keeps the limits, except for the first batch', async () => {
    const { path, topic } = await rig(2)
    for (const index of [0, 1]) {
      for (const value of ['x', 'y']) await path.log('t', index).append(batchOf([value]), append)
    }
    const size = batchOf(['x']).length
    const read = async (changes: Partial<Request>, partition = {}) => {
      const { responses } = await path
        .connect()
        .call(Fetch, NEWEST, requestTo(topic, { 0: 0, 1: 0 }, changes, partition))
      return responses[0]?.partitions.map(({ records }) => baseOffsets(records).length)
    }
    expect(await read({})).to.deep.equal([2, 2])
    expect(await read({ maxBytes: 3 * size })).to.deep.equal([2, 1])
    expect(await read({ maxBytes: 1 })).to.deep.equal([1, 0])
    expect(await read({}, { partitionMaxBytes: size })).to.deep.equal([1, 1])
    expect(await read({}, { partitionMaxBytes: 1 })).to.deep.equal([1, 0])
  })

  it('shrinks to the memory that is left, and does not wait for more', async () => {
    const { path, topic } = await rig()
    for (const value of ['x', 'y', 'z']) await path.log('t').append(batchOf([value.repeat(1000)]), append)
    const { bytesInFlight } = path.services
    // Leave room for the request and two batches.
    const taken = bytesInFlight.availableBytes - 2500
    bytesInFlight.addResponse(taken)
    const request = requestTo(topic, { 0: 0 }, { maxWaitMs: 60_000, minBytes: 10_000 })
    const { responses } = await path.connect().call(Fetch, NEWEST, request)
    expect(baseOffsets(responses[0]!.partitions[0]!.records)).to.deep.equal([0, 1])
    expect(path.host.clock.monotonicMs()).to.be.lessThan(1000)
  })

  it('counts what it read until the client has received it', async () => {
    const { path, topic } = await rig()
    const { bytesInFlight } = path.services
    const before = bytesInFlight.availableBytes
    await path.log('t').append(batchOf(['x'.repeat(5000)]), append)
    const client = path.connect()
    client.stalled = true
    client.send(Fetch, NEWEST, requestTo(topic, { 0: 0 }))
    await path.host.advance(10)
    expect(before - bytesInFlight.availableBytes).to.be.within(5000, 6000)
    client.stalled = false
    await path.host.advance(10)
    expect(bytesInFlight.availableBytes).to.equal(before)
  })

  it('shows uncommitted records only to read_uncommitted clients', async () => {
    const { path, topic } = await rig()
    const log = path.log('t')
    for (const value of ['a', 'b', 'c']) await log.append(batchOf([value]), append)
    log.unstableOffset = 1
    log.aborted = [{ producerId: 9, firstOffset: 0, lastOffset: 0, lastStableOffset: 1 }]
    const read = async (isolationLevel: number) => {
      const { responses } = await path.connect().call(Fetch, NEWEST, requestTo(topic, { 0: 0 }, { isolationLevel }))
      return responses[0]!.partitions[0]!
    }
    const uncommitted = await read(0)
    expect(baseOffsets(uncommitted.records)).to.deep.equal([0, 1, 2])
    expect(uncommitted.abortedTransactions).to.equal(null)
    const committed = await read(1)
    expect(baseOffsets(committed.records)).to.deep.equal([0])
    expect(committed).to.deep.include({
      highWatermark: 3,
      lastStableOffset: 1,
      abortedTransactions: [{ producerId: 9, firstOffset: 0 }],
    })
  })

  for (const [what, changes, version, error] of [
    ['an offset beyond the end', { fetchOffset: 9 }, NEWEST, 'OFFSET_OUT_OF_RANGE'],
    ['an unknown partition, where it asks for no other,', { partition: 4 }, NEWEST, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['an epoch that is too new', { currentLeaderEpoch: 3 }, NEWEST, 'UNKNOWN_LEADER_EPOCH'],
  ] as const) {
    it(`answers ${error} to ${what} at once`, async () => {
      const { path, topic } = await rig()
      const request = requestTo(topic, { 0: 0 }, { maxWaitMs: 60_000 }, changes)
      const { responses } = await path.connect().call(Fetch, version, request)
      const partition = responses[0]!.partitions[0]!
      expect(errorName(partition.errorCode)).to.equal(error)
      expect(partition).to.deep.include({ highWatermark: -1, lastStableOffset: -1, logStartOffset: -1 })
      expect(path.host.clock.monotonicMs()).to.be.lessThan(1000)
    })
  }

  it('waits for known partitions in spite of unknown ones, whose errors come last', async () => {
    const { path, topic } = await rig()
    const missing = { name: 'missing', id: 'ZAAAAAAAAAAAAAAAAAAAAA' }
    for (const [version, error] of [
      [6, 'UNKNOWN_TOPIC_OR_PARTITION'],
      [12, 'UNKNOWN_TOPIC_OR_PARTITION'],
      [13, 'UNKNOWN_TOPIC_ID'],
      [NEWEST, 'UNKNOWN_TOPIC_ID'],
    ] as const) {
      const startedMs = path.host.clock.monotonicMs()
      const request = requestTo(topic, { 7: 0, 0: 0 }, { maxWaitMs: 500 })
      request.topics = [...requestTo(missing, { 0: 0 }).topics, ...request.topics]
      const { responses } = await path.connect().call(Fetch, version, request)
      expect(path.host.clock.monotonicMs() - startedMs, `v${version}`).to.be.at.least(500)
      const told = responses.flatMap(({ partitions }) =>
        partitions.map(({ partitionIndex, errorCode }) => [partitionIndex, errorName(errorCode)]),
      )
      expect(told).to.deep.equal([
        [0, 'NONE'],
        [0, error],
        [7, 'UNKNOWN_TOPIC_OR_PARTITION'],
      ])
    }
  })

  it('answers a missing partition of a session each time, and waits each time', async () => {
    const { path, topic } = await rig(2)
    const client = path.connect()
    const { sessionId } = await client.call(Fetch, NEWEST, requestTo(topic, { 0: 0, 5: 0 }, { sessionEpoch: 0 }))
    for (const sessionEpoch of [1, 2, 3]) {
      const startedMs = path.host.clock.monotonicMs()
      const next = { ...requestTo(topic, {}, { sessionId, sessionEpoch, maxWaitMs: 500 }), topics: [] }
      const { responses } = await client.call(Fetch, NEWEST, next)
      expect(path.host.clock.monotonicMs() - startedMs).to.be.at.least(500)
      const told = responses[0]!.partitions.map(({ partitionIndex, errorCode }) => [
        partitionIndex,
        errorName(errorCode),
      ])
      expect(told).to.deep.equal([[5, 'UNKNOWN_TOPIC_OR_PARTITION']])
    }
  })

  it('refuses zstd to a client older than 0.11, after waiting like any other fetch', async () => {
    const { path, topic } = await rig()
    path.metadata.setConfig('t', 'compression.type', 'zstd')
    const client = path.connect()
    client.send(Fetch, 3, requestTo(topic, { 0: 0 }, { maxWaitMs: 500 }))
    await path.host.advance(499)
    expect(client.hasResponse).to.equal(false)
    const response = await client.receive(Fetch, 3)
    const [partition] = response!.responses[0]!.partitions
    expect(errorName(partition!.errorCode)).to.equal('UNSUPPORTED_COMPRESSION_TYPE')
    expect(partition).to.deep.include({ highWatermark: -1 })
  })

  it('answers UNKNOWN_TOPIC_ID to an unknown id', async () => {
    const { path } = await rig()
    for (const id of ['ZAAAAAAAAAAAAAAAAAAAAA', ZERO_UUID]) {
      const { responses } = await path.connect().call(Fetch, NEWEST, requestTo({ name: 't', id }, { 0: 0 }))
      expect(errorName(responses[0]!.partitions[0]!.errorCode)).to.equal('UNKNOWN_TOPIC_ID')
      expect(responses[0]!.partitions[0]!.abortedTransactions).to.deep.equal([])
    }
  })

  it('is woken by a deletion and answers its error', async () => {
    const { path, topic } = await rig()
    const client = path.connect()
    client.send(Fetch, 12, requestTo(topic, { 0: 0 }, { maxWaitMs: 60_000 }))
    await path.host.advance(10)
    path.metadata.deleteTopic(topic)
    const response = await client.receive(Fetch, 12)
    expect(errorName(response!.responses[0]!.partitions[0]!.errorCode)).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
  })

  it('answers INCONSISTENT_TOPIC_ID in a session whose topic was created again', async () => {
    const { path, topic } = await rig()
    const client = path.connect()
    const { sessionId } = await client.call(Fetch, NEWEST, requestTo(topic, { 0: 0 }, { sessionEpoch: 0 }))
    path.metadata.deleteTopic(topic)
    path.metadata.addTopic('t')
    const next = { ...requestTo(topic, {}, { sessionId, sessionEpoch: 1 }), topics: [] }
    const { responses } = await client.call(Fetch, NEWEST, next)
    expect(errorName(responses[0]!.partitions[0]!.errorCode)).to.equal('INCONSISTENT_TOPIC_ID')
  })

  it('answers where logs diverge', async () => {
    const { path, topic } = await rig()
    await path.log('t').append(batchOf(['a', 'b']), append)
    path.log('t').epochs.splice(0)
    path.log('t').epochs.push({ leaderEpoch: 0, startOffset: 0 }, { leaderEpoch: 1, startOffset: 1 })
    const request = requestTo(topic, { 0: 2 }, { maxWaitMs: 60_000 }, { lastFetchedEpoch: 0 })
    const { responses } = await path.connect().call(Fetch, NEWEST, request)
    expect(responses[0]!.partitions[0]).to.deep.include({ errorCode: 0, divergingEpoch: { epoch: 0, endOffset: 1 } })
  })

  it('continues its session with changes only', async () => {
    const { path, topic } = await rig(2)
    const client = path.connect()
    const { sessionId, responses } = await client.call(
      Fetch,
      NEWEST,
      requestTo(topic, { 0: 0, 1: 0 }, { sessionEpoch: 0 }),
    )
    expect(responses[0]?.partitions).to.have.length(2)
    await path.log('t', 1).append(batchOf(['a']), append)
    const next = { ...requestTo(topic, {}, { sessionId, sessionEpoch: 1 }), topics: [] }
    const incremental = await client.call(Fetch, NEWEST, next)
    expect(incremental).to.include({ errorCode: 0, sessionId })
    expect(incremental.responses[0]?.partitions.map(({ partitionIndex }) => partitionIndex)).to.deep.equal([1])
  })

  it('answers the error of an unknown session', async () => {
    const { path, topic } = await rig()
    const { errorCode, responses } = await path
      .connect()
      .call(Fetch, NEWEST, requestTo(topic, { 0: 0 }, { sessionId: 5, sessionEpoch: 3 }))
    expect(errorName(errorCode)).to.equal('FETCH_SESSION_ID_NOT_FOUND')
    expect(responses).to.deep.equal([])
  })

  it('refuses zstd to clients older than 0.11, and old formats for topics that do not convert', async () => {
    const { path, topic } = await rig()
    await path.log('t').append(batchOf(['a']), append)
    const error = async (version: number) => {
      const { responses } = await path.connect().call(Fetch, version, requestTo(topic, { 0: 0 }))
      return errorName(responses[0]!.partitions[0]!.errorCode)
    }
    path.metadata.setConfig('t', 'compression.type', 'zstd')
    expect([await error(3), await error(4)]).to.deep.equal(['UNSUPPORTED_COMPRESSION_TYPE', 'NONE'])
    path.metadata.setConfig('t', 'compression.type', 'producer')
    path.metadata.setConfig('t', 'message.downconversion.enable', 'false')
    expect([await error(3), await error(4)]).to.deep.equal(['UNSUPPORTED_VERSION', 'NONE'])
  })

  it('refuses followers, since no other broker has replicas', async () => {
    const { path, topic } = await rig()
    const { responses } = await path.connect().call(Fetch, 12, requestTo(topic, { 0: 0 }, { replicaId: 2 }))
    expect(errorName(responses[0]!.partitions[0]!.errorCode)).to.equal('NOT_LEADER_OR_FOLLOWER')
  })
})
