import { type DecompressionFault, tooLarge } from './codec.ts'

/** Output of a zstd decoder and source of its matches. */
export interface ContentTarget {
  /** roomFor and roomUpTo may replace it. */
  readonly bytes: Buffer
  /** Position of the next byte. */
  size: number
  /** Position of the frame's start in bytes; negative once its start has been dropped. */
  readonly frameStart: number
  /** Bytes of the frame so far. */
  readonly frameBytes: number
  beginFrame(windowBytes: number): void
  /**
   * Makes room for a block of sizeBytes and returns the position up to which it may write. Throws if the limit leaves
   * less.
   */
  roomFor(sizeBytes: number): number
  /** Like roomFor, for a block of unknown size up to sizeBytes: gives less room if the limit leaves less. */
  roomUpTo(sizeBytes: number): number
  tooLarge(): DecompressionFault
}

/** Holds all content; grows up to the limit. */
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

  /** Records are views of this buffer and may live long. Do not keep far more memory than they need. */
  content(): Buffer {
    const content = this.bytes.subarray(0, this.size)
    return this.size < this.bytes.length >> 1 ? Buffer.from(content) : content
  }

  tooLarge(): DecompressionFault {
    return tooLarge(this.#limitBytes)
  }
}

/**
 * Holds the end of the content, as far back as matches reach. Memory grows with the content up to about twice the
 * window, so a frame that claims a large window costs nothing by itself.
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

  /** The bytes written since the last call. */
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
    // Reuse the buffer only if at least as much was dropped as is kept, so that each byte moves about once.
    const isEnough = dropped >= this.bytes.length >> 1 || this.bytes.length - kept >= kept + this.#blockBytes
    const target = isEnough ? this.bytes : Buffer.allocUnsafe(2 * this.bytes.length)
    this.bytes.copy(target, 0, dropped, this.size)
    this.bytes = target
    this.size = kept
    this.frameStart -= dropped
    this.#takenTo -= dropped
  }
}
