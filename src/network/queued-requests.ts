import type { WaitingReader } from './bytes-in-flight.ts'

/**
 * Counts requests read but not answered, of all connections. Each connection's request that blocks its next one is not
 * counted: it may wait for another connection (a fetch for a produce, a join for other members), which must stay
 * readable. So counted requests finish without outside help. A connection without counted requests is always read, so
 * no connection waits for itself.
 */
export class QueuedRequests {
  /** queued.max.requests. */
  readonly limit: number
  #count = 0
  readonly #waiting = new Set<WaitingReader>()

  constructor(limit: number) {
    this.limit = limit
  }

  get count(): number {
    return this.#count
  }

  /** Adds to the count; negative: subtracts. */
  add(more: number): void {
    this.#count += more
    if (more >= 0 || this.#count >= this.limit || this.#waiting.size === 0) return
    const readers = [...this.#waiting]
    this.#waiting.clear()
    for (const reader of readers) reader.resume()
  }

  /** Whether a reader with that many counted requests may read on. If not, it is resumed once there is room. */
  mayRead(reader: WaitingReader, own: number): boolean {
    if (own === 0 || this.#count < this.limit) return true
    this.#waiting.add(reader)
    return false
  }

  forget(reader: WaitingReader): void {
    this.#waiting.delete(reader)
  }
}
