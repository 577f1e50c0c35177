/*
 * Frame := size:int32 message[size]
 */
const SIZE_BYTES = 4
/** Memory for a frame is taken as its bytes arrive: its size is only a claim. */
const FIRST_BYTES = 4096

/** Why a stream has no more frames. */
export type StreamEnd = { readonly word: Buffer; readonly rest: Buffer } | { readonly invalidSize: number }

/** Cuts a stream into frames. Each message has a buffer of its own. */
export class Frames {
  readonly #limitBytes: number
  readonly #isWord: (size: Buffer) => boolean
  readonly #onFrame: (message: Buffer) => void
  readonly #size = Buffer.alloc(SIZE_BYTES)
  #sizeFilled = 0
  #message: Buffer | undefined
  #filled = 0

  /** isWord: whether the four bytes of a size are a word instead, so that the stream ends. */
  constructor(limitBytes: number, isWord: (size: Buffer) => boolean, onFrame: (message: Buffer) => void) {
    this.#limitBytes = limitBytes
    this.#isWord = isWord
    this.#onFrame = onFrame
  }

  /** Takes bytes. Returns a word with what follows it, or an invalid size; undefined: go on. */
  push(chunk: Buffer): StreamEnd | undefined {
    let at = 0
    while (at < chunk.length || this.#message?.length === 0) {
      if (this.#message === undefined) {
        const count = chunk.copy(this.#size, this.#sizeFilled, at)
        at += count
        this.#sizeFilled += count
        if (this.#sizeFilled < SIZE_BYTES) return undefined
        if (this.#isWord(this.#size)) return { word: Buffer.from(this.#size), rest: Buffer.from(chunk.subarray(at)) }
        const size = this.#wanted
        if (size < 0 || size > this.#limitBytes) return { invalidSize: size }
        this.#message = Buffer.allocUnsafeSlow(Math.min(size, FIRST_BYTES))
      }
      at += this.#fill(chunk, at)
    }
    return undefined
  }

  get #wanted(): number {
    return this.#size.readInt32BE()
  }

  /** The number of bytes taken. */
  #fill(chunk: Buffer, at: number): number {
    const count = Math.min(chunk.length - at, this.#wanted - this.#filled)
    this.#grow(this.#filled + count)
    const message = this.#message!
    chunk.copy(message, this.#filled, at, at + count)
    this.#filled += count
    if (this.#filled < this.#wanted) return count
    this.#message = undefined
    this.#filled = 0
    this.#sizeFilled = 0
    this.#onFrame(message.subarray(0, this.#wanted))
    return count
  }

  #grow(size: number): void {
    const message = this.#message!
    if (size <= message.length) return
    const larger = Buffer.allocUnsafeSlow(Math.min(this.#wanted, Math.max(size, 4 * message.length)))
    message.copy(larger, 0, 0, this.#filled)
    this.#message = larger
  }
}
