/** Counts of packets and times to an answer, of a connection or of all. Source: ServerStats, ServerCnxn. */
export class Traffic {
  received = 0
  sent = 0
  #answers = 0
  #totalMs = 0
  #minMs = Number.POSITIVE_INFINITY
  #maxMs = 0

  get minMs(): number {
    return this.#answers === 0 ? 0 : this.#minMs
  }

  get maxMs(): number {
    return this.#maxMs
  }

  /** Whole milliseconds; 0 if nothing was answered. */
  get averageMs(): number {
    return this.#answers === 0 ? 0 : Math.floor(this.#totalMs / this.#answers)
  }

  answered(afterMs: number): void {
    this.#answers++
    this.#totalMs += afterMs
    this.#minMs = Math.min(this.#minMs, afterMs)
    this.#maxMs = Math.max(this.#maxMs, afterMs)
  }

  reset(): void {
    this.received = 0
    this.sent = 0
    this.#answers = 0
    this.#totalMs = 0
    this.#minMs = Number.POSITIVE_INFINITY
    this.#maxMs = 0
  }
}
