/** A connection that has stopped reading until the budget has room. */
export interface WaitingReader {
  resume(): void
}

/** One connection may hold this part of the budget with whole requests: a few busy ones must not stop all others. */
const SHARES = 4

/** Default budget of all connections together, unless queued.max.request.bytes is set. */
const DEFAULT_LIMIT_BYTES = 256 * 1024 * 1024

/**
 * One memory budget for all connections: requests read or in progress, and responses that clients have not received. If
 * requests exceed it, sockets are not read. Fetches shrink to what is left, so slow consumers cannot starve producers.
 * One connection at a time may finish reading its current frame; else connections with partial frames would all wait
 * for each other. A connection that holds its share waits for its own answers only.
 */
export class BytesInFlight {
  readonly limitBytes: number
  #requestBytes = 0
  #responseBytes = 0
  #privileged: WaitingReader | undefined
  readonly #waiting = new Set<WaitingReader>()

  /** limitBytes: queued.max.request.bytes. Zero or negative means the default here; Kafka's -1 means no limit. */
  constructor(limitBytes: number) {
    this.limitBytes = limitBytes > 0 ? limitBytes : DEFAULT_LIMIT_BYTES
  }

  /** Bytes of whole requests above which one connection is not read, besides the frame that it is about to end. */
  get shareBytes(): number {
    return this.limitBytes / SHARES
  }

  get usedBytes(): number {
    return this.#requestBytes + this.#responseBytes
  }

  /** Bytes still available for responses; never negative. */
  get availableBytes(): number {
    return Math.max(0, this.limitBytes - this.usedBytes)
  }

  addRequest(bytes: number): void {
    this.#requestBytes += bytes
  }

  removeRequest(bytes: number): void {
    this.#requestBytes -= bytes
    if (this.#requestBytes < this.limitBytes) this.#resumeAll()
  }

  addResponse(bytes: number): void {
    this.#responseBytes += bytes
  }

  removeResponse(bytes: number): void {
    this.#responseBytes -= bytes
  }

  /** Whether a reader may read on. If not, it is resumed once there is room. */
  mayRead(reader: WaitingReader, isInsideFrame: boolean): boolean {
    if (this.#requestBytes < this.limitBytes || this.#privileged === reader) return true
    if (isInsideFrame && this.#privileged === undefined) {
      this.#privileged = reader
      return true
    }
    this.#waiting.add(reader)
    return false
  }

  /**
   * Ends the reader's privilege to finish a frame: the frame is read or the reader is closed. Another reader gets it.
   */
  frameRead(reader: WaitingReader): void {
    if (this.#privileged !== reader) return
    this.#privileged = undefined
    this.#resumeAll()
  }

  forget(reader: WaitingReader): void {
    this.#waiting.delete(reader)
    this.frameRead(reader)
  }

  #resumeAll(): void {
    if (this.#waiting.size === 0) return
    const readers = [...this.#waiting]
    this.#waiting.clear()
    for (const reader of readers) reader.resume()
  }
}
