import { expect } from 'chai'
import type { CompressionName } from '../../protocol/compression/codec.ts'
import { codecNamed } from '../../protocol/compression/codecs.ts'
import { isRejection } from '../../protocol/error-codes.ts'
import { type ForgedRecord, type Forgery, forgedBatch } from '../../protocol/records/forged-batch.fixture.ts'
import type { BatchHeader, RecordBatch } from '../../protocol/records/record-batch.ts'
import { logConfig } from '../log-config.fixture.ts'
import type { LogConfig } from '../partition-log.ts'
import { validateBatches, validateInSlices } from './validate-batches.ts'

const NOW_MS = 1_000_000_000
const HOUR_MS = 3_600_000
const codecs: readonly CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const three: readonly ForgedRecord[] = [{}, { timestampDelta: 2000 }, { timestampDelta: 1000 }]

const context = { origin: 'client', leaderEpoch: 0, nowMs: NOW_MS } as const
const inSlices = {
  offload: { decompress: () => undefined, compress: () => undefined },
  atOnceBytes: 0,
  noteAtOnce: () => {},
  largeContents: undefined,
}

/** The result of validating at once; validating in slices must give the same. */
function taken(forgery: Forgery, config: Partial<LogConfig> = {}) {
  const bytes = forgedBatch({ ...forgery, header: { baseTimestamp: NOW_MS, ...forgery.header } })
  const work = validateInSlices(Buffer.from(bytes), logConfig(config), context, 't-0', inSlices)
  let sliced = work.next()
  while (sliced.done !== true) sliced = work.next()
  const atOnce = validateBatches(bytes, logConfig(config), context, 't-0')
  expect(summary(sliced.value as typeof atOnce)).to.deep.equal(summary(atOnce))
  return atOnce
}

function summary(plan: ReturnType<typeof validateBatches>) {
  if (isRejection(plan)) return { error: plan.error, recordErrors: plan.recordErrors }
  return { ...plan, batches: plan.batches.map(({ bytes }) => bytes.toString('hex')) }
}

function batchOf(forgery: Forgery, config?: Partial<LogConfig>): RecordBatch {
  const plan = taken(forgery, config)
  if (isRejection(plan)) throw new Error(`${plan.error}: ${plan.message}`)
  expect(plan.maxTimestamp, 'of the plan').to.equal(plan.batches[0]!.maxTimestamp)
  return plan.batches[0]!
}

function refusal(forgery: Forgery, config?: Partial<LogConfig>) {
  const plan = taken(forgery, config)
  if (!isRejection(plan)) return undefined
  return [plan.error, ...(plan.recordErrors?.map(({ batchIndex }) => batchIndex) ?? [])]
}

for (const name of codecs) {
  const codec = codecNamed(name).id
  const lie = (records: readonly ForgedRecord[], header: Partial<BatchHeader> = {}) => ({ records, header, codec })

  describe(`records are looked at, and not only their header: ${name}`, () => {
    for (const [what, maxTimestamp] of [
      ['-1, as sarama 1.45.0 writes it', -1],
      ['too high', NOW_MS + 5000],
      ['too low', NOW_MS],
      ['beyond the limit', NOW_MS + 3 * HOUR_MS],
    ] as const) {
      it(`a largest timestamp that is ${what} is corrected, and the checksum with it`, () => {
        const batch = batchOf(lie(three, { maxTimestamp }))
        expect(batch.maxTimestamp).to.equal(NOW_MS + 2000)
        expect(batch.hasValidCrc()).to.equal(true)
      })
    }

    it('records without timestamps leave it at -1', () => {
      expect(batchOf(lie([{}, {}], { baseTimestamp: -1, maxTimestamp: 77 })).maxTimestamp).to.equal(-1)
    })

    it('LogAppendTime: whatever it was, it is the time of the append', () => {
      const batch = batchOf(lie(three, { maxTimestamp: -1 }), { messageTimestampType: 'LogAppendTime' })
      expect(batch).to.include({ maxTimestamp: NOW_MS, timestampType: 'LogAppendTime' })
      expect(batch.hasValidCrc()).to.equal(true)
    })

    it('fewer or more records than the header counts are refused', () => {
      expect(refusal(lie([{}, {}], { count: 3, lastOffsetDelta: 2 }))).to.deep.equal(['INVALID_RECORD'])
      expect(refusal(lie(three, { count: 2, lastOffsetDelta: 1 }))).to.deep.equal(['INVALID_RECORD'])
      const stamped = { messageTimestampType: 'LogAppendTime' } as const
      expect(refusal(lie([{}, {}], { count: 3, lastOffsetDelta: 2 }), stamped)).to.deep.equal(['INVALID_RECORD'])
    })

    it('timestamps out of bounds behind a plausible header are refused, each by its index', () => {
      const late = { timestampDelta: 3 * HOUR_MS }
      expect(refusal(lie([{}, late, {}, late], { maxTimestamp: NOW_MS }))).to.deep.equal(['INVALID_TIMESTAMP', 1, 3])
      const early = { timestampDelta: -20 }
      const bounds = { messageTimestampBeforeMaxMs: 10 }
      expect(refusal(lie([{}, early], { maxTimestamp: NOW_MS }), bounds)).to.deep.equal(['INVALID_TIMESTAMP', 1])
    })

    it('a record without a key is refused where the topic is compacted', () => {
      const records = [{}, { key: null }, {}]
      expect(refusal(lie(records), { cleanupPolicy: ['compact'] })).to.deep.equal(['INVALID_RECORD', 1])
      expect(refusal(lie(records))).to.equal(undefined)
    })

    it('offsets inside of compressed batches count from 0', () => {
      // Kafka fails on compressed ones, and stores the others unchanged.
      const expected = codec === 0 ? undefined : ['UNKNOWN_SERVER_ERROR']
      for (const deltas of [
        [0, 2],
        [5, 6],
        [1, 0],
        [0, 0],
        [-1, 0],
      ]) {
        expect(refusal(lie(deltas.map((offsetDelta) => ({ offsetDelta })))), String(deltas)).to.deep.equal(expected)
      }
    })

    it('offsets are given anew where the batch is compressed anew', () => {
      const compressionType = name === 'gzip' ? 'lz4' : 'gzip'
      const batch = batchOf(lie([{ offsetDelta: 4 }, { offsetDelta: 1 }]), { compressionType })
      expect(batch).to.include({ count: 2, lastOffsetDelta: 1 })
    })

    it('negative timestamps are refused only where the batch is compressed anew', () => {
      const compressionType = name === 'gzip' ? 'lz4' : 'gzip'
      const before1970 = lie([{}], { baseTimestamp: -5, maxTimestamp: -5 })
      expect(batchOf(before1970).maxTimestamp).to.equal(-1)
      expect(refusal(before1970, { compressionType })).to.deep.equal(['UNKNOWN_SERVER_ERROR'])
    })

    it('bytes after the last record are refused', () => {
      expect(refusal({ ...lie([{}, {}]), trailing: Buffer.from([0]) })).to.deep.equal(['INVALID_RECORD'])
    })
  })
}
