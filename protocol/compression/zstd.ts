import zlib from 'node:zlib'
import { type Codec, corrupt, type DecompressionFault, tooLarge } from './codec.ts'
import { decompressZstd, zstdPieces } from './zstd-decoder.ts'
import { encodeZstd, encodingZstd } from './zstd-encoder.ts'

/** The zstd functions of node:zlib, present from 22.15 on and missing from the types of 20. */
interface NativeZstd {
  zstdCompressSync(bytes: Uint8Array, options: { params?: Record<number, number> }): Buffer
  zstdDecompressSync(
    bytes: Uint8Array,
    options: { maxOutputLength: number; info: true },
  ): { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } }
  readonly constants: { readonly ZSTD_c_compressionLevel: number }
}

const native = 'zstdCompressSync' in zlib ? (zlib as unknown as NativeZstd) : undefined

/**
 * Zstandard by node:zlib if it has it, else in JavaScript, where every level compresses alike. Levels -131072 to 22,
 * default 3.
 */
export const zstd: Codec = {
  id: 4,
  name: 'zstd',
  compress: (bytes, level = 3) =>
    native === undefined
      ? encodeZstd(bytes)
      : native.zstdCompressSync(bytes, { params: { [native.constants.ZSTD_c_compressionLevel]: level } }),
  /** One step with node:zlib, which compresses in steps only off the event loop (`Offload`). */
  *compressing(bytes, level) {
    if (native === undefined) return yield* encodingZstd(bytes)
    yield bytes.length
    return zstd.compress(bytes, level)
  },
  decompress: (bytes, limitBytes) =>
    native === undefined ? decompressZstd(bytes, limitBytes) : decompressNatively(native, bytes, limitBytes),
  pieces: zstdPieces,
}

function decompressNatively(zstd: NativeZstd, bytes: Uint8Array, limitBytes: number): Buffer | DecompressionFault {
  try {
    const options = { maxOutputLength: Math.max(1, limitBytes), info: true as const }
    const { buffer, engine } = zstd.zstdDecompressSync(bytes, options)
    // node:zlib stops after the first frame without an error.
    return engine.bytesWritten < bytes.length ? decompressZstd(bytes, limitBytes) : buffer
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(limitBytes) : corrupt(`zstd: ${message}`)
  }
}
