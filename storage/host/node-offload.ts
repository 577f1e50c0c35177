import type { Transform } from 'node:stream'
import zlib from 'node:zlib'
import { corrupt, type DecompressionFault } from '../../protocol/compression/codec.ts'
import { codecNamed } from '../../protocol/compression/codecs.ts'
import { lz4FrameOf } from '../../protocol/compression/lz4.ts'
import { nativeLz4 } from '../../protocol/compression/native-lz4.ts'
import type { Offload, OffloadedContent } from './host.ts'

/** Bytes of content that a thread makes ahead: with less, most of the time goes to waking threads. */
const PIECE_BYTES = 262_144

/** Default levels of the codecs. */
const [GZIP_LEVEL, ZSTD_LEVEL] = [zlib.constants.Z_DEFAULT_COMPRESSION, 3]

/** Part of node:zlib from 22.15 on; missing in the types of 20. */
interface ZlibWithZstd {
  createZstdDecompress?(options: zlib.ZlibOptions): Transform
  zstdCompress?(
    bytes: Buffer,
    options: { params: Record<number, number> },
    callback: (error: Error | null, result: Buffer) => void,
  ): void
  readonly constants: { readonly ZSTD_c_compressionLevel: number }
}

/** Largest content decompressed in one piece; the loop decompresses larger content piece by piece. */
const LARGEST_WHOLE_BYTES = 8_388_608

/** libuv's threads: gzip, and zstd where node:zlib has it; lz4 where its native code is installed. */
export const nodeOffload: Offload = {
  decompress(codec, bytes) {
    const options = { chunkSize: PIECE_BYTES, readableHighWaterMark: PIECE_BYTES }
    if (codec === 'lz4') return wholeLz4(bytes)
    if (codec === 'gzip') return new StreamedContent(codec, zlib.createGunzip(options), bytes)
    const stream = codec === 'zstd' ? (zlib as unknown as ZlibWithZstd).createZstdDecompress?.(options) : undefined
    return stream && new StreamedContent(codec, stream, bytes)
  },
  compress(codec, bytes, level) {
    if (codec === 'gzip') return promised((done) => zlib.gzip(bytes, { level: level ?? GZIP_LEVEL }, done))
    const { zstdCompress, constants } = zlib as unknown as ZlibWithZstd
    if (codec !== 'zstd' || zstdCompress === undefined) return undefined
    const params = { [constants.ZSTD_c_compressionLevel]: level ?? ZSTD_LEVEL }
    return promised((done) => zstdCompress(bytes, { params }, done))
  },
}

function promised(work: (done: (error: Error | null, result: Buffer) => void) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    work((error, result) => (error === null ? resolve(result) : reject(error)))
  })
}

function wholeLz4(bytes: Buffer): OffloadedContent | undefined {
  const native = nativeLz4()
  const frame = native && lz4FrameOf(bytes)
  if (frame === undefined || frame.boundBytes > LARGEST_WHOLE_BYTES) return undefined
  // Our own decoder decides about bytes that the native one refuses.
  const content = native!.decompressFrame(frame.bytes).then(
    (whole) => (frame.contentSize === undefined || frame.contentSize === whole.length ? whole : lz4Content(bytes)),
    () => lz4Content(bytes),
  )
  return new WholeContent(content)
}

function lz4Content(bytes: Buffer): Buffer | DecompressionFault {
  return codecNamed('lz4').decompress(bytes, LARGEST_WHOLE_BYTES)
}

/** Content that comes in one piece. */
class WholeContent implements OffloadedContent {
  #content: Promise<Buffer | DecompressionFault> | undefined

  constructor(content: Promise<Buffer | DecompressionFault>) {
    this.#content = content
  }

  async next(): Promise<Buffer | DecompressionFault | undefined> {
    const content = await this.#content
    this.#content = undefined
    return content
  }

  close(): void {
    this.#content = undefined
  }
}

/** A stream that is read on demand, so that it decompresses no further ahead than its buffer. */
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
