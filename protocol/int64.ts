/**
 * 64 bit integers as numbers. What lies beyond +-(2^53 - 1) becomes that limit when read, and the limit becomes
 * Long.MAX_VALUE or Long.MIN_VALUE when written: "no limit" survives the way there and back, which is all that
 * offsets, times and sizes use such values for.
 */
const LIMIT = Number.MAX_SAFE_INTEGER
const WORD = 0x1_0000_0000

/** From the upper half as a signed and the lower half as an unsigned 32 bit number. */
export function int64FromHalves(high: number, low: number): number {
  const value = high * WORD + low
  if (value > LIMIT) return LIMIT
  return Math.max(value, -LIMIT)
}

export function readInt64(bytes: Buffer, at: number): number {
  const high =
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  const low =
    ((bytes[at + 4] as number) << 24) |
    ((bytes[at + 5] as number) << 16) |
    ((bytes[at + 6] as number) << 8) |
    (bytes[at + 7] as number)
  return int64FromHalves(high, low >>> 0)
}

export function writeInt64(bytes: Buffer, at: number, value: number): void {
  const high = value >= LIMIT ? 0x7fffffff : value <= -LIMIT ? 0x80000000 : Math.floor(value / WORD)
  const low = value >= LIMIT ? 0xffffffff : value <= -LIMIT ? 0 : value >>> 0
  bytes[at] = high >> 24
  bytes[at + 1] = high >> 16
  bytes[at + 2] = high >> 8
  bytes[at + 3] = high
  bytes[at + 4] = low >> 24
  bytes[at + 5] = low >> 16
  bytes[at + 6] = low >> 8
  bytes[at + 7] = low
}
