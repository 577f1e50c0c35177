import { readInt32, writeInt32 } from '../../protocol/records/big-endian.ts'
import { readOffsetEntries } from '../fixed-layouts.ts'
import { CorruptIndexError, type EntryFile } from './entry-file.ts'

/*
 * Offset index (`.index`; Kafka's OffsetIndex): positions of batches, about one entry per index.interval.bytes.
 *
 *  position  size  field
 *         0     4  relativeOffset  last offset of the batch less the segment's base offset
 *         4     4  position        where that batch starts in the log file
 */
export const OFFSET_ENTRY_BYTES = 8

/** An offset, and a position in the log file at or before the start of its batch. */
export interface OffsetPosition {
  readonly offset: number
  readonly position: number
}

export class OffsetIndex {
  readonly file: EntryFile
  readonly #baseOffset: number

  constructor(file: EntryFile, baseOffset: number) {
    this.file = file
    this.#baseOffset = baseOffset
  }

  get count(): number {
    return this.file.count
  }

  entry(index: number): OffsetPosition {
    const at = index * OFFSET_ENTRY_BYTES
    return { offset: this.#baseOffset + readInt32(this.file.bytes, at), position: readInt32(this.file.bytes, at + 4) }
  }

  /** The last entry; undefined if there is none. */
  last(): OffsetPosition | undefined {
    return this.count === 0 ? undefined : this.entry(this.count - 1)
  }

  /** The last entry; undefined if there is none. Reads only this entry if the others are not in memory. */
  peekLast(): OffsetPosition | undefined {
    const last = this.file.peekLast()
    return last && { offset: this.#baseOffset + readInt32(last, 0), position: readInt32(last, 4) }
  }

  /** The last entry at or below the offset; undefined: none. A search begins at its position, or at 0. */
  lookup(offset: number): OffsetPosition | undefined {
    const index = this.#lastAtMost(offset)
    return index < 0 ? undefined : this.entry(index)
  }

  append(offset: number, position: number): void {
    const at = this.file.extend()
    writeInt32(this.file.bytes, at, offset - this.#baseOffset)
    writeInt32(this.file.bytes, at + 4, position)
  }

  /** Keeps entries below the offset. */
  truncateTo(offset: number): void {
    this.file.truncate(this.#lastAtMost(offset - 1) + 1)
  }

  /** First entry at or above the position; undefined: none. Source: OffsetIndex.fetchUpperBoundOffset. */
  firstFrom(position: number): OffsetPosition | undefined {
    let [low, high] = [0, this.count]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.entry(middle).position < position) low = middle + 1
      else high = middle
    }
    return low === this.count ? undefined : this.entry(low)
  }

  /** CorruptIndexError if the entries cannot belong to a log of that size. */
  check(logSizeBytes: number): void {
    const [last, before] = readOffsetEntries(this.file.entries(this.count - 2)).toReversed()
    if (last === undefined) return
    const rises =
      before === undefined || (before.relativeOffset < last.relativeOffset && before.position < last.position)
    if (last.relativeOffset < 0 || last.position < 0 || last.position >= logSizeBytes || !rises) {
      const offset = this.#baseOffset + last.relativeOffset
      throw new CorruptIndexError(
        `index ${this.file.path} ends with offset ${offset} at position ${last.position}, in a log of ${logSizeBytes} bytes from offset ${this.#baseOffset}`,
      )
    }
    this.#checkRises()
  }

  /** Reads entry by entry without allocating objects: there may be a million entries. */
  #checkRises(): void {
    const { bytes } = this.file
    let [relativeOffset, position] = [-1, -1]
    for (let at = 0; at < this.count * OFFSET_ENTRY_BYTES; at += OFFSET_ENTRY_BYTES) {
      const [offsetBefore, positionBefore] = [relativeOffset, position]
      relativeOffset = readInt32(bytes, at)
      position = readInt32(bytes, at + 4)
      if (relativeOffset <= offsetBefore || position <= positionBefore)
        throw new CorruptIndexError(`index ${this.file.path} does not rise at entry ${at / OFFSET_ENTRY_BYTES}`)
    }
  }

  #lastAtMost(offset: number): number {
    const relative = offset - this.#baseOffset
    const { bytes } = this.file
    let [low, high] = [0, this.count]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (readInt32(bytes, middle * OFFSET_ENTRY_BYTES) <= relative) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}
