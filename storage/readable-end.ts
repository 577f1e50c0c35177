import type { ReadableListener } from './partition-log.ts'

/** An offset of a log, and how much was appended below it. */
export interface AppendedEnd {
  readonly offset: number
  /** Bytes since the log was opened, without those that were truncated. -Infinity: the offset is older than that. */
  readonly appendedBytes: number
}

/** What decides how far a log can be read. */
export interface ReadableLog {
  /** End of the records that are as durable as the settings demand. */
  readonly flushedEnd: AppendedEnd
  /** Start of the oldest transaction that is open, or ended and not forgotten; undefined: none. */
  readonly firstUnstable: AppendedEnd | undefined
  /** Consumers can read the markers of transactions that ended below the offset. */
  forgetTransactionsBelow(highWatermark: number): void
}

/**
 * How far consumers may read a log: high watermark and last stable offset. Both move together, and the listeners are
 * told once for both.
 */
export class ReadableEnd {
  #log: ReadableLog
  #high: AppendedEnd
  #stable: AppendedEnd
  #isHeld = false
  readonly #listeners = new Set<ReadableListener>()

  constructor(log: ReadableLog) {
    this.#log = log
    this.#high = log.flushedEnd
    this.#stable = this.#stableUpTo(this.#high)
  }

  get highWatermark(): number {
    return this.#high.offset
  }
  get lastStableOffset(): number {
    return this.#stable.offset
  }

  onMoved(listener: ReadableListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The end of another log counts from now on, with the same listeners. The log has the same content. */
  follow(log: ReadableLog): void {
    this.#log = log
    this.#moveTo(this.#isHeld ? lower(this.#high, log.flushedEnd) : log.flushedEnd)
  }

  /** Appends were flushed. */
  flushed(): void {
    if (!this.#isHeld) this.#moveTo(this.#log.flushedEnd)
  }

  /** The log start offset moved up, perhaps past an open transaction. */
  startMoved(): void {
    this.#moveTo(this.#high)
  }

  /** Records were removed from the end. */
  truncated(): void {
    this.#moveTo(lower(this.#high, this.#log.flushedEnd))
  }

  /** While held, the high watermark does not move up. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    if (!isHeld) this.#moveTo(this.#log.flushedEnd)
  }

  #moveTo(high: AppendedEnd): void {
    const stable = this.#stableUpTo(high)
    const bytes = bytesBetween(this.#high, high)
    const stableBytes = bytesBetween(this.#stable, stable)
    this.#high = high
    this.#stable = stable
    if (bytes === 0 && stableBytes === 0) return
    for (const listener of this.#listeners) listener(bytes, stableBytes)
  }

  #stableUpTo(high: AppendedEnd): AppendedEnd {
    this.#log.forgetTransactionsBelow(high.offset)
    const { firstUnstable } = this.#log
    return firstUnstable === undefined ? high : lower(firstUnstable, high)
  }
}

function lower(a: AppendedEnd, b: AppendedEnd): AppendedEnd {
  return a.offset < b.offset ? a : b
}

/** Infinity: the end fell, and readers above it must learn that, or it is not known how many bytes there are. */
function bytesBetween(before: AppendedEnd, after: AppendedEnd): number {
  if (after.offset === before.offset) return 0
  const bytes = after.appendedBytes - before.appendedBytes
  return after.offset > before.offset && bytes > 0 ? bytes : Number.POSITIVE_INFINITY
}
