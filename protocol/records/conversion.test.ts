import { expect } from 'chai'
import { isRejection, type Rejection } from '../error-codes.ts'
import { buildBatch } from './batch-builder.ts'
import { buildEndTransactionBatch } from './control-records.ts'
import { contentHere, convertDown, convertInSteps, convertToBatch } from './conversion.ts'
import { buildMessageSet } from './legacy-builder.ts'
import { readLegacyBatch } from './legacy-messages.ts'
import { batchesOf, RecordBatch } from './record-batch.ts'
import { type LogRecord, RecordFault, readRecords } from './record-reader.ts'

const CODECS = ['none', 'gzip', 'snappy', 'lz4'] as const

const record = (offset: number, timestamp: number, key: string | null, value: string | null): LogRecord => ({
  offset,
  timestamp,
  key: key === null ? null : Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
  headers: [],
})
const three = [record(10, 100, 'k', 'one'), record(11, 300, null, 'two'), record(15, 200, '', null)]

function unwrap<T>(result: T | Rejection | RecordFault): T {
  if (result instanceof RecordFault || isRejection(result)) throw new Error(result.message ?? 'rejected')
  return result as T
}

describe('convertToBatch', () => {
  for (const magic of [0, 1] as const) {
    for (const compression of CODECS) {
      it(`makes one v2 batch of messages of format v${magic}, compression ${compression}`, () => {
        const batch = new RecordBatch(unwrap(convertToBatch(buildMessageSet(three, { magic, compression }))))
        expect(batch.hasValidCrc()).to.equal(true)
        expect(batch.compression).to.equal(CODECS.indexOf(compression))
        expect(batch).to.include({
          baseOffset: 0,
          lastOffset: 2,
          count: 3,
          producerId: -1,
          timestampType: 'CreateTime',
        })
        expect(batch.maxTimestamp).to.equal(magic === 0 ? -1 : 300)
        const expected = three.map((one, offset) => ({ ...one, offset, ...(magic === 0 && { timestamp: -1 }) }))
        expect(unwrap(readRecords(batch))).to.deep.equal(expected)
      })
    }
  }

  it('keeps the type of the timestamps, which a producer may not set to LogAppendTime', () => {
    const bytes = unwrap(convertToBatch(buildMessageSet(three, { magic: 1, logAppendTimeMs: 5 })))
    expect(new RecordBatch(bytes)).to.include({ timestampType: 'LogAppendTime', maxTimestamp: 5 })
  })

  const wrapper = buildMessageSet(three, { magic: 1, compression: 'gzip' })
  const flipped = Buffer.from(buildMessageSet(three, { magic: 1 }))
  flipped[30]! ^= 1
  const refusals: [string, Buffer, string, RegExp][] = [
    ['nothing', Buffer.alloc(0), 'INVALID_RECORD', /no batches at all/],
    ['two wrappers', Buffer.concat([wrapper, wrapper]), 'INVALID_RECORD', /more than one batch/],
    [
      'two formats',
      Buffer.concat([buildMessageSet(three, { magic: 0 }), buildMessageSet(three, { magic: 1 })]),
      'INVALID_RECORD',
      /Batch magic 1 is not the same as the first batch's magic byte 0/,
    ],
    ['a wrong checksum', flipped, 'CORRUPT_MESSAGE', /Record is corrupt/],
    ['an impossible size', Buffer.alloc(20), 'CORRUPT_MESSAGE', /Record size 0/],
  ]
  for (const [what, bytes, error, message] of refusals) {
    it(`refuses ${what}`, () => {
      const result = convertToBatch(bytes)
      if (!isRejection(result)) throw new Error('was accepted')
      expect(result.error).to.equal(error)
      expect(result.message).to.match(message)
    })
  }

  it('pauses often enough, whatever its messages are', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => record(i, 5, null, ''))
    for (const compression of CODECS) {
      const steps = [...convertInSteps(buildMessageSet(many, { magic: 1, compression }), contentHere())]
      expect(steps.length, compression).to.be.greaterThan(8)
    }
  })

  it('does not decompress a wrapper that it refuses because it is not alone', () => {
    const unpack = () => {
      throw new Error('was decompressed')
    }
    const steps = convertInSteps(Buffer.concat([wrapper, wrapper]), { ...contentHere(), unpack })
    expect(steps.next().value).to.include({ error: 'INVALID_RECORD' })
  })

  it('refuses what inflates beyond the limit', () => {
    const zeros = [{ ...three[0]!, value: Buffer.alloc(100_000) }]
    const result = convertToBatch(buildMessageSet(zeros, { magic: 1, compression: 'gzip' }), 99_999)
    expect(result).to.include({ error: 'MESSAGE_TOO_LARGE' })
  })
})

