import { expect } from 'chai'
import fc from 'fast-check'
import { buildBatch, type NewRecord } from './batch-builder.ts'
import { RecordBatch } from './record-batch.ts'
import { type LogRecord, openRecords, RecordFault, readRecords } from './record-reader.ts'

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))
const nullable = (maxLength: number) => fc.option(bytes(maxLength))
const record = fc.record({
  timestamp: fc.integer({ min: -1, max: 2 ** 50 }),
  key: nullable(200),
  value: nullable(300),
  headers: fc.array(fc.record({ key: bytes(20), value: nullable(20) }), { maxLength: 4 }),
})
const records = fc.array(record, { minLength: 1, maxLength: 20 })

function recordsOf(batch: Buffer): readonly LogRecord[] {
  const read = readRecords(new RecordBatch(batch))
  if (read instanceof RecordFault) throw new Error(read.message)
  return read
}

describe('readRecords', () => {
  it('gives back what buildBatch was given', () => {
    fc.assert(
      fc.property(records, fc.constantFrom('none' as const, 'gzip' as const), (given, compression) => {
        const read = recordsOf(buildBatch(given, { baseOffset: 100, compression }))
        expect(read).to.deep.equal(given.map((one, i) => ({ ...one, offset: 100 + i })))
      }),
    )
  })

  it('keeps gaps between offsets', () => {
    const given: NewRecord[] = [{ offset: 10 }, { offset: 17 }, {}]
    const batch = buildBatch(given, { baseOffset: 8, lastOffset: 30 })
    expect(recordsOf(batch).map((one) => one.offset)).to.deep.equal([10, 17, 18])
    expect(new RecordBatch(batch).lastOffset).to.equal(30)
  })

  it('gives every record the log append time', () => {
    const batch = buildBatch([{ timestamp: 1 }, { timestamp: 2 }], { logAppendTimeMs: 77 })
    expect(recordsOf(batch).map((one) => one.timestamp)).to.deep.equal([77, 77])
  })

  it('counts timestamps from the delete horizon where one is set', () => {
    const batch = buildBatch([{ timestamp: 5 }, { timestamp: 9 }], { deleteHorizonMs: 1000 })
    expect(recordsOf(batch).map((one) => one.timestamp)).to.deep.equal([5, 9])
  })

  it('reads varints of any length up to ten bytes', () => {
    for (const timestamp of [0, 63, 64, 2 ** 27, 2 ** 28, 2 ** 34, 2 ** 41, 2 ** 48, 2 ** 51]) {
      const [, up] = recordsOf(buildBatch([{ timestamp: 0 }, { timestamp }]))
      expect(up!.timestamp).to.equal(timestamp)
      const [, down] = recordsOf(buildBatch([{ timestamp }, { timestamp: 0 }]))
      expect(down!.timestamp).to.equal(0)
    }
  })
})

