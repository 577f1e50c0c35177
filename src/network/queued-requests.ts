import type { WaitingReader } from './bytes-in-flight.ts'

/**
 * Requests that all connections together have read and not answered, but for the one of each connection that holds up
 * its next: that one may wait for another connection (a fetch for a produce, a join for the other members), and must not
 * keep it from being read. So what is counted here always comes to an end by itself, and nobody waits for himself:
 * a connection that has nothing counted is always read.
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

  /** A connection has so many more of them; negative: so many fewer. */
  add(more: number): void {
    this.#count += more
    if (more >= 0 || this.#count >= this.limit || this.#waiting.size === 0) return
    const readers = [...this.#waiting]
    this.#waiting.clear()
    for (const reader of readers) reader.resume()
  }

  /** Whether a reader with that many requests of its own may go on; where not, it is resumed once there is room. */
  mayRead(reader: WaitingReader, own: number): boolean {
    if (own === 0 || this.#count < this.limit) return true
    this.#waiting.add(reader)
    return false
  }

  forget(reader: WaitingReader): void {
    this.#waiting.delete(reader)
  }
}
