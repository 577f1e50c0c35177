/**
 * 64 bit integers as numbers. Reading clamps a value beyond +-(2^53 - 1) to that limit. Writing turns the limit into
 * Long.MAX_VALUE or Long.MIN_VALUE. So "no limit" survives a round trip; offsets, times and sizes need such values for
 * nothing else.
 */
const LIMIT = Number.MAX_SAFE_INTEGER
const WORD = 0x1_0000_0000

/** From the signed upper 32 bits and the unsigned lower 32 bits. */
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
