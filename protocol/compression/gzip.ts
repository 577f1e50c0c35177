import { constants, gunzipSync, gzipSync } from 'node:zlib'
import { type Codec, corrupt, DecompressionFault, tooLarge } from './codec.ts'

/** Limit of the content of `pieces`. */
const LARGEST_PIECES_BYTES = 104_857_600

/** RFC 1952, by node:zlib. Levels 1 to 9, -1 for the library's default (6). */
export const gzip: Codec = {
  id: 1,
  name: 'gzip',
  compress: (bytes, level = constants.Z_DEFAULT_COMPRESSION) => gzipSync(bytes, { level }),
  /** One step: Node.js deflates in steps only off the event loop, which is what `Offload` does. */
  *compressing(bytes, level) {
    yield bytes.length
    return gzip.compress(bytes, level)
  },
  decompress(bytes, limitBytes) {
    try {
      return gunzipSync(bytes, { maxOutputLength: Math.max(1, limitBytes) })
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      return code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(limitBytes) : corrupt(`gzip: ${message}`)
    }
  },
  /**
   * Node.js inflates in pieces only off the event loop (`Offload`). Without a thread, all content comes at once, up to
   * a limit.
   */
  *pieces(bytes) {
    const content = gzip.decompress(bytes, LARGEST_PIECES_BYTES)
    if (content instanceof DecompressionFault) return content
    yield content
    return undefined
  },
}
