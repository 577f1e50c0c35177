import zlib from 'node:zlib'
import { type Codec, corrupt, tooLarge } from './codec.ts'
import { decompressZstd } from './zstd-decoder.ts'
import { storeZstd } from './zstd-encoder.ts'

/** What node:zlib has from 22.15 on; the types of 20 do not know it. */
interface NativeZstd {
  zstdCompressSync(bytes: Uint8Array, options: { params?: Record<number, number> }): Buffer
  zstdDecompressSync(bytes: Uint8Array, options: { maxOutputLength: number }): Buffer
  readonly constants: { readonly ZSTD_c_compressionLevel: number }
}

const native = 'zstdCompressSync' in zlib ? (zlib as unknown as NativeZstd) : undefined

/**
 * Zstandard, by node:zlib where it has it. Elsewhere content is decoded in JavaScript, and encoded without the search
 * for matches beyond what storeZstd does: every reader takes it, it is only larger. Levels -131072 to 22, default 3.
 */
export const zstd: Codec = {
  id: 4,
  name: 'zstd',
  compress: (bytes, level = 3) =>
    native === undefined
      ? storeZstd(bytes)
      : native.zstdCompressSync(bytes, { params: { [native.constants.ZSTD_c_compressionLevel]: level } }),
  decompress(bytes, limitBytes) {
    if (native === undefined) return decompressZstd(bytes, limitBytes)
    try {
      return native.zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, limitBytes) })
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      return code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(limitBytes) : corrupt(`zstd: ${message}`)
    }
  },
}
