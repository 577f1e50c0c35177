import { expect } from 'chai'
import { isRejection } from '../../protocol/error-codes.ts'
import { type BatchOptions, buildBatch } from '../../protocol/records/batch-builder.ts'
import { logConfig } from '../log-config.fixture.ts'
import type { AppendContext, LogConfig } from '../partition-log.ts'
import { validateBatches } from './validate-batches.ts'

const NOW_MS = 1_000_000
const HOUR_MS = 3_600_000

/** `taken`, or the error, its message, and the invalid records. */
function outcome(bytes: Buffer, config: Partial<LogConfig>, origin: AppendContext['origin'] = 'client') {
  const result = validateBatches(bytes, logConfig(config), { origin, leaderEpoch: 0, nowMs: NOW_MS }, 't-0')
  if (!isRejection(result)) return 'taken'
  const records = result.recordErrors?.map(({ batchIndex }) => batchIndex)
  return [result.error, ...(records ?? [result.message])]
}

const batch = (timestamps: readonly number[], options: BatchOptions = {}): Buffer =>
  buildBatch(
    timestamps.map((timestamp) => ({ key: 'k', value: 'v'.repeat(100), timestamp })),
    options,
  )

describe('what a topic takes', () => {
  for (const compression of ['none', 'gzip'] as const) {
    const from = (timestamps: readonly number[], config: Partial<LogConfig>) =>
      outcome(batch(timestamps, { compression }), config)
    const title = compression === 'none' ? '' : ', compressed'

    it(`message.timestamp.before.max.ms and after.max.ms: each record is held to them${title}`, () => {
      const limits = { messageTimestampBeforeMaxMs: 10, messageTimestampAfterMaxMs: 20 }
      expect(from([NOW_MS - 10, NOW_MS + 20], limits)).to.equal('taken')
      expect(from([NOW_MS, NOW_MS - 11, NOW_MS - 12], limits)).to.deep.equal(['INVALID_TIMESTAMP', 1, 2])
      expect(from([NOW_MS + 21, NOW_MS], limits)).to.deep.equal(['INVALID_TIMESTAMP', 0])
      expect(from([NOW_MS + HOUR_MS], {}), 'an hour ahead by default').to.equal('taken')
      expect(from([NOW_MS + HOUR_MS + 1], {})).to.deep.equal(['INVALID_TIMESTAMP', 0])
      expect(from([0], {}), 'any time behind by default').to.equal('taken')
      expect(from([-1], limits), 'no timestamp').to.equal('taken')
    })

    it(`message.timestamp.type=LogAppendTime: no limits, and what the producer said does not count${title}`, () => {
      const limits = { messageTimestampBeforeMaxMs: 10, messageTimestampAfterMaxMs: 20 }
      expect(from([0, NOW_MS + HOUR_MS], { ...limits, messageTimestampType: 'LogAppendTime' })).to.equal('taken')
    })

    it(`max.message.bytes: the batch as it came${title}`, () => {
      const bytes = batch([NOW_MS], { compression })
      expect(outcome(bytes, { maxMessageBytes: bytes.length })).to.equal('taken')
      expect(outcome(bytes, { maxMessageBytes: bytes.length - 1 })[0]).to.equal('MESSAGE_TOO_LARGE')
      expect(outcome(bytes, { maxMessageBytes: bytes.length - 1 }, 'replication')).to.equal('taken')
    })
  }

  it('max.message.bytes: also what compression.type makes of the batch', () => {
    const bytes = batch([NOW_MS], { compression: 'gzip' })
    const config = { maxMessageBytes: bytes.length, compressionType: 'uncompressed' } as const
    expect(outcome(bytes, config)[0]).to.equal('MESSAGE_TOO_LARGE')
  })

  it('max.decompressed.message.bytes: each record of a compressed batch', () => {
    // Attributes, two deltas and three lengths, a key of one byte, a value of a hundred bytes and its two-byte
    // length.
    const recordBytes = 1 + 1 + 1 + 1 + 1 + 2 + 100 + 1
    const compressed = batch([NOW_MS, NOW_MS], { compression: 'gzip' })
    expect(outcome(compressed, { maxDecompressedMessageBytes: recordBytes })).to.equal('taken')
    expect(outcome(compressed, { maxDecompressedMessageBytes: recordBytes - 1 })).to.deep.equal([
      'INVALID_RECORD',
      `Invalid record size: ${recordBytes} exceeds the configured maximum record size of ${recordBytes - 1}.`,
    ])
    expect(outcome(batch([NOW_MS]), { maxDecompressedMessageBytes: 1 }), 'not compressed').to.equal('taken')
  })
})
