import { readInt64 } from '../int64.ts'
import { completed, RECORD_COST_BYTES, STEP_BYTES, type Steps } from '../steps.ts'
import { readInt32, readUint32 } from './big-endian.ts'
import { crc32 } from './crc32.ts'
import { type CompressionId, HEADER_BYTES_UP_TO_MAGIC, type RecordBatch, type TimestampType } from './record-batch.ts'
import { decompressRecords, type LogRecord, RecordFault, type RecordHeader } from './record-reader.ts'

/*
 * Message formats v0 (0.8, 0.9) and v1 (0.10; KIP-31, KIP-32). All integers big endian.
 *
 *  position  size  field
 *         0     8  offset        of a wrapper: offset of its last message
 *         8     4  size          bytes that follow this field
 *        12     4  crc           CRC-32 of everything from `magic` to the end
 *        16     1  magic         0 or 1
 *        17     1  attributes    bits 0-2 compression, 3 log append time (v1)
 *        18     8  timestamp     v1 only; milliseconds
 *                  key           int32 length, -1: null; bytes
 *                  value         the same
 *
 * A compressed message is a wrapper: its value is a sequence of uncompressed messages of the same format. In v0 these
 * have absolute offsets. In v1 their offsets count from the first one, and the timestamp of a wrapper with log append
 * time applies to all of them.
 */
export const LEGACY_OFFSET = 0
export const LEGACY_SIZE = 8
export const LEGACY_CRC = 12
export const LEGACY_MAGIC = 16
export const LEGACY_ATTRIBUTES = 17
export const LEGACY_TIMESTAMP = 18
/** Bytes of a message without key and value: v0, v1. */
export const LEGACY_OVERHEAD_BYTES = [26, 34] as const
/** Position of the key's length: v0, v1. */
export const LEGACY_KEY = [18, 26] as const

const COMPRESSION_MASK = 0x07
const LOG_APPEND_TIME_FLAG = 0x08
const ZSTD_ID = 4

/** A message of format v0 or v1, or a wrapper with its messages. */
export interface LegacyBatch {
  readonly magic: 0 | 1
  readonly compression: CompressionId
  readonly timestampType: TimestampType
  /** With absolute offsets; at least one. */
  readonly records: readonly LogRecord[]
}

/** Decompresses what a batch of format `magic` contains. */
export type Unpack = (compressed: Buffer, compression: CompressionId, magic: number) => Steps<Buffer | RecordFault>

/** Decompresses at once, up to the limit. */
export function unpackAtOnce(limitBytes: number): Unpack {
  // biome-ignore lint/correctness/useYield: all is one step
  return function* (compressed, compression, magic) {
    return decompressRecords(compressed, compression, magic, limitBytes)
  }
}

/**
 * Reads a batch of format v0 or v1 as found by batchesOf, and checks its checksums. Source:
 * AbstractLegacyRecordBatch.DeepRecordsIterator.
 */
export function readLegacyBatch(batch: RecordBatch, limitBytes: number): LegacyBatch | RecordFault {
  const cursor = completed(openMessages(batch.bytes, unpackAtOnce(limitBytes)))
  if (cursor instanceof RecordFault) return cursor
  const records: LogRecord[] = []
  while (cursor.next()) records.push(cursor.record())
  const { magic, compression, timestampType, fault } = cursor
  return fault ?? { magic, compression, timestampType, records }
}

/** Cursor over the messages in bytes, which are one message or wrapper. The checksum of a wrapper is right already. */
export function* openMessages(bytes: Buffer, unpack: Unpack): Steps<MessageCursor | RecordFault> {
  const outer = new Message(bytes)
  const fault = outer.read(0, bytes.length)
  if (fault !== undefined) return fault
  if (outer.compression === 0) return new MessageCursor(outer, bytes, 0)
  const content = yield* unpackWrapper(outer, unpack)
  if (content instanceof RecordFault) return content
  const baseOffset = outer.magic === 0 ? 0 : yield* findBaseOffset(content, outer.offset)
  return baseOffset instanceof RecordFault ? baseOffset : new MessageCursor(outer, content, baseOffset)
}