describe('convertDown', () => {
  const batchOf = (options = {}) =>
    new RecordBatch(
      buildBatch(
        three.map((one) => ({ ...one, headers: [{ key: 'h', value: 'lost' }] })),
        { baseOffset: 10, ...options },
      ),
    )
  const legacyRecords = (bytes: Buffer) =>
    batchesOf(bytes).batches.flatMap((batch) => unwrap(readLegacyBatch(batch, 1_000_000)).records)

  for (const magic of [0, 1] as const) {
    for (const compression of CODECS) {
      it(`makes messages of format v${magic} of a v2 batch, compression ${compression}`, () => {
        const bytes = unwrap(convertDown([batchOf({ compression })], magic, 0))
        const { batches } = batchesOf(bytes)
        expect(batches).to.have.length(compression === 'none' ? 3 : 1)
        expect(batches.every((batch) => batch.magic === magic)).to.equal(true)
        const expected = three.map((one) => ({ ...one, ...(magic === 0 && { timestamp: -1 }) }))
        expect(legacyRecords(bytes)).to.deep.equal(expected)
      })
    }
  }

  it('sends only what was asked for of an uncompressed batch, all of a compressed one', () => {
    const offsets = (compression: string) =>
      legacyRecords(unwrap(convertDown([batchOf({ compression })], 1, 11))).map((one) => one.offset)
    expect(offsets('none')).to.deep.equal([11, 15])
    expect(offsets('gzip')).to.deep.equal([10, 11, 15])
    expect(unwrap(convertDown([batchOf()], 1, 16))).to.have.length(0)
  })

  it('keeps the log append time', () => {
    const bytes = unwrap(convertDown([batchOf({ logAppendTimeMs: 999 })], 1, 0))
    const [first] = batchesOf(bytes).batches
    expect(unwrap(readLegacyBatch(first!, 1000))).to.deep.include({ timestampType: 'LogAppendTime' })
    expect(legacyRecords(bytes).map((one) => one.timestamp)).to.deep.equal([999, 999, 999])
  })

  it('takes as many records as a batch can hold', () => {
    const batch = buildBatch(
      Array.from({ length: 150_000 }, () => ({ timestamp: 7 })),
      { compression: 'gzip' },
    )
    const down = convertDown([new RecordBatch(batch)], 1, 0)
    const read = readLegacyBatch(batchesOf(down as Buffer).batches[0]!, 1 << 24)
    expect(read).to.have.property('records').with.length(150_000)
  })

  it('leaves out control batches', () => {
    const options = { producerId: 1, producerEpoch: 0, timestampMs: 1 }
    const marker = buildEndTransactionBatch({ type: 'COMMIT', coordinatorEpoch: 0 }, options)
    expect(unwrap(convertDown([new RecordBatch(marker)], 1, 0))).to.have.length(0)
    expect(legacyRecords(unwrap(convertDown([new RecordBatch(marker), batchOf()], 1, 0)))).to.have.length(3)
  })

  it('cannot send zstd', () => {
    expect(convertDown([batchOf({ compression: 'zstd' })], 1, 0)).to.include({ error: 'UNSUPPORTED_COMPRESSION_TYPE' })
  })

  it('sends batches that are old enough as they are, and v1 as v0', () => {
    const v1 = buildMessageSet(three, { magic: 1, compression: 'gzip' })
    expect(unwrap(convertDown([new RecordBatch(v1)], 1, 0)).equals(v1)).to.equal(true)
    const v0 = unwrap(convertDown([new RecordBatch(v1)], 0, 0))
    expect(new RecordBatch(v0).magic).to.equal(0)
    expect(legacyRecords(v0)).to.deep.equal(three.map((one) => ({ ...one, timestamp: -1 })))
  })
})
