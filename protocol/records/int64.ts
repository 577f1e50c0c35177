/**
 * Eight bytes, big endian, as a number. Offsets, timestamps and ids of any honest client fit in 2^53 - 1; a value
 * beyond it (only nonsense holds one) saturates, so that it stays a number that can be compared and written again.
 */

const TWO_TO_32 = 4294967296

/** int64 at position; saturates at Number.MAX_SAFE_INTEGER and MIN_SAFE_INTEGER. The caller has checked the bounds. */
export function readInt64(bytes: Uint8Array, position: number): number {
  const high =
    (bytes[position]! << 24) | (bytes[position + 1]! << 16) | (bytes[position + 2]! << 8) | bytes[position + 3]!
  if (high > 0x1fffff) return Number.MAX_SAFE_INTEGER
  if (high < -0x200000) return Number.MIN_SAFE_INTEGER
  return high * TWO_TO_32 + readUint32(bytes, position + 4)
}

/** value must be a safe integer. */
export function writeInt64(bytes: Uint8Array, position: number, value: number): void {
  writeInt32(bytes, position, Math.floor(value / TWO_TO_32))
  writeInt32(bytes, position + 4, value % TWO_TO_32)
}

export function readInt32(bytes: Uint8Array, position: number): number {
  return (bytes[position]! << 24) | (bytes[position + 1]! << 16) | (bytes[position + 2]! << 8) | bytes[position + 3]!
}

export function readUint32(bytes: Uint8Array, position: number): number {
  return readInt32(bytes, position) >>> 0
}

/** Also writes unsigned values: only the low 32 bits count. */
export function writeInt32(bytes: Uint8Array, position: number, value: number): void {
  bytes[position] = value >>> 24
  bytes[position + 1] = value >>> 16
  bytes[position + 2] = value >>> 8
  bytes[position + 3] = value
}

export function readInt16(bytes: Uint8Array, position: number): number {
  return ((bytes[position]! << 24) >> 16) | bytes[position + 1]!
}

export function writeInt16(bytes: Uint8Array, position: number, value: number): void {
  bytes[position] = value >>> 8
  bytes[position + 1] = value
}