function unpackWrapper({ magic, compression, value }: Message, unpack: Unpack): Steps<Buffer | RecordFault> {
  if (compression === ZSTD_ID) {
    return noContent(`Invalid wrapper compressionType found in legacy deep record iterator ${magic}`)
  }
  if (value === null) return noContent(`Found invalid compressed record set with null value (magic = ${magic})`)
  return unpack(value, compression, magic)
}

// biome-ignore lint/correctness/useYield: there is nothing to do
function* noContent(message: string): Steps<RecordFault> {
  return new RecordFault('invalid', message)
}

/** The current message of a cursor: where its parts are. */
export class Message {
  magic: 0 | 1 = 0
  compression: CompressionId = 0
  hasLogAppendTime = false
  offset = 0
  timestamp = -1
  /** Negative: null. */
  keyLength = -1
  valueLength = -1
  readonly headers = NO_HEADERS
  readonly #bytes: Buffer
  #keyStart = 0
  #valueStart = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get key(): Buffer | null {
    return this.#view(this.#keyStart, this.keyLength)
  }
  get value(): Buffer | null {
    return this.#view(this.#valueStart, this.valueLength)
  }

  /** Reads the message that is exactly bytes[start, end). */
  read(start: number, end: number): RecordFault | undefined {
    const bytes = this.#bytes
    const magic = bytes[start + LEGACY_MAGIC]!
    if (magic > 1) return new RecordFault('invalid', `Invalid magic found in legacy message: ${magic}`)
    const computed = crc32(bytes, start + LEGACY_MAGIC, end)
    const stored = readUint32(bytes, start + LEGACY_CRC)
    if (computed !== stored) {
      return new RecordFault('corrupt', `Record is corrupt (stored crc = ${stored}, computed crc = ${computed})`)
    }
    this.magic = magic as 0 | 1
    if (end - start < LEGACY_OVERHEAD_BYTES[this.magic]) return CUT_MESSAGE
    const attributes = bytes[start + LEGACY_ATTRIBUTES]!
    this.compression = attributes & COMPRESSION_MASK
    this.hasLogAppendTime = magic === 1 && (attributes & LOG_APPEND_TIME_FLAG) !== 0
    this.offset = readInt64(bytes, start + LEGACY_OFFSET)
    this.timestamp = magic === 0 ? -1 : readInt64(bytes, start + LEGACY_TIMESTAMP)
    this.#keyStart = start + LEGACY_KEY[this.magic] + 4
    this.keyLength = readInt32(bytes, this.#keyStart - 4)
    this.#valueStart = this.#keyStart + Math.max(0, this.keyLength) + 4
    if (this.#valueStart > end) return CUT_MESSAGE
    this.valueLength = readInt32(bytes, this.#valueStart - 4)
    return this.valueLength > end - this.#valueStart ? CUT_MESSAGE : undefined
  }

  #view(start: number, length: number): Buffer | null {
    return length < 0 ? null : this.#bytes.subarray(start, start + length)
  }
}

const NO_HEADERS: readonly RecordHeader[] = []
const CUT_MESSAGE = new RecordFault('invalid', 'Message is shorter than its key and value')

/**
 * Cursor over the messages of a batch. Call `next` until it is false, then check `fault`. A cut message at the end is
 * ignored, as in every message set.
 */
export class MessageCursor {
  readonly magic: 0 | 1
  readonly compression: CompressionId
  readonly timestampType: TimestampType
  fault: RecordFault | undefined
  /** Time of all messages if a wrapper or message has log append time. */
  readonly logAppendTimeMs: number | undefined
  /** Bytes of the current message. */
  sizeBytes = 0
  readonly headers = NO_HEADERS
  readonly #bytes: Buffer
  readonly #baseOffset: number
  readonly #message: Message
  #position = 0

  /** bytes: the outer message itself, or the content of a wrapper. */
  constructor(outer: Message, bytes: Buffer, baseOffset: number) {
    this.magic = outer.magic
    this.compression = outer.compression
    this.timestampType = outer.hasLogAppendTime ? 'LogAppendTime' : 'CreateTime'
    this.logAppendTimeMs = outer.hasLogAppendTime ? outer.timestamp : undefined
    this.#bytes = bytes
    this.#baseOffset = baseOffset
    this.#message = new Message(bytes)
  }

  get offset(): number {
    return this.#baseOffset + this.#message.offset
  }
  get timestamp(): number {
    return this.logAppendTimeMs ?? this.#message.timestamp
  }
  get hasKey(): boolean {
    return this.#message.keyLength >= 0
  }
  get hasValue(): boolean {
    return this.#message.valueLength >= 0
  }
  get key(): Buffer | null {
    return this.#message.key
  }
  get value(): Buffer | null {
    return this.#message.value
  }

  /** Bytes of all messages. */
  get contentBytes(): number {
    return this.#bytes.length
  }

  /** Advances to the next message; false at the end and at a fault. */
  next(): boolean {
    if (this.fault !== undefined) return false
    const end = messageEnd(this.#bytes, this.#position)
    if (typeof end !== 'number') return this.#end(end)
    const fault = this.#message.read(this.#position, end) ?? this.#misfit()
    if (fault !== undefined) return this.#end(fault)
    this.sizeBytes = end - this.#position
    this.#position = end
    return true
  }

  /** Goes back before the first message. */
  rewind(): void {
    this.#position = 0
    this.fault = undefined
  }

  record(): LogRecord {
    const { offset, timestamp, key, value } = this
    return { offset, timestamp, key, value, headers: [] }
  }

  #misfit(): RecordFault | undefined {
    if (this.compression === 0) return undefined
    if (this.#message.magic !== this.magic) return otherMagic(this.#message.magic, this.magic)
    return this.#message.compression === 0
      ? undefined
      : new RecordFault('invalid', 'Inner messages must not be compressed')
  }

  #end(fault: RecordFault | undefined): false {
    const isEmpty = fault === undefined && this.#position === 0
    this.fault = isEmpty ? NO_MESSAGES : fault
    return false
  }
}

const NO_MESSAGES = new RecordFault('invalid', 'Found invalid compressed record set with no inner records')

function otherMagic(magic: number, outer: number): RecordFault {
  return new RecordFault('invalid', `Record's magic ${magic} does not match outer magic ${outer}`)
}

/** End of the message at the position; undefined: there is no whole one. */
function messageEnd(bytes: Buffer, position: number): number | RecordFault | undefined {
  if (position + HEADER_BYTES_UP_TO_MAGIC > bytes.length) return undefined
  const size = readInt32(bytes, position + LEGACY_SIZE)
  if (size < 14) return new RecordFault('corrupt', 'Record size is less than the minimum record overhead (14)')
  const end = position + LEGACY_CRC + size
  return end > bytes.length ? undefined : end
}

/**
 * What to add to the offsets in a wrapper of format v1, whose own offset is that of its last message. Some versions of
 * librdkafka left it 0. Its messages then count from 0.
 */
function* findBaseOffset(content: Buffer, wrapperOffset: number): Steps<number | RecordFault> {
  let lastOffset = 0
  let cost = 0
  for (let position = 0, end = messageEnd(content, 0); end !== undefined; end = messageEnd(content, position)) {
    if (typeof end !== 'number') return end
    const magic = content[position + LEGACY_MAGIC]!
    if (magic !== 1) return magic > 1 ? 0 : otherMagic(magic, 1)
    lastOffset = readInt64(content, position + LEGACY_OFFSET)
    position = end
    cost += RECORD_COST_BYTES
    if (cost < STEP_BYTES) continue
    yield cost
    cost = 0
  }
  if (wrapperOffset === 0) return 0
  if (wrapperOffset >= lastOffset) return wrapperOffset - lastOffset
  return new RecordFault(
    'invalid',
    `Found invalid wrapper offset in compressed v1 message set, wrapper offset '${wrapperOffset}' is less than the last inner message offset '${lastOffset}' and it is not zero.`,
  )
}