describe('RecordCursor', () => {
  it('walks without allocating, and shows sizes and presence', () => {
    const cursor = openRecords(
      new RecordBatch(buildBatch([{ key: 'a', value: 'bc' }, { headers: [{ key: 'h', value: null }] }])),
    )
    if (cursor instanceof RecordFault) throw new Error(cursor.message)
    expect(cursor.next()).to.equal(true)
    expect(cursor).to.include({
      hasKey: true,
      hasValue: true,
      keyLength: 1,
      valueLength: 2,
      headerCount: 0,
      offsetDelta: 0,
    })
    expect(cursor.next()).to.equal(true)
    expect(cursor).to.include({ hasKey: false, hasValue: false, headerCount: 1, offsetDelta: 1 })
    expect(cursor.next()).to.equal(false)
    expect(cursor.fault).to.equal(undefined)
  })

  it('shows the bytes of each record as they stand', () => {
    const batch = new RecordBatch(buildBatch([{ value: 'a' }, { key: 'k', headers: [{ key: 'h', value: 'i' }] }]))
    const cursor = openRecords(batch)
    if (cursor instanceof RecordFault) throw new Error(cursor.message)
    const found: Buffer[] = []
    while (cursor.next()) found.push(cursor.bytes)
    expect(Buffer.concat(found)).to.deep.equal(batch.recordBytes)
  })

  const faultOf = (batch: Buffer): string => {
    const read = readRecords(new RecordBatch(batch))
    return read instanceof RecordFault ? read.message : 'none'
  }
  const batchOf = (recordBytes: number[], count = 1): Buffer => {
    const batch = Buffer.concat([buildBatch([{}]).subarray(0, 61), Buffer.from(recordBytes)])
    batch.writeInt32BE(batch.length - 12, 8)
    batch.writeInt32BE(count, 57)
    return batch
  }

  it('accepts the record that the refusals below spoil', () => {
    expect(faultOf(batchOf([12, 0, 0, 0, 1, 1, 0]))).to.equal('none')
  })

  const refusals: [string, Buffer, RegExp][] = [
    ['fewer records than counted', batchOf([12, 0, 0, 0, 1, 1, 0], 2), /structure/],
    ['more bytes than records', batchOf([12, 0, 0, 0, 1, 1, 0, 0]), /records still remaining/],
    ['a negative count', batchOf([], -1), /invalid record count -1/],
    ['a record longer than the batch', batchOf([14, 0, 0, 0, 1, 1, 0]), /expected 7 bytes in record payload/],
    ['a record of negative length', batchOf([1, 0, 0, 0, 1, 1, 0]), /expected -1 bytes/],
    ['an empty record', batchOf([0]), /expected 0 bytes/],
    ['a record longer than its fields', batchOf([14, 0, 0, 0, 1, 1, 0, 0]), /expected to read 7 bytes/],
    ['a key that reaches beyond the record', batchOf([12, 0, 0, 0, 8, 1, 0]), /structure/],
    ['a value that reaches beyond the record', batchOf([12, 0, 0, 0, 1, 8, 0]), /structure/],
    ['a negative number of headers', batchOf([12, 0, 0, 0, 1, 1, 1]), /invalid number of record headers -1/],
    ['more headers than bytes', batchOf([12, 0, 0, 0, 1, 1, 4]), /larger than the remaining size/],
    ['a null header key', batchOf([16, 0, 0, 0, 1, 1, 2, 1, 1]), /negative header key size/],
    ['a varint of six bytes', batchOf([22, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 1, 1, 0]), /structure/],
    ['a varlong of eleven bytes', batchOf([32, 0, ...Array(10).fill(0x80), 0, 0, 1, 1, 0]), /structure/],
  ]
  for (const [what, batch, message] of refusals) {
    it(`refuses ${what}`, () => expect(faultOf(batch)).to.match(message))
  }

  it('refuses a compression that does not exist', () => {
    const batch = batchOf([12, 0, 0, 0, 1, 1, 0])
    batch[22] = 5
    expect(faultOf(batch)).to.equal('Unknown compression type id: 5')
  })

  it('refuses any cut of a batch', () => {
    fc.assert(
      fc.property(records, fc.nat(), (given, at) => {
        const whole = buildBatch(given)
        const cut = 61 + (at % (whole.length - 61))
        expect(readRecords(new RecordBatch(whole.subarray(0, cut)))).to.be.instanceOf(RecordFault)
      }),
    )
  })

  it('ends on any bytes, and reads none beyond the batch', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.integer({ min: 0, max: 70 }), (noise, count) => {
        const cursor = openRecords(new RecordBatch(batchOf([...noise], count)))
        if (cursor instanceof RecordFault) return
        let sizeBytes = 0
        while (cursor.next()) {
          sizeBytes += cursor.sizeBytes
          expect(cursor.record()).to.be.an('object')
        }
        expect(sizeBytes).to.be.at.most(noise.length)
      }),
      { numRuns: 2000 },
    )
  })
})
