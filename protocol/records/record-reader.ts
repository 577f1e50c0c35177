import { DecompressionFault } from '../compression/codec.ts'
import { codecOf } from '../compression/codecs.ts'
import { type Rejection, reject } from '../error-codes.ts'
import type { CompressionId, RecordBatch } from './record-batch.ts'

/*
 * Record in a v2 batch (Kafka's DefaultRecord). Varints are zig-zag: -1 is 1 byte of 1.
 *
 *  varint   length          bytes of the record after this field
 *  int8     attributes      unused
 *  varlong  timestampDelta  from the batch's baseTimestamp
 *  varint   offsetDelta     from the batch's baseOffset
 *  varint   keyLength       negative: null key
 *  bytes    key
 *  varint   valueLength     negative: null value
 *  bytes    value
 *  varint   headerCount
 *  headers  each: varint key length (not negative), key, varint value length (negative: null), value
 */

/** A header of a record: key in UTF-8, value null if none. */
export interface RecordHeader {
  readonly key: Buffer
  readonly value: Buffer | null
}

/** A record in the log. Buffers are views of the batch or of its decompressed content. */
export interface LogRecord {
  readonly offset: number
  /** Milliseconds; the batch's log append time if it has one; -1: none. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/**
 * 'invalid': the bytes are not valid records. 'corrupt': a checksum does not match (v0 and v1). 'undecodable': the
 * codec refuses the bytes. 'too large': the content exceeds the limit.
 */
export type RecordFaultKind = 'invalid' | 'corrupt' | 'undecodable' | 'too large'

/** What is wrong with the records of a batch. */
export class RecordFault {
  readonly kind: RecordFaultKind
  readonly message: string

  constructor(kind: RecordFaultKind, message: string) {
    this.kind = kind
    this.message = message
  }
}

/**
 * Kafka's error for a produced batch with this fault. Kafka does not limit decompressed size, so it has no error for
 * 'too large'. MESSAGE_TOO_LARGE makes a producer split its batch, or tell its user what is wrong.
 */
export function rejectionOf(fault: RecordFault): Rejection {
  return reject(ERROR_OF_FAULT[fault.kind], fault.message)
}

const ERROR_OF_FAULT = {
  invalid: 'INVALID_RECORD',
  corrupt: 'CORRUPT_MESSAGE',
  undecodable: 'UNKNOWN_SERVER_ERROR',
  'too large': 'MESSAGE_TOO_LARGE',
} as const

/** Default limit of decompressed records: Kafka's default for a whole request. */
export const DEFAULT_DECOMPRESSED_LIMIT_BYTES = 104_857_600

/** Uncompressed records of the batch: a view if the batch is not compressed. */
export function uncompressedRecords(batch: RecordBatch, limitBytes: number): Buffer | RecordFault {
  return batch.isCompressed ? decompressRecords(batch.recordBytes, batch.compression, 2, limitBytes) : batch.recordBytes
}

/** Decompresses the bytes; magic is the format of the batch that contains them. */
export function decompressRecords(
  compressed: Buffer,
  compression: CompressionId,
  magic: number,
  limitBytes: number,
): Buffer | RecordFault {
  const codec = codecOf(compression, magic)
  if (codec === undefined) return new RecordFault('undecodable', `Unknown compression type id: ${compression}`)
  const bytes = codec.decompress(compressed, limitBytes)
  return bytes instanceof DecompressionFault ? faultOf(bytes) : bytes
}

/** Converts a codec's fault to a fault of the records. */
export function faultOf({ kind, message }: DecompressionFault): RecordFault {
  return new RecordFault(kind === 'corrupt' ? 'undecodable' : 'too large', message)
}

/**
 * Cursor over the records of a v2 batch, decompressed if needed. Call `next` until it is false, then check `fault`. It
 * validates lengths, counts and varints as Kafka's DefaultRecord does, and allocates nothing per record.
 */
export function openRecords(
  batch: RecordBatch,
  limitBytes: number = DEFAULT_DECOMPRESSED_LIMIT_BYTES,
): RecordCursor | RecordFault {
  const bytes = uncompressedRecords(batch, limitBytes)
  return bytes instanceof RecordFault ? bytes : new RecordCursor(batch, bytes)
}

/** All records of a v2 batch. */
export function readRecords(
  batch: RecordBatch,
  limitBytes: number = DEFAULT_DECOMPRESSED_LIMIT_BYTES,
): LogRecord[] | RecordFault {
  const cursor = openRecords(batch, limitBytes)
  if (cursor instanceof RecordFault) return cursor
  const records: LogRecord[] = []
  while (cursor.next()) records.push(cursor.record())
  return cursor.fault ?? records
}

export class RecordCursor {
  /** Of the current record. */
  offsetDelta = 0
  timestampDelta = 0
  /** Negative: null. */
  keyLength = -1
  valueLength = -1
  headerCount = 0
  /** Bytes of the record, its length field included. */
  sizeBytes = 0
  /** Set once the bytes are not exactly `count` records. */
  fault: RecordFault | undefined

