/*
 * Jute, ZooKeeper's encoding: big-endian numbers, a boolean is a byte, and
 *   buffer, ustring := length:int32 bytes      -1: null
 *   vector          := count:int32 elements    -1: null
 */

/** The bytes are no valid message. */
export class JuteError extends Error {
  override readonly name = 'JuteError'
}

/** Reads the fields of a message, one after the other. Throws JuteError if the bytes end before the field. */
export class JuteReader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  boolean(): boolean {
    return this.#bytes[this.#advance(1)] !== 0
  }

  int(): number {
    return this.#bytes.readInt32BE(this.#advance(4))
  }

  /** A zxid or a time: exact below 2^53. */
  long(): number {
    const at = this.#advance(8)
    return this.#bytes.readInt32BE(at) * 2 ** 32 + this.#bytes.readUInt32BE(at + 4)
  }

  /** A session id: all 64 bits count. */
  exactLong(): bigint {
    return this.#bytes.readBigInt64BE(this.#advance(8))
  }

  /** A view into the message. */
  buffer(): Buffer | null {
    const length = this.int()
    if (length === -1) return null
    const at = this.#advance(length)
    return this.#bytes.subarray(at, at + length)
  }

  string(): string | null {
    return this.buffer()?.toString('utf8') ?? null
  }

  /** `smallest`: bytes that an element takes at least, so that a count is no reason to allocate. */
  vector<T>(smallest: number, element: (reader: this) => T): T[] | null {
    const count = this.int()
    if (count === -1) return null
    // Java's loop does nothing for other negative counts.
    if (count * smallest > this.#bytes.length - this.#at) throw new JuteError(`a vector of ${count} in too few bytes`)
    const elements: T[] = []
    for (let index = 0; index < count; index++) elements.push(element(this))
    return elements
  }

  #advance(size: number): number {
    const at = this.#at
    if (size < 0 || at + size > this.#bytes.length) throw new JuteError(`${size} bytes wanted at ${at}`)
    this.#at += size
    return at
  }
}

const FIRST_BYTES = 128

/** Writes the fields of a message into one buffer that grows. */
export class JuteWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES)
  #at = 0

  get size(): number {
    return this.#at
  }

  boolean(value: boolean): this {
    this.#bytes[this.#reserve(1)] = value ? 1 : 0
    return this
  }

  int(value: number): this {
    const at = this.#reserve(4)
    this.#bytes.writeInt32BE(value, at)
    return this
  }

  long(value: number): this {
    return this.exactLong(BigInt(value))
  }

  exactLong(value: bigint): this {
    const at = this.#reserve(8)
    this.#bytes.writeBigInt64BE(value, at)
    return this
  }

  buffer(value: Buffer | null): this {
    if (value === null) return this.int(-1)
    this.int(value.length)
    const at = this.#reserve(value.length)
    value.copy(this.#bytes, at)
    return this
  }

  string(value: string | null): this {
    if (value === null) return this.int(-1)
    const size = Buffer.byteLength(value)
    this.int(size)
    const at = this.#reserve(size)
    this.#bytes.write(value, at)
    return this
  }

  vector<T>(values: readonly T[], element: (writer: this, value: T) => void): this {
    this.int(values.length)
    for (const value of values) element(this, value)
    return this
  }

  /** What was written: a view, so write nothing more. */
  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  /** The position of `size` more bytes. */
  #reserve(size: number): number {
    const at = this.#at
    this.#at += size
    if (this.#at > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#at, 2 * this.#bytes.length))
      this.#bytes.copy(larger, 0, 0, at)
      this.#bytes = larger
    }
    return at
  }
}
