import type { Transform } from 'node:stream'
import zlib from 'node:zlib'
import { corrupt, type DecompressionFault } from '../../protocol/compression/codec.ts'
import type { Offload, OffloadedContent } from './host.ts'

/** Content that a thread makes at a time, and that waits to be taken. */
const PIECE_BYTES = 65_536

/** What node:zlib has from 22.15 on; the types of 20 do not know it. */
interface ZlibWithZstd {
  createZstdDecompress?(options: zlib.ZlibOptions): Transform
}

/** libuv's threads, through node:zlib: gzip, and zstd where it has it. */
export const nodeOffload: Offload = {
  decompress(codec, bytes) {
    const options = { chunkSize: PIECE_BYTES, readableHighWaterMark: PIECE_BYTES }
    if (codec === 'gzip') return new StreamedContent(codec, zlib.createGunzip(options), bytes)
    const stream = codec === 'zstd' ? (zlib as ZlibWithZstd).createZstdDecompress?.(options) : undefined
    return stream && new StreamedContent(codec, stream, bytes)
  },
}

/** A stream that is read when asked, so that it works no further ahead than it may keep. */
class StreamedContent implements OffloadedContent {
  readonly #stream: Transform
  #fault: DecompressionFault | undefined
  #hasEnded = false
  #wake: (() => void) | undefined

  constructor(codec: string, stream: Transform, bytes: Buffer) {
    this.#stream = stream
    const wake = () => this.#wake?.()
    stream.on('readable', wake)
    stream.on('end', () => {
      this.#hasEnded = true
      wake()
    })
    stream.on('error', (error) => {
      this.#fault = corrupt(`${codec}: ${error.message}`)
      wake()
    })
    stream.end(bytes)
  }

  async next(): Promise<Buffer | DecompressionFault | undefined> {
    for (;;) {
      const piece: Buffer | null = this.#stream.read()
      if (piece !== null) return piece
      if (this.#fault !== undefined || this.#hasEnded) return this.#fault
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  close(): void {
    this.#stream.destroy()
    this.#wake?.()
  }
}
