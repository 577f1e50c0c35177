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

export class TransactionIndex {
  readonly file: EntryFile
  readonly #baseOffset: number

  constructor(file: EntryFile, baseOffset: number) {
    this.file = file
    this.#baseOffset = baseOffset
  }

  get count(): number {
    return this.file.count
  }

  entry(index: number): AbortedTransaction {
    const at = index * TRANSACTION_ENTRY_BYTES
    const { bytes } = this.file
    return {
      producerId: readInt64(bytes, at + 2),
      firstOffset: readInt64(bytes, at + 10),
      lastOffset: readInt64(bytes, at + 18),
      lastStableOffset: readInt64(bytes, at + 26),
    }
  }

  append(aborted: AbortedTransaction): void {
    const at = this.file.extend()
    const { bytes } = this.file
    writeInt16(bytes, at, 0)
    writeInt64(bytes, at + 2, aborted.producerId)
    writeInt64(bytes, at + 10, aborted.firstOffset)
    writeInt64(bytes, at + 18, aborted.lastOffset)
    writeInt64(bytes, at + 26, aborted.lastStableOffset)
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
    for (let i = 0; i < this.count; i++) {
      const aborted = this.entry(i)
      if (aborted.lastOffset >= fromOffset && aborted.firstOffset < toOffset) into.push(aborted)
      if (aborted.lastStableOffset >= toOffset) return true
    }
    return false
  }

  /**
   * CorruptIndexError if an entry cannot belong to this segment, or the entries are not in the order of their markers.
   */
  check(): void {
    const entries = readTransactionEntries(this.file.entries(0))
    let before = this.#baseOffset - 1
    const impossible = entries.findIndex(({ version, firstOffset, lastOffset, lastStableOffset }) => {
      const isPossible = version === 0 && firstOffset >= 0 && firstOffset <= lastOffset && lastOffset > before
      before = lastOffset
      return !isPossible || lastStableOffset < 0 || lastStableOffset > lastOffset + 1
    })
    if (impossible >= 0)
      throw new CorruptIndexError(`transaction index ${this.file.path} has an impossible entry ${impossible}`)
  }
}
