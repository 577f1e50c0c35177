import { type Codec, tooLarge } from './codec.ts'

/** No compression: returns the same bytes without copying. */
export const none: Codec = {
  id: 0,
  name: 'none',
  compress: (bytes) => view(bytes),
  // biome-ignore lint/correctness/useYield: there is nothing to do
  *compressing(bytes) {
    return view(bytes)
  },
  decompress: (bytes, limitBytes) => (bytes.length > limitBytes ? tooLarge(limitBytes) : view(bytes)),
  *pieces(bytes) {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES)
    return undefined
  },
}

const PIECE_BYTES = 65536

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
