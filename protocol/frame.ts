import type { BufferPool, Lease } from './buffer-pool.ts'
import { malformed } from './byte-reader.ts'
import { ByteWriter, type GatheredBytes } from './byte-writer.ts'

/*
 * Frame := size:int32 message[size]
 */
const SIZE_BYTES = 4

/** Memory for frames up to this size is allocated at once; larger frames get it as their bytes arrive. */
const BELIEVED_BYTES = 1024 * 1024
/** Growth factor of the buffer of a larger frame: each byte is copied a third of a time on average. */
const GROWTH = 4

/**
 * Cuts a stream into frames. Each frame gets its own buffer from the pool, filled from the chunks as they arrive.
 * `onFrame` gets the message without its size and must release it.
 */
export class FrameReader {
  readonly #pool: Pick<BufferPool, 'take'>
  readonly #limitBytes: number
  readonly #onFrame: (frame: Lease) => void
  #size = 0
  #sizeBytesRead = 0
  #frame: Lease | undefined
  #filled = 0

  /** limitBytes: the largest message accepted (socket.request.max.bytes). */
  constructor(pool: Pick<BufferPool, 'take'>, limitBytes: number, onFrame: (frame: Lease) => void) {
    this.#pool = pool
    this.#limitBytes = limitBytes
    this.#onFrame = onFrame
  }

  /**
   * Takes received bytes; the chunk is not needed afterwards. Throws MalformedError if a size is not positive or above
   * the limit. The rest of the stream is then unreadable, so close the connection.
   */
  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) at = this.#frame === undefined ? this.#readSize(chunk, at) : this.#fill(chunk, at)
  }

  /** Releases an incomplete frame. */
  close(): void {
    this.#frame?.release()
    this.#frame = undefined
  }

  #readSize(chunk: Buffer, start: number): number {
    let at = start
    while (at < chunk.length && this.#sizeBytesRead < SIZE_BYTES) {
      this.#size = (this.#size << 8) | (chunk[at++] as number)
      this.#sizeBytesRead++
    }
    if (this.#sizeBytesRead === SIZE_BYTES) this.#begin()
    return at
  }

  #begin(): void {
    const size = this.#size
    if (size <= 0 || size > this.#limitBytes) malformed(`frame of ${size} bytes, ${this.#limitBytes} at most`)
    this.#frame = this.#pool.take(Math.min(size, BELIEVED_BYTES))
    this.#filled = 0
  }

  #fill(chunk: Buffer, start: number): number {
    const frame = this.#room()
    const count = Math.min(chunk.length - start, frame.bytes.length - this.#filled)
    chunk.copy(frame.bytes, this.#filled, start, start + count)
    this.#filled += count
    if (this.#filled === this.#size) {
      this.#frame = undefined
      this.#size = 0
      this.#sizeBytesRead = 0
      this.#onFrame(frame)
    }
    return start + count
  }

  /** The frame's buffer, replaced by a larger one if it is full. */
  #room(): Lease {
    const frame = this.#frame as Lease
    if (this.#filled < frame.bytes.length) return frame
    const larger = this.#pool.take(Math.min(this.#size, frame.bytes.length * GROWTH))
    frame.bytes.copy(larger.bytes)
    frame.release()
    this.#frame = larger
    return larger
  }
}

/** A frame around the message that `write` writes in steps. */
export function* frameInSteps(write: (writer: ByteWriter) => Generator<void, void>): Generator<void, GatheredBytes> {
  const writer = new ByteWriter()
  const size = writer.reserve(SIZE_BYTES)
  yield* write(writer)
  writer.setInt32(size, writer.length - SIZE_BYTES)
  return writer.finish()
}

/** A frame around the message that `write` writes. */
export function frameOf(write: (writer: ByteWriter) => void): GatheredBytes {
  const writer = new ByteWriter()
  const size = writer.reserve(SIZE_BYTES)
  write(writer)
  writer.setInt32(size, writer.length - SIZE_BYTES)
  return writer.finish()
}