  readonly #bytes: Buffer
  readonly #baseOffset: number
  readonly #baseTimestamp: number
  readonly #logAppendTime: number | undefined
  readonly #largestRecordBytes: number
  readonly #isStream: boolean
  #remaining: number
  #position = 0
  #limit = 0
  #keyStart = 0
  #valueStart = 0
  #headersStart = 0

  /**
   * largestRecordBytes: longer records are a fault (max.decompressed.message.bytes); the length field does not count.
   */
  constructor(batch: RecordBatch, uncompressed: Buffer, largestRecordBytes = Number.POSITIVE_INFINITY) {
    this.#bytes = uncompressed
    this.#largestRecordBytes = largestRecordBytes
    this.#isStream = batch.isCompressed
    this.#baseOffset = batch.baseOffset
    this.#baseTimestamp = batch.baseTimestamp
    this.#logAppendTime = batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : undefined
    this.#remaining = batch.count
    if (this.#remaining < 0) this.#fail(`Found invalid record count ${this.#remaining} in magic v2 batch`)
  }

  /** Advances to the next record; false at the end and at a fault. */
  next(): boolean {
    if (this.fault !== undefined || this.#remaining === 0) return false
    if (!this.#readRecord()) return false
    if (--this.#remaining === 0 && this.#position !== this.#bytes.length) {
      return this.#fail('Incorrect declared batch size, records still remaining in file')
    }
    return true
  }

  get offset(): number {
    return this.#baseOffset + this.offsetDelta
  }
  get timestamp(): number {
    return this.#logAppendTime ?? this.#baseTimestamp + this.timestampDelta
  }
  get hasKey(): boolean {
    return this.keyLength >= 0
  }
  get hasValue(): boolean {
    return this.valueLength >= 0
  }
  get key(): Buffer | null {
    return this.#view(this.#keyStart, this.keyLength)
  }
  get value(): Buffer | null {
    return this.#view(this.#valueStart, this.valueLength)
  }
  get headers(): RecordHeader[] {
    const headers: RecordHeader[] = []
    const end = this.#position
    this.#position = this.#headersStart
    for (let i = 0; i < this.headerCount; i++) headers.push({ key: this.#field()!, value: this.#field() })
    this.#position = end
    return headers
  }
  /** The raw bytes of the record, including its length field. */
  get bytes(): Buffer {
    return this.#bytes.subarray(this.#position - this.sizeBytes, this.#position)
  }

  record(): LogRecord {
    return {
      offset: this.offset,
      timestamp: this.timestamp,
      key: this.key,
      value: this.value,
      headers: this.headerCount === 0 ? NO_HEADERS : this.headers,
    }
  }

  #readRecord(): boolean {
    const start = this.#position
    this.#limit = this.#bytes.length
    const length = this.#varint()
    if (this.fault !== undefined) return this.#failAtLength(start)
    const bodyStart = this.#position
    if (length > this.#largestRecordBytes) {
      return this.#fail(
        `Invalid record size: ${length} exceeds the configured maximum record size of ${this.#largestRecordBytes}.`,
      )
    }
    if (length < 1 || length > this.#limit - bodyStart) {
      return this.#fail(
        `Invalid record size: expected ${length} bytes in record payload, but instead the buffer has only ${this.#limit - bodyStart} remaining bytes.`,
      )
    }
    this.#limit = bodyStart + length
    this.#position = bodyStart + 1
    this.timestampDelta = this.#varlong()
    this.offsetDelta = this.#varint()
    this.keyLength = this.#varint()
    this.#keyStart = this.#position
    this.#skip(this.keyLength)
    this.valueLength = this.#varint()
    this.#valueStart = this.#position
    this.#skip(this.valueLength)
    this.headerCount = this.#varint()
    this.#headersStart = this.#position
    if (this.headerCount !== 0) this.#skipHeaders()
    this.sizeBytes = this.#limit - start
    if (this.fault !== undefined) return false
    if (this.#position === this.#limit) return true
    return this.#fail(
      `Invalid record size: expected to read ${length} bytes in record payload, but instead read ${this.#position - bodyStart}`,
    )
  }

  /** For an overlong length field Kafka has no error if it reads from a buffer, and one if it reads from a stream. */
  #failAtLength(start: number): false {
    const isOverlong = this.#limit - start >= LONGEST_VARINT_BYTES
    if (isOverlong && !this.#isStream) this.fault = new RecordFault('undecodable', 'Varint is too long')
    return false
  }

  #skipHeaders(): void {
    const count = this.headerCount
    if (count < 0) this.#fail(`Found invalid number of record headers ${count}`)
    if (count > this.#limit - this.#position) {
      this.#fail(`Found invalid number of record headers. ${count} is larger than the remaining size of the buffer`)
    }
    for (let i = 0; i < count && this.fault === undefined; i++) {
      const keyLength = this.#varint()
      if (keyLength < 0) this.#fail(`Invalid negative header key size ${keyLength}`)
      this.#skip(keyLength)
      this.#skip(this.#varint())
    }
  }

  #skip(length: number): void {
    if (length <= 0) return
    if (length > this.#limit - this.#position) this.#fail('Found invalid record structure')
    else this.#position += length
  }

  /** Zig-zag varint of at most 5 bytes. Returns 0 and sets a fault if invalid. */
  #varint(): number {
    const bytes = this.#bytes
    const limit = this.#limit
    let position = this.#position
    let value = 0
    for (let shift = 0; shift < 35 && position < limit; shift += 7) {
      const byte = bytes[position++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.#position = position
        return (value >>> 1) ^ -(value & 1)
      }
    }
    this.#fail('Found invalid record structure')
    return 0
  }

