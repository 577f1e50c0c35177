/** Writes bits from the lowest bit of the first byte upwards, for a reader that starts at the end: see BackwardBits. */
export class ForwardBitWriter {
  readonly #bytes: Uint8Array
  #position: number
  #pending = 0
  #pendingBits = 0

  constructor(bytes: Uint8Array, position: number) {
    this.#bytes = bytes
    this.#position = position
  }

  /** Writes the low count bits of value, at most 31. */
  write(value: number, count: number): void {
    if (count > 16) {
      this.#add(value & 0xffff, 16)
      this.#add((value >>> 16) & ((1 << (count - 16)) - 1), count - 16)
    } else {
      this.#add(value & ((1 << count) - 1), count)
    }
  }

  /** Marks the end; returns the position after the last byte. */
  finish(): number {
    this.#add(1, 1)
    if (this.#pendingBits > 0) this.#bytes[this.#position++] = this.#pending
    return this.#position
  }

  #add(value: number, count: number): void {
    this.#pending |= value << this.#pendingBits
    this.#pendingBits += count
    while (this.#pendingBits >= 8) {
      this.#bytes[this.#position++] = this.#pending
      this.#pending >>>= 8
      this.#pendingBits -= 8
    }
  }
}
