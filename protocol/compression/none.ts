import { type Codec, tooLarge } from './codec.ts'

/** No compression: the same bytes, not copied. */
export const none: Codec = {
  id: 0,
  name: 'none',
  compress: (bytes) => view(bytes),
  decompress: (bytes, limitBytes) => (bytes.length > limitBytes ? tooLarge(limitBytes) : view(bytes)),
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
