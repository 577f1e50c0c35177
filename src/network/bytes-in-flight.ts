/** A connection that stopped reading until there is room. */
export interface WaitingReader {
  resume(): void
}

/** What all connections may hold together unless queued.max.request.bytes says otherwise. */
const DEFAULT_LIMIT_BYTES = 256 * 1024 * 1024

/**
 * One budget for the memory that connections tie up: requests that are read or worked on, and responses that clients have
 * not taken yet. Past it sockets are no longer read; fetches shrink to what is left, so that slow consumers cannot starve
 * producers. One connection at a time may finish the frame that it is in the middle of: else all would wait for each other.
 */
export class BytesInFlight {
  readonly limitBytes: number
  #requestBytes = 0
  #responseBytes = 0
  #privileged: WaitingReader | undefined
  readonly #waiting = new Set<WaitingReader>()

  /** limitBytes: queued.max.request.bytes; not positive means our default (Kafka's -1 means no limit at all). */
  constructor(limitBytes: number) {
    this.limitBytes = limitBytes > 0 ? limitBytes : DEFAULT_LIMIT_BYTES
  }

  get usedBytes(): number {
    return this.#requestBytes + this.#responseBytes
  }

  /** Bytes that a response may still take; never negative. */
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

  /** Whether a reader may go on; where not, it is resumed once there is room. */
  mayRead(reader: WaitingReader, isInsideFrame: boolean): boolean {
    if (this.#requestBytes < this.limitBytes || this.#privileged === reader) return true
    if (isInsideFrame && this.#privileged === undefined) {
      this.#privileged = reader
      return true
    }
    this.#waiting.add(reader)
    return false
  }

  /** The reader has its frame, or is gone: the privilege of finishing one passes on. */
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
