import { expect } from 'chai'
import * as fc from 'fast-check'
import { readOffsetEntries, readTimeEntries, readTransactionEntries } from './fixed-layouts.ts'
import { SimulatedHost } from './host/simulated-host.ts'
import { ProducerEntry } from './log/producer-entry.ts'
import { readProducerSnapshot, writeProducerSnapshot } from './log/producer-snapshot.ts'
import { OpenFiles } from './open-files.ts'
import { EntryFile } from './segment/entry-file.ts'
import { IndexCache } from './segment/index-cache.ts'
import { OFFSET_ENTRY_BYTES, OffsetIndex } from './segment/offset-index.ts'
import { TIME_ENTRY_BYTES, TimeIndex } from './segment/time-index.ts'
import { TRANSACTION_ENTRY_BYTES, TransactionIndex } from './segment/transaction-index.ts'

const BASE_OFFSET = 5_000_000_000

function entryFile(entryBytes: number): EntryFile {
  return new EntryFile('/index', entryBytes, new OpenFiles(new SimulatedHost(1).files), new IndexCache(), true)
}

const int32 = fc.nat(0x7fffffff)
const int64 = fc.oneof(fc.maxSafeNat(), fc.constant(-1))

/** The readers of whole files and the readers used by requests must return the same entries. */
describe('fixed layouts', () => {
  it('read offset index entries as look-ups do', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(int32, int32), { maxLength: 50 }), (entries) => {
        const index = new OffsetIndex(entryFile(OFFSET_ENTRY_BYTES), BASE_OFFSET)
        for (const [relative, position] of entries) index.append(BASE_OFFSET + relative, position)
        const read = readOffsetEntries(index.file.entries(0)).map(({ relativeOffset, position }) => ({
          offset: BASE_OFFSET + relativeOffset,
          position,
        }))
        expect(read).to.deep.equal(entries.map((_, i) => index.entry(i)))
      }),
    )
  })

  it('read time index entries as look-ups do', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.maxSafeNat(), int32), { maxLength: 50 }), (entries) => {
        const index = new TimeIndex(entryFile(TIME_ENTRY_BYTES), BASE_OFFSET)
        for (const [timestampMs, relative] of entries)
          index.maybeAppend({ timestampMs, offset: BASE_OFFSET + relative })
        const read = readTimeEntries(index.file.entries(0)).map(({ timestampMs, relativeOffset }) => ({
          timestampMs,
          offset: BASE_OFFSET + relativeOffset,
        }))
        expect(read).to.deep.equal(Array.from({ length: index.count }, (_, i) => index.entry(i)))
      }),
    )
  })

  it('read transaction index entries as fetches do', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(int64, int64, int64, int64), { maxLength: 50 }), (entries) => {
        const index = new TransactionIndex(entryFile(TRANSACTION_ENTRY_BYTES), 0)
        for (const [producerId, firstOffset, lastOffset, lastStableOffset] of entries)
          index.append({ producerId, firstOffset, lastOffset, lastStableOffset })
        const read = readTransactionEntries(index.file.entries(0)).map(({ version, ...entry }) => entry)
        expect(read).to.deep.equal(entries.map((_, i) => index.entry(i)))
      }),
    )
  })

  it('read the producers of a snapshot as they were written', () => {
    const producer = fc.record({
      id: fc.maxSafeNat(),
      epoch: fc.integer({ min: 0, max: 0x7fff }),
      coordinatorEpoch: fc.integer({ min: -1, max: 0x7fffffff }),
      transactionStartOffset: fc.option(fc.maxSafeNat(), { nil: undefined }),
      batch: fc.record({
        lastSequence: int32,
        lastOffset: fc.maxSafeNat(),
        offsetDelta: int32,
        timestampMs: int64,
      }),
    })
    fc.assert(
      fc.property(fc.array(producer, { maxLength: 20 }), (producers) => {
        const entries = producers.map(({ id, epoch, coordinatorEpoch, transactionStartOffset, batch }) => {
          const entry = new ProducerEntry(id)
          entry.addBatch(epoch, batch)
          entry.coordinatorEpoch = coordinatorEpoch
          entry.transactionStartOffset = transactionStartOffset
          return entry
        })
        expect(readProducerSnapshot(writeProducerSnapshot(entries))).to.deep.equal(entries)
      }),
    )
  })

  it('tell a snapshot with a flipped bit, or of another size, from a whole one', () => {
    const entry = new ProducerEntry(7)
    entry.addBatch(1, { lastSequence: 3, lastOffset: 9, offsetDelta: 3, timestampMs: 1000 })
    const whole = writeProducerSnapshot([entry])
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const damaged = Buffer.from(whole)
      damaged[bit >> 3] = damaged[bit >> 3]! ^ (1 << (bit & 7))
      expect(readProducerSnapshot(damaged), `bit ${bit}`).to.equal(undefined)
    }
    for (let size = 0; size < whole.length; size++)
      expect(readProducerSnapshot(whole.subarray(0, size)), `${size} bytes`).to.equal(undefined)
  })
})
