import type { RecordBatch } from './record-batch.ts'
import { RecordFault } from './record-reader.ts'

/** What comes next in the bytes of a record; drawn in record-reader.ts. */
const LENGTH = 0
const ATTRIBUTES = 1
const TIMESTAMP_DELTA = 2
const OFFSET_DELTA = 3
const KEY_LENGTH = 4
const VALUE_LENGTH = 5
const HEADER_COUNT = 6
const HEADER_KEY_LENGTH = 7
const HEADER_VALUE_LENGTH = 8
const END = 9
type Field = number

const LONGEST_VARINT_BYTES = 5
const LONGEST_VARLONG_BYTES = 10
/** A varint of one or two bytes as it stands, zig-zag, is below this; one of three below the other. */
const TWO_BYTES = 0x4000
const THREE_BYTES = 0x200000
/** The most that stands before a key of a plain record. */
const LARGEST_HEAD_BYTES = 10
const STRUCTURE = 'Found invalid record structure'

/** What a scanner tells of a record. */
export interface ScannedRecord {
  readonly offset: number
  readonly offsetDelta: number
  readonly timestamp: number
  readonly hasKey: boolean
  /** Negative: null. */
  readonly keyLength: number
  readonly valueLength: number
}

/**
 * Looks at the records of a v2 batch while they are decompressed, piece by piece, cut wherever the codec cuts them: a
 * record may be larger than any memory that is kept. It finds the same faults as RecordCursor, which has all bytes at
 * hand. `feed` until there is a fault or nothing more, then `end`.
 */
export class RecordScanner implements ScannedRecord {
  /** Records that were seen as a whole. */
  count = 0
  /** Largest timestamp so far, as the records tell it. */
  latestTimestampDelta = Number.NEGATIVE_INFINITY
  /** Set once the bytes turned out not to be `count` records and nothing else. */
  fault: RecordFault | undefined
  /** Told of each record; without it plain records are gone over three times as fast. */
  readonly #onRecord: ((record: ScannedRecord) => void) | undefined
  /** False once an offset delta was not the number of its record. */
  isDense = true

  offsetDelta = 0
  keyLength = -1
  valueLength = -1
  #timestampDelta = 0

  readonly #expected: number
  readonly #baseOffset: number
  readonly #baseTimestamp: number
  readonly #logAppendTime: number | undefined
  readonly #largestRecordBytes: number

  #field: Field = LENGTH
  #length = 0
  /** Bytes of the record that have not been read. */
  #rest = 0
  /** Bytes to pass over before the field. */
  #skip = 0
  #headersLeft = 0
  /** What of a varint was in the pieces before. */
  readonly #varint = new Uint8Array(LONGEST_VARLONG_BYTES)
  #varintBytes = 0

  constructor(
    batch: RecordBatch,
    options: {
      readonly largestRecordBytes?: number
      readonly onRecord?: ((record: ScannedRecord) => void) | undefined
    } = {},
  ) {
    this.#expected = batch.count
    this.#baseOffset = batch.baseOffset
    this.#baseTimestamp = batch.baseTimestamp
    this.#logAppendTime = batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : undefined
    this.#largestRecordBytes = options.largestRecordBytes ?? Number.POSITIVE_INFINITY
    this.#onRecord = options.onRecord
    if (this.#expected < 0) this.#fail(`Found invalid record count ${this.#expected} in magic v2 batch`)
  }

  get offset(): number {
    return this.#baseOffset + this.offsetDelta
  }
  get timestamp(): number {
    return this.#logAppendTime ?? this.#baseTimestamp + this.#timestampDelta
  }
  get hasKey(): boolean {
    return this.keyLength >= 0
  }

  feed(piece: Uint8Array): void {
    let at = 0
    while (this.fault === undefined) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, piece.length - at)
        this.#skip -= skipped
        at += skipped
        if (this.#skip > 0) return
      }
      if (this.#field === END) this.#finishRecord()
      if (this.fault !== undefined || at === piece.length) return
      if (this.#field === LENGTH && this.#varintBytes === 0) {
        at = this.#passPlainRecords(piece, at)
        if (at === piece.length) return
        if (this.count === this.#expected) {
          this.#fail('Incorrect declared batch size, records still remaining in file')
          return
        }
      }
      at = this.#readField(piece, at)
    }
  }

  /** No piece follows. */
  end(): RecordFault | undefined {
    if (this.fault === undefined && this.count < this.#expected) {
      this.#fail('Incorrect declared batch size, premature EOF reached')
    }
    return this.fault
  }

  /** Reads one byte, or what of a varint is there; answers the position after it. */
  #readField(piece: Uint8Array, start: number): number {
    if (this.#field === ATTRIBUTES) {
      if (this.#take(1)) this.#field = TIMESTAMP_DELTA
      return start + 1
    }
    const longest = this.#field === TIMESTAMP_DELTA ? LONGEST_VARLONG_BYTES : LONGEST_VARINT_BYTES
    let at = start
    while (at < piece.length) {
      const byte = piece[at++]!
      if (this.#field !== LENGTH && !this.#take(1)) return at
      this.#varint[this.#varintBytes++] = byte
      if (byte < 0x80) {
        this.#varintBytes = 0
        this.#accept()
        return at
      }
      if (this.#varintBytes === longest) {
        this.#fail(STRUCTURE)
        return at
      }
    }
    return at
  }

  /** The varint is whole. */
  #accept(): void {
    const value = this.#field === TIMESTAMP_DELTA ? 0 : int32Of(this.#varint)
    switch (this.#field) {
      case LENGTH:
        this.#beginRecord(value)
        return
      case TIMESTAMP_DELTA:
        this.#timestampDelta = int64Of(this.#varint)
        this.#field = OFFSET_DELTA
        return
      case OFFSET_DELTA:
        this.offsetDelta = value
        this.#field = KEY_LENGTH
        return
      case KEY_LENGTH:
        this.keyLength = value
        this.#pass(value, VALUE_LENGTH)
        return
      case VALUE_LENGTH:
        this.valueLength = value
        this.#pass(value, HEADER_COUNT)
        return
      case HEADER_COUNT:
        this.#beginHeaders(value)
        return
      case HEADER_KEY_LENGTH:
        if (value < 0) this.#fail(`Invalid negative header key size ${value}`)
        else this.#pass(value, HEADER_VALUE_LENGTH)
        return
      default:
        this.#headersLeft--
        this.#pass(value, this.#headersLeft === 0 ? END : HEADER_KEY_LENGTH)
    }
  }