  /**
   * Zig-zag varint of at most 10 bytes, as a number; beyond 2^53 the low bits are lost. Returns 0 and sets a fault if
   * invalid.
   */
  #varlong(): number {
    const start = this.#position
    const end = Math.min(this.#limit, start + 4)
    let value = 0
    for (let position = start, shift = 0; position < end; shift += 7) {
      const byte = this.#bytes[position++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.#position = position
        return (value >>> 1) ^ -(value & 1)
      }
    }
    return this.#longVarlong(start)
  }

  #longVarlong(start: number): number {
    const end = Math.min(this.#limit, start + 10)
    let magnitude = (this.#bytes[start]! & 0x7f) >> 1
    for (let position = start + 1, scale = 64; position < end; scale *= 128) {
      const byte = this.#bytes[position++]!
      // Only one bit of the tenth byte is within 64 bits.
      magnitude += (position === start + 10 ? byte & 1 : byte & 0x7f) * scale
      if (byte < 0x80) {
        this.#position = position
        return (this.#bytes[start]! & 1) === 0 ? magnitude : -magnitude - 1
      }
    }
    this.#fail('Found invalid record structure')
    return 0
  }

  #field(): Buffer | null {
    const length = this.#varint()
    const start = this.#position
    this.#skip(length)
    return this.#view(start, length)
  }

  #view(start: number, length: number): Buffer | null {
    return length < 0 ? null : this.#bytes.subarray(start, start + length)
  }

  #fail(message: string): false {
    this.fault ??= new RecordFault('invalid', message)
    return false
  }
}

const LONGEST_VARINT_BYTES = 5
const NO_HEADERS: readonly RecordHeader[] = []
