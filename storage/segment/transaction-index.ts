import { readInt64, writeInt64 } from '../../protocol/int64.ts'
import { writeInt16 } from '../../protocol/records/big-endian.ts'
import { readTransactionEntries } from '../fixed-layouts.ts'
import type { AbortedTransaction } from '../partition-log.ts'
import { CorruptIndexError, type EntryFile } from './entry-file.ts'

/*
 * Transaction index (`.txnindex`; Kafka's TransactionIndex): aborted transactions whose marker is in the segment. The
 * first one creates the file.
 *
 *  position  size  field
 *         0     2  version           0
 *         2     8  producerId
 *        10     8  firstOffset
 *        18     8  lastOffset        of the marker
 *        26     8  lastStableOffset  at the time of the marker: later transactions begin above it
 */
export const TRANSACTION_ENTRY_BYTES = 34
const FIRST_OFFSET_POSITION = 10
const LAST_OFFSET_POSITION = 18
const LAST_STABLE_OFFSET_POSITION = 26

/** Entries whose smallest first offset is remembered: a search passes over a block that begins too late. */
const BLOCK_ENTRIES = 64

export class TransactionIndex {
  readonly file: EntryFile
  readonly #baseOffset: number
  /** Smallest first offset of each block, for the first so many entries. */
  #smallest: number[] = []
  #coveredCount = 0
  /** Which reading of the file was checked. */
  #checkedLoad = 0

  constructor(file: EntryFile, baseOffset: number) {
    this.file = file
    this.#baseOffset = baseOffset
  }

  get count(): number {
    return this.file.count
  }

  entry(index: number): AbortedTransaction {
    return entryOf(this.file.bytes, index)
  }

  append(aborted: AbortedTransaction): void {
    // Entries may have been removed since the last search, and others take their places.
    this.#coverAtMost(this.count)
    const at = this.file.extend()
    const { bytes } = this.file
    writeInt16(bytes, at, 0)
    writeInt64(bytes, at + 2, aborted.producerId)
    writeInt64(bytes, at + FIRST_OFFSET_POSITION, aborted.firstOffset)
    writeInt64(bytes, at + LAST_OFFSET_POSITION, aborted.lastOffset)
    writeInt64(bytes, at + LAST_STABLE_OFFSET_POSITION, aborted.lastStableOffset)
  }

  /** Keeps transactions that ended below the offset. */
  truncateTo(offset: number): void {
    let count = this.count
    while (count > 0 && this.entry(count - 1).lastOffset >= offset) count--
    this.file.truncate(count)
  }

  /**
   * Adds the aborted transactions that overlap [fromOffset, toOffset). True once no later one can overlap.
   * Source: TransactionIndex.collectAbortedTxns.
   */
  collect(fromOffset: number, toOffset: number, into: AbortedTransaction[]): boolean {
    const { bytes, count } = this.file
    this.#cover(bytes, count)
    for (let i = firstEndingAt(bytes, count, fromOffset); i < count; i++) {
      const block = Math.floor(i / BLOCK_ENTRIES)
      if (this.#smallest[block]! >= toOffset) i = Math.min(count, (block + 1) * BLOCK_ENTRIES) - 1
      else if (int64Of(bytes, i, FIRST_OFFSET_POSITION) < toOffset) into.push(entryOf(bytes, i))
      if (int64Of(bytes, i, LAST_STABLE_OFFSET_POSITION) >= toOffset) return true
    }
    return false
  }

  /** Finds the smallest first offsets of blocks with new entries. */
  #cover(bytes: Buffer, count: number): void {
    this.#coverAtMost(count)
    for (let i = this.#coveredCount; i < count; i++) {
      const block = Math.floor(i / BLOCK_ENTRIES)
      const firstOffset = int64Of(bytes, i, FIRST_OFFSET_POSITION)
      this.#smallest[block] = Math.min(this.#smallest[block] ?? firstOffset, firstOffset)
    }
    this.#coveredCount = count
  }

  #coverAtMost(count: number): void {
    if (this.#coveredCount <= count) return
    // The block of the last entry left is looked at anew.
    this.#smallest.length = Math.floor(count / BLOCK_ENTRIES)
    this.#coveredCount = this.#smallest.length * BLOCK_ENTRIES
  }

  /**
   * CorruptIndexError if an entry cannot belong to this segment, or the entries are not in the order of their markers.
   * Looks at them once after each reading of the file.
   */
  check(): void {
    const bytes = this.file.entries(0)
    if (this.#checkedLoad === this.file.loadCount) return
    this.#checkedLoad = this.file.loadCount
    const entries = readTransactionEntries(bytes)
    let before = this.#baseOffset - 1
    const impossible = entries.findIndex(({ version, firstOffset, lastOffset, lastStableOffset }) => {
      const isPossible = version === 0 && firstOffset >= 0 && firstOffset <= lastOffset && lastOffset > before
      before = lastOffset
      return !isPossible || lastStableOffset < 0 || lastStableOffset > lastOffset + 1
    })
    if (impossible < 0) return
    this.#checkedLoad = 0
    throw new CorruptIndexError(`transaction index ${this.file.path} has an impossible entry ${impossible}`)
  }
}

function int64Of(bytes: Buffer, index: number, position: number): number {
  return readInt64(bytes, index * TRANSACTION_ENTRY_BYTES + position)
}

function entryOf(bytes: Buffer, index: number): AbortedTransaction {
  return {
    producerId: int64Of(bytes, index, 2),
    firstOffset: int64Of(bytes, index, FIRST_OFFSET_POSITION),
    lastOffset: int64Of(bytes, index, LAST_OFFSET_POSITION),
    lastStableOffset: int64Of(bytes, index, LAST_STABLE_OFFSET_POSITION),
  }
}

/** Index of the first transaction that ends at or above the offset. */
function firstEndingAt(bytes: Buffer, count: number, offset: number): number {
  let [low, high] = [0, count]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (int64Of(bytes, middle, LAST_OFFSET_POSITION) < offset) low = middle + 1
    else high = middle
  }
  return low
}