  #beginRecord(length: number): void {
    if (length > this.#largestRecordBytes) {
      this.#fail(
        `Invalid record size: ${length} exceeds the configured maximum record size of ${this.#largestRecordBytes}.`,
      )
    } else if (length < 1) this.#fail(`Invalid record size: ${length}`)
    this.#length = length
    this.#rest = length
    this.#field = ATTRIBUTES
  }

  #beginHeaders(count: number): void {
    if (count < 0) this.#fail(`Found invalid number of record headers ${count}`)
    if (count > this.#rest) {
      this.#fail(`Found invalid number of record headers. ${count} is larger than the remaining size of the buffer`)
    }
    this.#headersLeft = count
    this.#field = count === 0 ? END : HEADER_KEY_LENGTH
  }

  #pass(length: number, next: Field): void {
    this.#field = next
    if (length > 0 && this.#take(length)) this.#skip = length
  }

  /** False, and a fault, where the record has no such many bytes left. */
  #take(bytes: number): boolean {
    if (bytes > this.#rest) return this.#fail(STRUCTURE)
    this.#rest -= bytes
    return true
  }

  #finishRecord(): void {
    if (this.#rest > 0) {
      this.#fail(
        `Invalid record size: expected to read ${this.#length} bytes in record payload, but instead read ${this.#length - this.#rest}`,
      )
      return
    }
    if (this.offsetDelta !== this.count) this.isDense = false
    if (this.#timestampDelta > this.latestTimestampDelta) this.latestTimestampDelta = this.#timestampDelta
    this.#onRecord?.(this)
    this.count++
    this.#field = LENGTH
  }

  /**
   * Goes over whole records without headers and with short fields, all in local variables; stops at the first that is
   * anything else, or that is cut. Answers the position after the last of them.
   */
  #passPlainRecords(piece: Uint8Array, start: number): number {
    if (this.#onRecord !== undefined || this.#largestRecordBytes < TWO_BYTES / 2) return start
    const size = piece.length
    const expected = this.#expected
    let latest = this.latestTimestampDelta
    let count = this.count
    let position = start
    while (count < expected && size - position >= LARGEST_HEAD_BYTES) {
      let at = position
      let length = piece[at++]!
      if (length >= 0x80) length = (length & 0x7f) | (piece[at++]! << 7)
      const end = at + (length >>> 1)
      if (length >= TWO_BYTES || (length & 1) === 1 || end > size) break
      at++
      let timestampDelta = piece[at++]!
      if (timestampDelta >= 0x80) timestampDelta = (timestampDelta & 0x7f) | (piece[at++]! << 7)
      let offsetDelta = piece[at++]!
      if (offsetDelta >= 0x80) offsetDelta = (offsetDelta & 0x7f) | (piece[at++]! << 7)
      if (offsetDelta >= TWO_BYTES) offsetDelta = (offsetDelta & (TWO_BYTES - 1)) | (piece[at++]! << 14)
      let keyLength = piece[at++]!
      if (keyLength >= 0x80) keyLength = (keyLength & 0x7f) | (piece[at++]! << 7)
      if (timestampDelta >= TWO_BYTES || offsetDelta >= THREE_BYTES || keyLength >= TWO_BYTES) break
      if (offsetDelta !== count * 2) break
      // Odd: negative, and null.
      if ((keyLength & 1) === 0) at += keyLength >>> 1
      // At least the length of a value, and the count of headers.
      if (at > end - 2) break
      let valueLength = piece[at++]!
      if (valueLength >= 0x80) valueLength = (valueLength & 0x7f) | (piece[at++]! << 7)
      if ((valueLength & 1) === 0) at += valueLength >>> 1
      if (valueLength >= TWO_BYTES || at !== end - 1 || piece[at] !== 0) break
      const delta = (timestampDelta >>> 1) ^ -(timestampDelta & 1)
      if (delta > latest) latest = delta
      count++
      position = end
    }
    this.latestTimestampDelta = latest
    this.count = count
    return position
  }

  #fail(message: string): false {
    this.fault ??= new RecordFault('invalid', message)
    return false
  }
}

/** Zig-zag varint of at most five bytes. */
function int32Of(bytes: Uint8Array): number {
  let value = 0
  for (let i = 0, shift = 0; ; i++, shift += 7) {
    const byte = bytes[i]!
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
  }
}

/** Zig-zag varint of at most ten bytes, as a number; one beyond 2^53 loses its low bits. */
function int64Of(bytes: Uint8Array): number {
  const isNegative = (bytes[0]! & 1) === 1
  let magnitude = (bytes[0]! & 0x7f) >> 1
  for (let i = 1, scale = 64; bytes[i - 1]! >= 0x80; i++, scale *= 128) {
    // Of the tenth byte only one bit is within 64 bits.
    magnitude += (i === LONGEST_VARLONG_BYTES - 1 ? bytes[i]! & 1 : bytes[i]! & 0x7f) * scale
  }
  return isNegative ? -magnitude - 1 : magnitude
}
