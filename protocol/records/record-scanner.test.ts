import { expect } from 'chai'
import fc from 'fast-check'
import { buildBatch } from './batch-builder.ts'
import { type ForgedRecord, forgedBatch } from './forged-batch.fixture.ts'
import { RecordBatch } from './record-batch.ts'
import { RecordCursor, type RecordFault } from './record-reader.ts'
import { RecordScanner, type ScannedRecord } from './record-scanner.ts'

interface Seen {
  readonly records: object[]
  readonly fault: RecordFault | undefined
}

function seen({ offset, timestamp, hasKey, keyLength, valueLength }: ScannedRecord): object {
  return { offset, timestamp, hasKey, keyLength, valueLength }
}

function byCursor(batch: RecordBatch, largest: number): Seen {
  const cursor = new RecordCursor(batch, batch.recordBytes, largest)
  const records: object[] = []
  while (cursor.next()) records.push(seen(cursor))
  return { records, fault: cursor.fault }
}

function scanned(batch: RecordBatch, sizes: readonly number[], largest: number, records?: object[]): RecordScanner {
  const onRecord = records && ((record: ScannedRecord) => records.push(seen(record)))
  const scanner = new RecordScanner(batch, { largestRecordBytes: largest, onRecord })
  const { recordBytes } = batch
  for (let at = 0, i = 0; at < recordBytes.length; i++) {
    const size = sizes.length === 0 ? recordBytes.length : Math.max(1, sizes[i % sizes.length]!)
    // A piece is overwritten with the next one.
    const piece = Buffer.from(recordBytes.subarray(at, at + size))
    scanner.feed(piece)
    piece.fill(0xff)
    at += size
  }
  scanner.end()
  return scanner
}

const text = fc.option(fc.string({ maxLength: 300 }), { nil: null })
const record: fc.Arbitrary<ForgedRecord> = fc.record(
  {
    offsetDelta: fc.integer({ min: -2, max: 40_000 }),
    timestampDelta: fc.oneof(
      fc.integer({ min: -100, max: 20_000 }),
      fc.maxSafeInteger().map((n) => Math.trunc(n / 4)),
    ),
    key: text,
    value: text,
    length: fc.integer({ min: -2, max: 400 }),
    keyLength: fc.integer({ min: -3, max: 300 }),
    headerCount: fc.integer({ min: -1, max: 3 }),
    headers: fc.array(fc.constant([1, 'h', 2, 'vv'] as const), { maxLength: 3 }),
  },
  { requiredKeys: [] },
)
const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 5 })

describe('RecordScanner', () => {
  it('sees what RecordCursor sees, wherever the pieces are cut', () => {
    const batches = fc.tuple(fc.array(record, { maxLength: 6 }), fc.integer({ min: 1, max: 7 }), fc.boolean())
    fc.assert(
      fc.property(batches, sizes, fc.constantFrom(9000, 100), ([records, count, isTrue], cuts, largest) => {
        const header = { baseTimestamp: 5, ...(isTrue ? {} : { count }) }
        const batch = new RecordBatch(forgedBatch({ records, header }))
        const expected = byCursor(batch, largest)
        const found: object[] = []
        const each = scanned(batch, cuts, largest, found)
        const quick = scanned(batch, cuts, largest)
        for (const scanner of [each, quick]) {
          // Kafka and the cursor detect excess bytes with the last record and do not return it. The scanner has
          // returned it by then.
          expect(scanner.fault === undefined, String(expected.fault?.message)).to.equal(expected.fault === undefined)
        }
        expect(quick).to.include({ count: each.count, isDense: each.isDense })
        expect(quick.latestTimestampDelta).to.equal(each.latestTimestampDelta)
        expect(found.slice(0, expected.records.length)).to.deep.equal(expected.records)
      }),
      { numRuns: 3000 },
    )
  })

  it('ends on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), sizes, fc.integer({ min: 1, max: 9 }), (content, cuts, count) => {
        const batch = new RecordBatch(forgedBatch({ content: Buffer.from(content), header: { count } }))
        const isSound = byCursor(batch, 1000).fault === undefined
        expect(scanned(batch, cuts, 1000).fault === undefined).to.equal(isSound)
      }),
      { numRuns: 2000 },
    )
  })

  it('counts on over 8192 and 100,000 records', () => {
    const records = Array.from({ length: 100_000 }, (_, i) => ({ key: 'k', value: `${i}`, timestamp: 1000 + (i % 7) }))
    const batch = new RecordBatch(buildBatch(records))
    const scanner = scanned(batch, [65_536], 9000)
    expect(scanner.fault).to.equal(undefined)
    expect(scanner).to.include({ count: 100_000, isDense: true, latestTimestampDelta: 6 })
  })

  it('passes over a record that is larger than any piece', () => {
    const batch = new RecordBatch(buildBatch([{ key: 'k', value: 'v'.repeat(1_000_000), timestamp: 7 }, { key: null }]))
    const records: object[] = []
    expect(scanned(batch, [1000], 10_000_000, records).fault).to.equal(undefined)
    expect(records[0]).to.include({ keyLength: 1, valueLength: 1_000_000 })
    expect(records[1]).to.include({ hasKey: false })
  })
})
