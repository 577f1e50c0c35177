/**
 * Reads bits from the end of bytes[start, end) towards its beginning, as entropy-coded zstd streams require. The
 * highest set bit of the last byte marks the end and is skipped. `bytes` must have 3 more bytes after `end`.
 */
export class BackwardBits {
  /** Bits left; negative after reading too many. */
  left: number
  readonly bytes: Uint8Array
  readonly start: number

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes
    this.start = start
    const last = end > start ? bytes[end - 1]! : 0
    this.left = last === 0 ? -1 : (end - start) * 8 - 1 - Math.clz32(last << 24)
  }

  /** The next count bits, at most 24, as a number. Bits before the first one are 0. */
  read(count: number): number {
    this.left -= count
    return this.left < 0 ? this.#readCut(count) : this.#at(this.left) & ((1 << count) - 1)
  }

  /** The next count bits, at most 31. */
  readLong(count: number): number {
    return count <= 24 ? this.read(count) : (this.read(count - 16) << 16) | this.read(16)
  }

  #readCut(count: number): number {
    const missing = -this.left
    return missing >= count ? 0 : (this.#at(0) & ((1 << (count - missing)) - 1)) << missing
  }

  #at(bit: number): number {
    const i = this.start + (bit >> 3)
    const bytes = this.bytes
    return (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)) >>> (bit & 7)
  }
}
