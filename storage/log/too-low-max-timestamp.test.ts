import { expect } from 'chai'
import { isRejection } from '../../protocol/error-codes.ts'
import { forgedBatch } from '../../protocol/records/forged-batch.fixture.ts'
import { type BatchHeader, RecordBatch } from '../../protocol/records/record-batch.ts'
import { MINUTE_MS, Rig } from '../compacted-log.fixture.ts'
import type { AppendResult } from '../partition-log.ts'

const HOUR_MS = 60 * MINUTE_MS
const GZIP = 1

/** A log with batches whose largest timestamp is -1, as an earlier version or another broker stored them. */
class Adopted extends Rig {
  startMs = 0

  constructor() {
    super({ cleanupPolicy: ['delete'], segmentBytes: 1_000_000, indexIntervalBytes: 50, retentionMs: 10 * HOUR_MS })
    this.settings.producerIdExpirationMs = HOUR_MS
    this.settings.producerIdExpirationCheckIntervalMs = MINUTE_MS
    this.settings.logRetentionCheckIntervalMs = MINUTE_MS
  }

  /** Three batches of two records. Each record is a second later than the one before. */
  async fill(header: Partial<BatchHeader> = {}): Promise<void> {
    this.startMs = this.nowMs - 10_000
    for (let i = 0; i < 3; i++) {
      const at = { baseTimestamp: this.startMs + 2000 * i, maxTimestamp: -1, ...header }
      const sequence = header.producerId === undefined ? {} : { baseSequence: 2 * i }
      await this.take(this.batch({ ...at, ...sequence, baseOffset: 2 * i }), 'replication')
    }
  }

  batch(header: Partial<BatchHeader>): Buffer {
    return forgedBatch({ records: [{}, { timestampDelta: 1000 }], codec: GZIP, header })
  }

  async take(bytes: Buffer, origin: 'client' | 'replication'): Promise<AppendResult> {
    const result = await this.host.settle(this.log.append(bytes, { origin, leaderEpoch: 0, nowMs: this.nowMs }))
    if (isRejection(result)) throw new Error(`${result.error} ${result.message}`)
    return result as AppendResult
  }

  async again(how: 'stop' | 'crash'): Promise<void> {
    if (how === 'stop') await this.stop()
    else this.host.crash()
    await this.open()
  }

  async offsetAt(afterMs: number): Promise<number | undefined> {
    const found = await this.host.settle(this.log.offsetForTimestamp(this.startMs + afterMs, this.log.logEndOffset))
    return found?.offset
  }
}

describe('stored batches whose header says that no record has a timestamp', () => {
  let rig: Adopted
  beforeEach(async () => {
    rig = new Adopted()
    await rig.open()
  })
  afterEach(() => rig.stop())

  for (const how of [undefined, 'stop', 'crash'] as const) {
    it(`are found by time${how === undefined ? '' : `, after a ${how}`}`, async () => {
      await rig.fill()
      if (how !== undefined) await rig.again(how)
      const found = []
      for (const afterMs of [-HOUR_MS, 0, 1, 1000, 1001, 3000, 4500, 5000]) found.push(await rig.offsetAt(afterMs))
      expect(found).to.deep.equal([0, 0, 1, 1, 2, 3, 5, 5])
      expect(await rig.offsetAt(5001)).to.equal(undefined)
      const latest = await rig.host.settle(rig.log.maxTimestamp())
      expect(latest).to.include({ offset: 5, timestampMs: rig.startMs + 5000 })
    })
  }

  it('are found by time where the indexes were made of their headers', async () => {
    await rig.fill()
    await rig.stop()
    for (const name of rig.host.files.list(rig.log.directory)) {
      if (name.endsWith('.timeindex')) rig.host.files.replaceWhole(rig.host.files.join(rig.log.directory, name), '')
    }
    await rig.open()
    expect([await rig.offsetAt(0), await rig.offsetAt(4500)]).to.deep.equal([0, 5])
    const latest = await rig.host.settle(rig.log.maxTimestamp())
    expect(latest).to.include({ offset: 5, timestampMs: rig.startMs + 5000 })
  })

  it('stay as long as their records are young, and no longer', async () => {
    await rig.fill()
    await rig.again('crash')
    await rig.host.advance(9 * HOUR_MS)
    expect(rig.log.logStartOffset).to.equal(0)
    await rig.host.advance(2 * HOUR_MS)
    expect(rig.log.logStartOffset).to.equal(6)
  })

  for (const how of ['stop', 'crash'] as const) {
    it(`do not make their producer forgotten, after a ${how}: a retry is known`, async () => {
      await rig.fill({ producerId: 7, producerEpoch: 0 })
      await rig.again(how)
      await rig.host.advance(10 * MINUTE_MS)
      const retry = rig.batch({ baseTimestamp: rig.startMs, producerId: 7, producerEpoch: 0, baseSequence: 4 })
      expect(await rig.take(retry, 'client')).to.include({ duplicate: true, baseOffset: 4 })
      await rig.host.advance(HOUR_MS)
      expect(rig.log.activeProducers()).to.deep.equal([])
    })
  }
})

describe('producers of records without timestamps, or with old ones', () => {
  for (const baseTimestamp of [-1, 1_000_000]) {
    it(`are known as long as those of others: ${baseTimestamp}`, async () => {
      const rig = new Adopted()
      await rig.open()
      const batch = (baseSequence: number) => {
        const bytes = rig.batch({ baseTimestamp, maxTimestamp: -1, producerId: 7, producerEpoch: 0, baseSequence })
        return bytes
      }
      const undated = baseTimestamp < 0
      const first = undated ? withoutTimes(batch(0)) : batch(0)
      await rig.take(Buffer.from(first), 'client')
      expect(rig.log.activeProducers()[0]?.lastTimestampMs).to.equal(undated ? -1 : 1_001_000)
      if (undated) await rig.again('stop')
      await rig.host.advance(30 * MINUTE_MS)
      expect(await rig.take(Buffer.from(first), 'client')).to.include({ duplicate: true })
      await rig.host.advance(31 * MINUTE_MS)
      expect(rig.log.activeProducers()).to.deep.equal([])
      await rig.stop()
    })
  }
})

/** The same header over records without timestamps. */
function withoutTimes(bytes: Buffer): Buffer {
  const { producerId, producerEpoch, baseSequence } = new RecordBatch(bytes)
  const header = { baseTimestamp: -1, maxTimestamp: -1, producerId, producerEpoch, baseSequence }
  return forgedBatch({ records: [{}, {}], codec: GZIP, header })
}
