import { expect } from 'chai'
import fc from 'fast-check'
import { codecNamed } from '../compression/codecs.ts'
import { crc32 } from './crc32.ts'
import { buildMessageSet } from './legacy-builder.ts'
import { type LegacyBatch, readLegacyBatch } from './legacy-messages.ts'
import { batchesOf, RecordBatch } from './record-batch.ts'
import { type LogRecord, RecordFault } from './record-reader.ts'

const LIMIT = 1_000_000
const CODECS = ['gzip', 'snappy', 'lz4'] as const

const record = (offset: number, timestamp: number, key: string | null, value: string | null): LogRecord => ({
  offset,
  timestamp,
  key: key === null ? null : Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
  headers: [],
})
const three = [record(10, 100, 'k', 'one'), record(11, 300, null, 'two'), record(15, 200, '', null)]
const withoutTime = (records: readonly LogRecord[]) => records.map((one) => ({ ...one, timestamp: -1 }))

function read(bytes: Buffer): LegacyBatch {
  const batch = readLegacyBatch(new RecordBatch(bytes), LIMIT)
  if (batch instanceof RecordFault) throw new Error(batch.message)
  return batch
}

function faultOf(bytes: Buffer): string {
  const batch = readLegacyBatch(new RecordBatch(bytes), LIMIT)
  return batch instanceof RecordFault ? `${batch.kind}: ${batch.message}` : 'none'
}

/** Overwrites a value in a message or wrapper and recomputes its checksum. */
function changed(message: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(message)
  change(copy)
  copy.writeUInt32BE(crc32(copy, 16), 12)
  return copy
}

/** A wrapper of format v1 around these bytes. */
function wrapped(inner: Buffer, offset: number): Buffer {
  const value = codecNamed('gzip').compress(inner)
  const alone = buildMessageSet([{ offset, timestamp: 5, key: null, value }], { magic: 1 })
  return changed(alone, (copy) => {
    copy[17] = 1
  })
}

describe('readLegacyBatch', () => {
  for (const magic of [0, 1] as const) {
    const expected = magic === 0 ? withoutTime(three) : three

    it(`reads messages of format v${magic} that stand alone`, () => {
      const { batches } = batchesOf(buildMessageSet(three, { magic }))
      expect(batches.flatMap((batch) => read(batch.bytes).records)).to.deep.equal(expected)
    })

    for (const compression of CODECS) {
      it(`reads messages of format v${magic} in a ${compression} wrapper, at their absolute offsets`, () => {
        const bytes = buildMessageSet(three, { magic, compression })
        expect(new RecordBatch(bytes).baseOffset).to.equal(15)
        expect(read(bytes)).to.deep.include({ magic, timestampType: 'CreateTime', records: expected })
      })
    }
  }

  it('gives every message of a wrapper its log append time', () => {
    const batch = read(buildMessageSet(three, { magic: 1, compression: 'gzip', logAppendTimeMs: 777 }))
    expect(batch.timestampType).to.equal('LogAppendTime')
    expect(batch.records.map((one) => one.timestamp)).to.deep.equal([777, 777, 777])
  })

  it('counts from 0 where an old librdkafka left the offset of the wrapper 0', () => {
    const inner = buildMessageSet([record(0, 1, null, 'a'), record(1, 1, null, 'b')], { magic: 1 })
    expect(read(wrapped(inner, 0)).records.map((one) => one.offset)).to.deep.equal([0, 1])
    expect(read(wrapped(inner, 9)).records.map((one) => one.offset)).to.deep.equal([8, 9])
  })

  it('reads the lz4 frames of v0 with a wrong header checksum as with a right one, those of v1 only with a right one', () => {
    const spoilt = (magic: 0 | 1) => {
      const bytes = buildMessageSet(three, { magic, compression: 'lz4' })
      // The header checksum is the seventh byte of the frame. The frame follows the null key and the value's length.
      return changed(bytes, (copy) => {
        copy[(magic === 0 ? 26 : 34) + 6]! ^= 0xff
      })
    }
    expect(read(spoilt(0)).records).to.have.length(3)
    expect(faultOf(spoilt(1))).to.equal('undecodable: lz4: wrong header checksum')
  })

  it('leaves out a message that is cut at the end of a wrapper', () => {
    const inner = buildMessageSet([record(0, 1, null, 'a'), record(1, 1, null, 'b')], { magic: 1 })
    expect(read(wrapped(inner.subarray(0, -1), 0)).records).to.have.length(1)
  })

  const one = buildMessageSet([record(0, 1, 'k', 'v')], { magic: 1 })
  const refusals: [string, Buffer, RegExp][] = [
    ['a wrong checksum', Buffer.from(one).fill(1, one.length - 1), /^corrupt: Record is corrupt/],
    ['a key beyond the message', changed(one, (copy) => copy.writeInt32BE(3, 26)), /^invalid: Message is shorter/],
    ['a value beyond the message', changed(one, (copy) => copy.writeInt32BE(2, 31)), /^invalid: Message is shorter/],
    ['a message without room for its fields', changed(one.subarray(0, 30), () => {}), /^invalid: Message is shorter/],
    [
      'a wrapper without value',
      changed(one, (copy) => {
        copy[17] = 1
        copy.writeInt32BE(-1, 31)
      }),
      /null value/,
    ],
    ['zstd', changed(one, (copy) => copy.writeInt8(4, 17)), /^invalid: Invalid wrapper compressionType/],
    ['a compression that does not exist', changed(one, (copy) => copy.writeInt8(7, 17)), /^undecodable: Unknown/],
    ['what is not compressed', changed(one, (copy) => copy.writeInt8(1, 17)), /^undecodable: gzip/],
    ['an empty wrapper', wrapped(Buffer.alloc(0), 0), /no inner records/],
    ['a wrapper in a wrapper', wrapped(wrapped(one, 0), 0), /must not be compressed/],
    ['another format in a wrapper', wrapped(buildMessageSet(three, { magic: 0 }), 0), /does not match outer magic 1/],
    ['a wrong checksum in a wrapper', wrapped(Buffer.from(one).fill(1, one.length - 1), 0), /^corrupt/],
    ['too small a size in a wrapper', wrapped(Buffer.alloc(40), 0), /^corrupt: Record size/],
    ['an offset before its messages', wrapped(buildMessageSet(three, { magic: 1 }), 7), /'7' is less than .* '15'/],
  ]
  for (const [what, bytes, message] of refusals) {
    it(`refuses ${what}`, () => expect(faultOf(bytes)).to.match(message))
  }

  it('refuses a wrapper that inflates beyond the limit', () => {
    const bomb = wrapped(Buffer.alloc(LIMIT + 1), 0)
    expect(bomb.length).to.be.below(2000)
    expect(faultOf(bomb)).to.match(/^too large/)
  })

  it('ends on any bytes behind a checksum that fits', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.integer({ min: 0, max: 1 }), (noise, magic) => {
        const bytes = Buffer.concat([Buffer.alloc(17), noise])
        const message = changed(bytes, (copy) => {
          copy[16] = magic
          copy.writeInt32BE(bytes.length - 12, 8)
        })
        const batch = readLegacyBatch(new RecordBatch(message), LIMIT)
        if (!(batch instanceof RecordFault)) expect(batch.records).to.not.have.length(0)
      }),
      { numRuns: 1000 },
    )
  })
})
