import type { RecordBatch } from './record-batch.ts'
import { RecordFault } from './record-reader.ts'

/** The field of a record that comes next; layout in record-reader.ts. */
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
/** Raw zig-zag varints of one or two bytes are below TWO_BYTES, those of three below THREE_BYTES. */
const TWO_BYTES = 0x4000
const THREE_BYTES = 0x200000
/** Most bytes before the key of a plain record. */
const LARGEST_HEAD_BYTES = 10
const STRUCTURE = 'Found invalid record structure'

/** The parts of a record that a scanner reports. */
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
 * Scans the records of a v2 batch while they are decompressed, in pieces cut anywhere: a record may exceed any buffer.
 * It finds the same faults as RecordCursor, which has all bytes in memory. Call `feed` for each piece, then `end`; stop
 * at a fault.
 */
export class RecordScanner implements ScannedRecord {
  /** Complete records so far. */
  count = 0
  /** Largest timestamp delta of the complete records. */
  latestTimestampDelta = Number.NEGATIVE_INFINITY
  /** Set once the bytes are not exactly `count` records. */
  fault: RecordFault | undefined
  /** Called for each record. Without it plain records are scanned three times as fast. */
  readonly #onRecord: ((record: ScannedRecord) => void) | undefined
  /** False once an offset delta differed from the record's index. */
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
  /** Unread bytes of the record. */
  #rest = 0
  /** Bytes to skip before the field. */
  #skip = 0
  #headersLeft = 0
  /** Bytes of an incomplete varint from earlier pieces. */
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

  /** Call after the last piece. */
  end(): RecordFault | undefined {
    if (this.fault === undefined && this.count < this.#expected) {
      this.#fail('Incorrect declared batch size, premature EOF reached')
    }
    return this.fault
  }

  /** Reads one byte, or as much of a varint as the piece has; returns the position after it. */
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

  /** Handles a complete varint. */
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

  /** Consumes bytes of the record; if it has fewer left, sets a fault and returns false. */
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
   * Skips complete plain records, whose fields are short and which have no headers. Keeps all state in local variables.
   * Stops at the first record that is cut or not plain and returns its position.
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
      // Odd: negative, which means null.
      if ((keyLength & 1) === 0) at += keyLength >>> 1
      // The value's length and the header count take at least two bytes.
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

/** Zig-zag varint of at most ten bytes, as a number; beyond 2^53 the low bits are lost. */
function int64Of(bytes: Uint8Array): number {
  const isNegative = (bytes[0]! & 1) === 1
  let magnitude = (bytes[0]! & 0x7f) >> 1
  for (let i = 1, scale = 64; bytes[i - 1]! >= 0x80; i++, scale *= 128) {
    // Only one bit of the tenth byte is within 64 bits.
    magnitude += (i === LONGEST_VARLONG_BYTES - 1 ? bytes[i]! & 1 : bytes[i]! & 0x7f) * scale
  }
  return isNegative ? -magnitude - 1 : magnitude
}
