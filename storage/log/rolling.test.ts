import { expect } from 'chai'
import { isRejection } from '../../protocol/error-codes.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { Rig } from '../compacted-log.fixture.ts'
import type { LogConfig } from '../partition-log.ts'

const SEGMENT_MS = 100_000

/** A log appended to batch by batch, with the test's clock and timestamps. */
class Rolling extends Rig {
  constructor(changes: Partial<LogConfig>) {
    super({ cleanupPolicy: ['delete'], retentionMs: -1, segmentBytes: 1_000_000, segmentMs: SEGMENT_MS, ...changes })
  }

  async put(timestamp: number, baseOffset?: number): Promise<void> {
    const bytes = buildBatch([{ value: 'v', timestamp }], baseOffset === undefined ? {} : { baseOffset })
    const origin = baseOffset === undefined ? 'client' : 'replication'
    const result = await this.host.settle(this.log.append(bytes, { origin, leaderEpoch: 0, nowMs: this.nowMs }))
    if (isRejection(result)) throw new Error(`${result.error} ${result.message}`)
  }

  get bases(): number[] {
    return this.log.segments.map(({ baseOffset }) => baseOffset)
  }
}

const batchBytes = buildBatch([{ value: 'v', timestamp: 0 }]).length

describe('a segment ends', () => {
  let rig: Rolling
  const opened = async (changes: Partial<LogConfig> = {}): Promise<number> => {
    rig = await new Rolling(changes).open()
    return rig.nowMs
  }
  afterEach(() => rig.stop())

  it('segment.bytes: before it would be larger, and not before that', async () => {
    const now = await opened({ segmentBytes: 3 * batchBytes })
    for (let i = 0; i < 7; i++) await rig.put(now)
    expect(rig.bases).to.deep.equal([0, 3, 6])
  })

  it('segment.bytes: what is larger than a segment is refused', async () => {
    const now = await opened({ segmentBytes: batchBytes - 1 })
    const bytes = buildBatch([{ value: 'v', timestamp: now }])
    const result = await rig.host.settle(rig.log.append(bytes, { origin: 'client', leaderEpoch: 0, nowMs: now }))
    expect(isRejection(result) && result.error).to.equal('RECORD_LIST_TOO_LARGE')
    expect(rig.log.logEndOffset).to.equal(0)
  })

  for (const restarts of [false, true]) {
    it(`segment.ms: by the timestamps of records, not by the clock${restarts ? ', over a restart' : ''}`, async () => {
      const now = await opened()
      await rig.put(now - SEGMENT_MS)
      await rig.host.advance(2 * SEGMENT_MS)
      if (restarts) await rig.restart()
      await rig.put(now)
      expect(rig.bases, 'as old as it may be').to.deep.equal([0])
      await rig.put(now + 1)
      expect(rig.bases).to.deep.equal([0, 2])
    })
  }

  it('segment.ms: by the clock where records have no timestamps', async () => {
    await opened()
    await rig.put(-1)
    await rig.host.advance(SEGMENT_MS - 1000)
    await rig.put(-1)
    expect(rig.bases).to.deep.equal([0])
    await rig.host.advance(2000)
    await rig.put(-1)
    expect(rig.bases).to.deep.equal([0, 2])
  })

  it('segment.ms: an empty one is not replaced, however old it is', async () => {
    await opened()
    await rig.host.advance(10 * SEGMENT_MS)
    await rig.put(rig.nowMs)
    expect(rig.bases).to.deep.equal([0])
  })

  it('max.compaction.lag.ms: no later than that where the log is compacted', async () => {
    const lags = { maxCompactionLagMs: 1000, segmentMs: SEGMENT_MS }
    for (const [cleanupPolicy, bases] of [
      [['compact'], [0, 1]],
      [['delete'], [0]],
    ] as const) {
      const now = await opened({ ...lags, cleanupPolicy })
      await rig.append([['k', 'v']])
      const bytes = buildBatch([{ key: 'k', value: 'v', timestamp: now + 1001 }])
      await rig.host.settle(rig.log.append(bytes, { origin: 'client', leaderEpoch: 0, nowMs: now }))
      expect(rig.bases).to.deep.equal(bases)
    }
  })

  /** Ages at which segments rolled. The clock stands still; only the timestamps go on, in steps. */
  const ages = async (count: number, stepMs: number): Promise<number[]> => {
    let timestamp = rig.nowMs
    const ends: number[] = []
    let first = timestamp
    while (ends.length < count) {
      const before = rig.bases.length
      await rig.put(timestamp)
      if (rig.bases.length > before) {
        ends.push(timestamp - first)
        first = timestamp
      }
      timestamp += stepMs
    }
    return ends
  }

  it('segment.jitter.ms: a random time earlier, each at another, the first one too', async () => {
    const jitterMs = SEGMENT_MS / 2
    const firsts: number[] = []
    for (let i = 0; i < 6; i++) {
      await opened({ segmentJitterMs: jitterMs, messageTimestampAfterMaxMs: Number.MAX_SAFE_INTEGER })
      for (let skipped = 0; skipped < i; skipped++) rig.host.random.below(2)
      await rig.restart()
      const ends = await ages(4, 1000)
      firsts.push(ends[0]!)
      for (const age of ends) expect(age).to.be.within(SEGMENT_MS - jitterMs, SEGMENT_MS + 1000)
      expect(new Set(ends).size).to.be.greaterThan(1)
    }
    expect(new Set(firsts).size, 'the first segment has a jitter, and another at each start').to.be.greaterThan(2)
  })

  it('segment.jitter.ms: one above segment.ms, or without end, does not end segments at each append', async () => {
    for (const segmentJitterMs of [100 * SEGMENT_MS, Number.MAX_SAFE_INTEGER]) {
      await opened({ segmentJitterMs, messageTimestampAfterMaxMs: Number.MAX_SAFE_INTEGER })
      const { below } = rig.host.random
      // The machine's cryptographic generator takes no larger bound.
      rig.host.random.below = (bound) => {
        expect(bound).to.be.below(2 ** 48)
        return below.call(rig.host.random, bound)
      }
      const now = rig.nowMs
      for (let i = 0; i < 50; i++) await rig.put(now)
      expect(rig.bases).to.deep.equal([0])
      for (const age of await ages(5, 100)) expect(age).to.be.within(0, SEGMENT_MS + 100)
    }
  })

  it('segment.index.bytes: when its offset index or its time index is full', async () => {
    const now = await opened({ segmentIndexBytes: 40, indexIntervalBytes: 0 })
    // One entry for each batch but the first. 5 entries of 8 bytes fit, and 3 of 12, one of them for the end.
    for (let i = 0; i < 8; i++) await rig.put(now)
    expect(rig.bases, 'one entry in the time index, as time stands still').to.deep.equal([0, 6])
    await rig.put(now + 1)
    await rig.put(now + 2)
    await rig.put(now + 3)
    expect(rig.bases.slice(0, 3)).to.deep.equal([0, 6, 9])
  })

  it('before an offset that its indexes cannot tell', async () => {
    const now = await opened({ segmentMs: Number.MAX_SAFE_INTEGER })
    const last = 2 ** 31 - 1
    await rig.put(now, 0)
    await rig.put(now, last)
    expect(rig.bases).to.deep.equal([0])
    await rig.put(now, last + 1)
    expect(rig.bases).to.deep.equal([0, last + 1])
    await rig.restart()
    expect([rig.bases, rig.log.logEndOffset]).to.deep.equal([[0, last + 1], last + 2])
  })

  it('a setting that is changed goes for the segment that is being written', async () => {
    const now = await opened()
    await rig.put(now)
    await rig.put(now)
    rig.manager.updateConfig('topic', { ...rig.config, segmentBytes: 2 * batchBytes })
    await rig.put(now)
    expect(rig.bases).to.deep.equal([0, 2])
    rig.manager.updateConfig('topic', { ...rig.config, segmentMs: 10 })
    await rig.put(now + 11)
    expect(rig.bases).to.deep.equal([0, 2, 3])
  })
})
