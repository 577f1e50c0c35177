import { expect } from 'chai'
import fc from 'fast-check'
import type { FileAccess } from '../open-files.ts'
import type { AbortedTransaction } from '../partition-log.ts'
import { EntryFile } from './entry-file.ts'
import { IndexCache } from './index-cache.ts'
import { TRANSACTION_ENTRY_BYTES, TransactionIndex } from './transaction-index.ts'

const PRODUCERS = 8

function emptyIndex(): TransactionIndex {
  const noFiles = {} as FileAccess
  return new TransactionIndex(new EntryFile('index', TRANSACTION_ENTRY_BYTES, noFiles, new IndexCache(), true), 0)
}

/** What each offset of a log holds: the next record or marker of that producer's transactions. */
function abortedIn(producers: readonly { producerId: number; ends: boolean }[]): AbortedTransaction[] {
  const starts = new Map<number, number>()
  const aborted: AbortedTransaction[] = []
  producers.forEach(({ producerId, ends }, offset) => {
    const firstOffset = starts.get(producerId)
    if (firstOffset === undefined) starts.set(producerId, offset)
    else if (ends) {
      starts.delete(producerId)
      const lastStableOffset = Math.min(offset + 1, ...starts.values())
      aborted.push({ producerId, firstOffset, lastOffset: offset, lastStableOffset })
    }
  })
  return aborted
}

const logs = fc.array(fc.record({ producerId: fc.integer({ min: 0, max: PRODUCERS - 1 }), ends: fc.boolean() }), {
  minLength: 200,
  maxLength: 1000,
  size: 'max',
})
const ranges = fc.array(fc.tuple(fc.nat(1000), fc.nat(200)), { minLength: 10, maxLength: 10 })

function expectFound(index: TransactionIndex, aborted: readonly AbortedTransaction[], from: number, to: number): void {
  const found: AbortedTransaction[] = []
  const isLast = index.collect(from, to, found)
  const overlapping = aborted.filter(({ firstOffset, lastOffset }) => firstOffset < to && lastOffset >= from)
  expect(found).to.deep.equal(overlapping)
  expect(isLast).to.equal(aborted.some(({ lastStableOffset }) => lastStableOffset >= to))
}

describe('the transaction index of a segment', () => {
  it('finds the aborted transactions that overlap a range', () => {
    fc.assert(
      fc.property(logs, ranges, (log, asked) => {
        const index = emptyIndex()
        const aborted = abortedIn(log)
        aborted.forEach((each, i) => {
          index.append(each)
          // It is searched while it grows, too.
          if (i % 50 === 0) expectFound(index, aborted.slice(0, i + 1), 0, each.lastOffset)
        })
        for (const [from, size] of asked) expectFound(index, aborted, from, from + 1 + size)
      }),
      { numRuns: 50 },
    )
  })

  it('finds others in the places of those that were removed', () => {
    fc.assert(
      fc.property(logs, fc.nat(1000), ranges, (log, cut, asked) => {
        const index = emptyIndex()
        for (const each of abortedIn(log)) index.append(each)
        expectFound(index, abortedIn(log), 0, log.length)
        index.truncateTo(cut)
        // The log goes on without the producers' transactions, so that others overlap.
        const changed = log.map((each, offset) => (offset < cut ? each : { ...each, ends: !each.ends }))
        const aborted = abortedIn(changed)
        for (const each of aborted) if (each.lastOffset >= cut) index.append(each)
        for (const [from, size] of asked) expectFound(index, aborted, from, from + 1 + size)
      }),
      { numRuns: 50 },
    )
  })

  it('is found damaged once it was read from its file, and not looked at again', () => {
    const index = emptyIndex()
    for (let i = 0; i < 3; i++) {
      index.append({ producerId: 1, firstOffset: 2 * i, lastOffset: 2 * i + 1, lastStableOffset: 2 * i + 2 })
    }
    index.check()
    const bytes = Buffer.from(index.file.entries(0))
    bytes.fill(0xff, 34, 36)
    const handle = { size: () => bytes.length, readSync: (into: Buffer) => bytes.copy(into) }
    const files = { use: () => handle } as unknown as FileAccess
    const read = new TransactionIndex(
      new EntryFile('index', TRANSACTION_ENTRY_BYTES, files, new IndexCache(), false),
      0,
    )
    for (let i = 0; i < 2; i++) expect(() => read.check()).to.throw('impossible entry 1')
    bytes.fill(0, 34, 36)
    read.file.unload()
    read.check()
    read.file.bytes.fill(0xff, 34, 36)
    read.check()
    read.file.unload()
    read.check()
  })
})
