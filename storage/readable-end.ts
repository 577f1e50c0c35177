import type { ReadableListener } from './partition-log.ts'

/** What decides how far a log can be read. */
export interface ReadableLog {
  readonly flushedEndOffset: number
  /** First offset of the oldest transaction that is open or ends at or above the offset; undefined: none. */
  firstUnstableOffset(upToOffset: number): number | undefined
  /** Consumers can read the markers of transactions that ended below the offset. */
  forgetTransactionsBelow(highWatermark: number): void
}

/**
 * How far consumers may read a log: high watermark and last stable offset. Both move together, and the listeners are
 * told once for both.
 */
export class ReadableEnd {
  #log: ReadableLog
  #highWatermark: number
  #lastStableOffset: number
  #isHeld = false
  /** Flushed while held. */
  #heldBytes = 0
  readonly #listeners = new Set<ReadableListener>()

  constructor(log: ReadableLog) {
    this.#log = log
    this.#highWatermark = log.flushedEndOffset
    this.#lastStableOffset = this.#stableUpTo(this.#highWatermark)
  }

  get highWatermark(): number {
    return this.#highWatermark
  }
  get lastStableOffset(): number {
    return this.#lastStableOffset
  }

  onMoved(listener: ReadableListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The end of another log counts from now on, with the same listeners. The log has the same content. */
  follow(log: ReadableLog): void {
    this.#log = log
    this.#moveTo(this.#isHeld ? Math.min(this.#highWatermark, log.flushedEndOffset) : log.flushedEndOffset, 0)
  }

  /** Appends of that many bytes were flushed. */
  flushed(bytes: number): void {
    if (this.#isHeld) this.#heldBytes += bytes
    else this.#moveTo(this.#log.flushedEndOffset, bytes)
  }

  /** The log start offset moved up, perhaps past an open transaction. */
  startMoved(): void {
    this.#moveTo(this.#highWatermark, 0)
  }

  /** That many flushed bytes were removed from the end. */
  truncated(bytes: number): void {
    this.#heldBytes = Math.max(0, this.#heldBytes - bytes)
    this.#moveTo(Math.min(this.#highWatermark, this.#log.flushedEndOffset), 0)
  }

  /** While held, the high watermark does not move up. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    if (isHeld) return
    const bytes = this.#heldBytes
    this.#heldBytes = 0
    this.#moveTo(this.#log.flushedEndOffset, bytes)
  }

  #moveTo(highWatermark: number, bytes: number): void {
    const [highBefore, stableBefore] = [this.#highWatermark, this.#lastStableOffset]
    const lastStableOffset = this.#stableUpTo(highWatermark)
    if (highWatermark === highBefore && lastStableOffset === stableBefore) return
    this.#highWatermark = highWatermark
    this.#lastStableOffset = lastStableOffset
    // The end of a transaction releases everything that was held back for read_committed readers, not its marker alone.
    const endsTransaction = stableBefore < highBefore && lastStableOffset > stableBefore
    // Readers above the new end must learn that it fell.
    const told = endsTransaction || highWatermark < highBefore ? Number.POSITIVE_INFINITY : bytes
    for (const listener of this.#listeners) listener(told)
  }

  #stableUpTo(highWatermark: number): number {
    this.#log.forgetTransactionsBelow(highWatermark)
    const unstable = this.#log.firstUnstableOffset(highWatermark)
    return unstable === undefined ? highWatermark : Math.min(unstable, highWatermark)
  }
}
