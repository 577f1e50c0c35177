import { expect } from 'chai'
import fc from 'fast-check'
import { buildBatch } from './batch-builder.ts'
import { latestOfPlainRecords } from './plain-records.ts'
import { RecordBatch } from './record-batch.ts'
import { RecordCursor } from './record-reader.ts'

const FIRST_MS = 1_700_000_000_000
const bytes = (maxLength: number) => fc.option(fc.uint8Array({ maxLength }).map((array) => Buffer.from(array)))
const record = fc.record({
  timestamp: fc.integer({ min: FIRST_MS, max: FIRST_MS + 8000 }),
  key: bytes(200),
  value: bytes(200),
})
const records = fc.array(record, { minLength: 1, maxLength: 150 })

/** Result of the cursor for the same bytes; undefined if it finds a fault. */
function latestOf(batch: RecordBatch, body: Buffer): number | undefined {
  const cursor = new RecordCursor(batch, body)
  let latest = Number.NEGATIVE_INFINITY
  while (cursor.next()) latest = Math.max(latest, cursor.timestampDelta)
  return cursor.fault === undefined ? latest : undefined
}

describe('latestOfPlainRecords', () => {
  it('knows the latest of plain records', () => {
    fc.assert(
      // The last record needs at least LARGEST_HEAD_BYTES.
      fc.property(records, (random) => {
        const given = [...random, { timestamp: FIRST_MS, value: Buffer.from('last') }]
        const batch = new RecordBatch(buildBatch(given))
        const [first] = given
        const latest = Math.max(...given.map(({ timestamp }) => timestamp)) - first!.timestamp
        expect(latestOfPlainRecords(batch.recordBytes, batch.count)).to.equal(latest)
      }),
    )
  })

  it('accepts nothing that the cursor refuses, whatever the bytes, and says the same of the rest', () => {
    const change = fc.record({ at: fc.nat(), to: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)) })
    let accepted = 0
    let refused = 0
    fc.assert(
      fc.property(records, fc.array(change, { maxLength: 3 }), fc.nat(40), fc.nat(2), (given, changes, cut, more) => {
        const batch = new RecordBatch(buildBatch(given))
        const body = Buffer.from(batch.recordBytes)
        for (const { at, to } of changes) body[at % body.length] = to
        const left = body.subarray(0, body.length - (cut < 10 ? cut : 0))
        if (more === 2) batch.bytes.writeInt32BE(batch.count + 1, 57)
        const found = latestOfPlainRecords(left, batch.count)
        if (found === undefined) refused++
        else {
          accepted++
          expect(found).to.equal(latestOf(batch, left))
        }
      }),
      { numRuns: 2000 },
    )
    expect(accepted).to.be.greaterThan(100)
    expect(refused).to.be.greaterThan(100)
  })

  it('leaves headers and long varints to the cursor', () => {
    const headers = [{ key: Buffer.from('a'), value: null }]
    for (const one of [{ headers }, { value: Buffer.alloc(10_000) }, { key: Buffer.alloc(8192) }]) {
      const batch = new RecordBatch(buildBatch([one]))
      expect(latestOfPlainRecords(batch.recordBytes, 1)).to.equal(undefined)
    }
    expect(latestOfPlainRecords(Buffer.alloc(0), -1)).to.equal(undefined)
  })
})
