import { type DecompressionFault, tooLarge } from './codec.ts'

/** Where a zstd decoder writes to, and what it copies matches from. */
export interface ContentTarget {
  /** May be another one after each call of roomFor or roomUpTo. */
  readonly bytes: Buffer
  /** Where the next byte goes. */
  size: number
  /** Where the frame starts in bytes: negative once its start has been let go. */
  readonly frameStart: number
  /** Content of the frame so far. */
  readonly frameBytes: number
  beginFrame(windowBytes: number): void
  /** Position up to which a block of at most sizeBytes may write; throws where the limit leaves less. */
  roomFor(sizeBytes: number): number
  /** Like roomFor, where the block's size is not known yet: less than sizeBytes where the limit leaves less. */
  roomUpTo(sizeBytes: number): number
  tooLarge(): DecompressionFault
}

/** All of the content; grows up to the limit. */
export class WholeContent implements ContentTarget {
  bytes: Buffer
  size = 0
  frameStart = 0
  readonly #limitBytes: number

  constructor(limitBytes: number, expectedBytes: number) {
    this.#limitBytes = limitBytes
    this.bytes = Buffer.allocUnsafe(Math.min(limitBytes, expectedBytes))
  }

  get frameBytes(): number {
    return this.size - this.frameStart
  }

  beginFrame(): void {
    this.frameStart = this.size
  }

  roomFor(sizeBytes: number): number {
    const end = this.size + sizeBytes
    if (end > this.#limitBytes) throw tooLarge(this.#limitBytes)
    if (end > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.min(this.#limitBytes, Math.max(end, 2 * this.bytes.length)))
      this.bytes.copy(grown, 0, 0, this.size)
      this.bytes = grown
    }
    return end
  }

  roomUpTo(sizeBytes: number): number {
    return this.roomFor(Math.min(sizeBytes, this.#limitBytes - this.size))
  }

  /** Records are views of it and may live long: it does not keep far more than they need. */
  content(): Buffer {
    const content = this.bytes.subarray(0, this.size)
    return this.size < this.bytes.length >> 1 ? Buffer.from(content) : content
  }

  tooLarge(): DecompressionFault {
    return tooLarge(this.#limitBytes)
  }
}

/**
 * The last of the content, as far back as matches reach. Memory grows with the content, and ends at twice the window: what
 * a frame claims to need costs nothing by itself.
 */
export class WindowedContent implements ContentTarget {
  bytes: Buffer
  size = 0
  frameStart = 0
  #windowBytes = 0
  #takenTo = 0
  readonly #blockBytes: number

  constructor(blockBytes: number) {
    this.#blockBytes = blockBytes
    this.bytes = Buffer.allocUnsafe(2 * blockBytes)
  }

  get frameBytes(): number {
    return this.size - this.frameStart
  }

  beginFrame(windowBytes: number): void {
    this.frameStart = this.size
    this.#windowBytes = windowBytes
  }

  roomFor(sizeBytes: number): number {
    if (this.size + sizeBytes > this.bytes.length) this.#makeRoom()
    return this.size + sizeBytes
  }

  roomUpTo(sizeBytes: number): number {
    return this.roomFor(sizeBytes)
  }

  /** What was written since the last call. */
  take(): Uint8Array {
    const taken = this.bytes.subarray(this.#takenTo, this.size)
    this.#takenTo = this.size
    return taken
  }

  tooLarge(): DecompressionFault {
    return tooLarge(Number.POSITIVE_INFINITY)
  }

  #makeRoom(): void {
    const kept = Math.min(this.#windowBytes, this.frameBytes)
    const dropped = this.size - kept
    // Copies within no more than what was written since the last time, so each byte is moved once.
    const isEnough = dropped >= this.bytes.length >> 1 || this.bytes.length - kept >= kept + this.#blockBytes
    const target = isEnough ? this.bytes : Buffer.allocUnsafe(2 * this.bytes.length)
    this.bytes.copy(target, 0, dropped, this.size)
    this.bytes = target
    this.size = kept
    this.frameStart -= dropped
    this.#takenTo -= dropped
  }
}
