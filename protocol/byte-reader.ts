import { uuidText } from './uuid-text.ts'

/** Bytes that violate the protocol. The peer is at fault: it gets an error, or its connection is closed. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError'
}

/** Throws MalformedError. An expression, so that generated code can say `value ?? malformed(...)`. */
export function malformed(message: string): never {
  throw new MalformedError(message)
}

/** Longest string of the protocol in bytes: the older form has a signed 16 bit length. */
export const MAX_STRING_BYTES = 0x7fff

/** Invalid UTF-8 bytes become three bytes each, so a longer text may not fit its length field when written again. */
const MAY_OUTGROW_BYTES = Math.floor(MAX_STRING_BYTES / 3)

/**
 * Most array elements in one message, all arrays together. Three bytes can claim an element that takes a hundred bytes
 * in memory, so a frame of 100 MB would fill any heap. No honest request comes near: a large cluster has some hundred
 * thousand partitions.
 */
const MAX_ELEMENTS = 2_000_000

/**
 * A cursor over untrusted bytes. It never reads beyond `end`, and a claimed length never makes it allocate more than
 * the remaining bytes can fill. Every error is a MalformedError.
 */
export class ByteReader {
  readonly bytes: Buffer
  readonly end: number
  position: number
  #elements = 0

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.bytes = bytes
    this.position = start
    this.end = end
  }

  get remaining(): number {
    return this.end - this.position
  }

  /** Advances by size bytes and returns where they begin: one bounds check for a run of fixed-size fields. */
  advance(size: number): number {
    const start = this.position
    if (size > this.end - start) malformed(`${size} bytes expected at ${start}, ${this.end - start} left`)
    this.position = start + size
    return start
  }

  readInt8(): number {
    return this.bytes.readInt8(this.advance(1))
  }

  readInt16(): number {
    const at = this.advance(2)
    return (((this.bytes[at] as number) << 24) >> 16) | (this.bytes[at + 1] as number)
  }

  readInt32(): number {
    const at = this.advance(4)
    const bytes = this.bytes
    return (
      ((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)
    )
  }

  /** Seven bits a byte, lowest first, at most five bytes. Bits beyond 32 are cut off, as in ByteUtils. */
  readUnsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = this.bytes[this.advance(1)] as number
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    return malformed(`varint of more than five bytes at ${this.position}`)
  }

  /** A string with a 16 bit length; null if the length is negative. Invalid UTF-8 becomes U+FFFD. */
  readString(): string | null {
    const size = this.readInt16()
    return size < 0 ? null : this.#text(size)
  }

  /** A string with its length plus one as a varint; null if that is 0. */
  readCompactString(): string | null {
    const size = this.readUnsignedVarint() - 1
    if (size > MAX_STRING_BYTES) malformed(`string of ${size} bytes`)
    return size < 0 ? null : this.#text(size)
  }

  #text(size: number): string {
    const start = this.advance(size)
    if (size === 0) return ''
    const text = this.bytes.toString('utf8', start, start + size)
    // Every text that is read must also fit when written, in the response and in records.
    if (size > MAY_OUTGROW_BYTES && Buffer.byteLength(text) > MAX_STRING_BYTES) malformed('string is not valid UTF-8')
    return text
  }

  /** A view of bytes with a 32 bit length; null if the length is negative. */
  readBytes(): Buffer | null {
    const size = this.readInt32()
    return size < 0 ? null : this.view(size)
  }

  /** A view of bytes with their length plus one as a varint; null if that is 0. */
  readCompactBytes(): Buffer | null {
    const size = this.readUnsignedVarint() - 1
    return size < 0 ? null : this.view(size)
  }

  /** The next bytes without copying them. */
  view(size: number): Buffer {
    const start = this.advance(size)
    return this.bytes.subarray(start, start + size)
  }

  /** 16 bytes as 22 characters of base64url. */
  readUuid(): string {
    return uuidText(this.bytes, this.advance(16))
  }

  /**
   * Number of elements, -1 for null. Malformed if the remaining bytes cannot hold that many elements of elementBytes
   * each.
   */
  readArrayLength(elementBytes: number): number {
    return this.#plausible(this.readInt32(), elementBytes)
  }

  readCompactArrayLength(elementBytes: number): number {
    return this.#plausible(this.readUnsignedVarint() - 1, elementBytes)
  }

  #plausible(length: number, elementBytes: number): number {
    if (length < 0) return -1
    if (length * elementBytes > this.remaining) malformed(`array of ${length} elements in ${this.remaining} bytes`)
    this.#elements += length
    if (this.#elements > MAX_ELEMENTS) malformed(`more than ${MAX_ELEMENTS} elements`)
    return length
  }

  /** Reads the size of a tagged field, checks it against the remaining bytes, and returns where the field ends. */
  readTagEnd(): number {
    const size = this.readUnsignedVarint()
    if (size > this.remaining) malformed(`tagged field of ${size} bytes, ${this.remaining} left`)
    return this.position + size
  }

  /** Skips a section of tagged fields if this version knows none of them. */
  skipTaggedFields(): void {
    for (let count = this.readUnsignedVarint(); count > 0; count--) {
      this.readUnsignedVarint()
      this.position = this.readTagEnd()
    }
  }
}
