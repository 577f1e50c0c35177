const PRIME_1 = 0x9e3779b1 | 0
const PRIME_2 = 0x85ebca77 | 0
const PRIME_3 = 0xc2b2ae3d | 0
const PRIME_4 = 0x27d4eb2f
const PRIME_5 = 0x165667b1

/** xxHash32 of bytes[start, end) with seed 0, unsigned: the checksum inside LZ4 frames. */
export function xxh32(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let position = start
  let hash = PRIME_5
  if (end - start >= 16) {
    const stripesEnd = end - ((end - start) & 15)
    hash = stripes(bytes, start, stripesEnd)
    position = stripesEnd
  }
  hash = (hash + end - start) | 0
  for (; position + 4 <= end; position += 4) {
    hash = Math.imul(rotate((hash + Math.imul(readUint32LE(bytes, position), PRIME_3)) | 0, 17), PRIME_4)
  }
  for (; position < end; position++) {
    hash = Math.imul(rotate((hash + Math.imul(bytes[position]!, PRIME_5)) | 0, 11), PRIME_1)
  }
  return avalanche(hash)
}

function stripes(bytes: Uint8Array, start: number, end: number): number {
  let a = (PRIME_1 + PRIME_2) | 0
  let b = PRIME_2
  let c = 0
  let d = -PRIME_1 | 0
  for (let i = start; i < end; i += 16) {
    a = round(a, readUint32LE(bytes, i))
    b = round(b, readUint32LE(bytes, i + 4))
    c = round(c, readUint32LE(bytes, i + 8))
    d = round(d, readUint32LE(bytes, i + 12))
  }
  return (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0
}

function round(lane: number, word: number): number {
  return Math.imul(rotate((lane + Math.imul(word, PRIME_2)) | 0, 13), PRIME_1)
}

function avalanche(initial: number): number {
  let hash = initial
  hash = Math.imul(hash ^ (hash >>> 15), PRIME_2)
  hash = Math.imul(hash ^ (hash >>> 13), PRIME_3)
  return (hash ^ (hash >>> 16)) >>> 0
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by))
}

function readUint32LE(bytes: Uint8Array, position: number): number {
  return bytes[position]! | (bytes[position + 1]! << 8) | (bytes[position + 2]! << 16) | (bytes[position + 3]! << 24)
}
