import { readInt64, writeInt64 } from '../../protocol/int64.ts'
import { readInt32, writeInt32 } from '../../protocol/records/big-endian.ts'
import { NO_TIMESTAMP } from '../../protocol/records/record-batch.ts'
import { readTimeEntries } from '../fixed-layouts.ts'
import { CorruptIndexError, type EntryFile } from './entry-file.ts'

/*
 * Time index (`.timeindex`; Kafka's TimeIndex): no record up to the offset is later than the timestamp. Both fields
 * rise.
 *
 *  position  size  field
 *         0     8  timestamp       largest in the segment so far
 *         8     4  relativeOffset  last offset of the batch that has it, less the segment's base offset
 */
export const TIME_ENTRY_BYTES = 12

/** The largest timestamp up to some point, and the last offset of its batch. -1 if no record has a timestamp. */
export interface TimestampOffset {
  readonly timestampMs: number
  readonly offset: number
}

export class TimeIndex {
  readonly file: EntryFile
  readonly #baseOffset: number

  constructor(file: EntryFile, baseOffset: number) {
    this.file = file
    this.#baseOffset = baseOffset
  }

  get count(): number {
    return this.file.count
  }

  entry(index: number): TimestampOffset {
    return this.#read(this.file.bytes, index * TIME_ENTRY_BYTES)
  }

  /** The last entry. If there is none: no timestamp, at the base offset. */
  last(): TimestampOffset {
    const last = this.file.peekLast()
    return last === undefined ? this.#none() : this.#read(last, 0)
  }

  /** The last entry whose timestamp is at or below the given one. */
  lookup(timestampMs: number): TimestampOffset {
    let [low, high] = [0, this.count]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.entry(middle).timestampMs <= timestampMs) low = middle + 1
      else high = middle
    }
    return low === 0 ? this.#none() : this.entry(low - 1)
  }

  /** Appends only an entry later than the last one. */
  maybeAppend(largest: TimestampOffset): void {
    if (largest.timestampMs <= this.last().timestampMs) return
    const at = this.file.extend()
    writeInt64(this.file.bytes, at, largest.timestampMs)
    writeInt32(this.file.bytes, at + 8, largest.offset - this.#baseOffset)
  }

  /** Keeps entries below the offset. */
  truncateTo(offset: number): void {
    let count = this.count
    while (count > 0 && this.entry(count - 1).offset >= offset) count--
    this.file.truncate(count)
  }

  /** CorruptIndexError if the entries cannot belong to the segment. */
  check(): void {
    const [first] = readTimeEntries(this.file.entries(0, 1))
    const [last] = readTimeEntries(this.file.entries(this.count - 1))
    if (first === undefined || last === undefined) return
    if (last.relativeOffset < 0 || last.timestampMs < first.timestampMs) {
      const offset = this.#baseOffset + last.relativeOffset
      throw new CorruptIndexError(
        `time index ${this.file.path} goes from ${first.timestampMs} to ${last.timestampMs} at offset ${offset}`,
      )
    }
    this.#checkRises()
  }

  /** Reads entry by entry without allocating objects: there may be a million entries. */
  #checkRises(): void {
    const { bytes } = this.file
    let [timestampMs, relativeOffset] = [NO_TIMESTAMP, 0]
    for (let at = 0; at < this.count * TIME_ENTRY_BYTES; at += TIME_ENTRY_BYTES) {
      const [before, offsetBefore] = [timestampMs, relativeOffset]
      timestampMs = readInt64(bytes, at)
      relativeOffset = readInt32(bytes, at + 8)
      if (timestampMs <= before || relativeOffset < offsetBefore)
        throw new CorruptIndexError(`time index ${this.file.path} does not rise at entry ${at / TIME_ENTRY_BYTES}`)
    }
  }

  #read(bytes: Buffer, at: number): TimestampOffset {
    return { timestampMs: readInt64(bytes, at), offset: this.#baseOffset + readInt32(bytes, at + 8) }
  }

  #none(): TimestampOffset {
    return { timestampMs: NO_TIMESTAMP, offset: this.#baseOffset }
  }
}
