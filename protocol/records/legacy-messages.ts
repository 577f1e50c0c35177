import { readInt64 } from '../int64.ts'
import { readInt32, readUint32 } from './big-endian.ts'
import { crc32 } from './crc32.ts'
import { type CompressionId, HEADER_BYTES_UP_TO_MAGIC, type RecordBatch, type TimestampType } from './record-batch.ts'
import { decompressRecords, type LogRecord, RecordFault } from './record-reader.ts'

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

/**
 * Reads a batch of format v0 or v1 as found by batchesOf, and checks its checksums. Source:
 * AbstractLegacyRecordBatch.DeepRecordsIterator.
 */
export function readLegacyBatch(batch: RecordBatch, limitBytes: number): LegacyBatch | RecordFault {
  const outer = readMessage(batch.bytes, undefined)
  if (outer instanceof RecordFault) return outer
  const { magic, compression, timestampType, record } = outer
  const records = compression === 0 ? [record] : readWrapped(outer, limitBytes)
  return records instanceof RecordFault ? records : { magic, compression, timestampType, records }
}

interface Message {
  readonly magic: 0 | 1
  readonly compression: CompressionId
  readonly timestampType: TimestampType
  readonly record: LogRecord
}

/** bytes is exactly one message. Inside a wrapper of type LogAppendTime the message takes the wrapper's time. */
function readMessage(bytes: Buffer, wrapper: Message | undefined): Message | RecordFault {
  const magic = bytes[LEGACY_MAGIC]!
  if (magic > 1) return new RecordFault('invalid', `Invalid magic found in legacy message: ${magic}`)
  const computed = crc32(bytes, LEGACY_MAGIC)
  const stored = readUint32(bytes, LEGACY_CRC)
  if (computed !== stored) {
    return new RecordFault('corrupt', `Record is corrupt (stored crc = ${stored}, computed crc = ${computed})`)
  }
  if (bytes.length < LEGACY_OVERHEAD_BYTES[magic as 0 | 1]) return CUT_MESSAGE
  const key = readField(bytes, LEGACY_KEY[magic as 0 | 1])
  const value = key && readField(bytes, key.end)
  if (key === undefined || value === undefined) return CUT_MESSAGE
  const attributes = bytes[LEGACY_ATTRIBUTES]!
  const ownType = magic === 1 && (attributes & LOG_APPEND_TIME_FLAG) !== 0 ? 'LogAppendTime' : 'CreateTime'
  const timestampType = wrapper?.timestampType ?? ownType
  const ownTimestamp = magic === 0 ? -1 : readInt64(bytes, LEGACY_TIMESTAMP)
  const timestamp = magic === 1 && wrapper?.timestampType === 'LogAppendTime' ? wrapper.record.timestamp : ownTimestamp
  return {
    magic: magic as 0 | 1,
    compression: attributes & COMPRESSION_MASK,
    timestampType,
    record: { offset: readInt64(bytes, LEGACY_OFFSET), timestamp, key: key.bytes, value: value.bytes, headers: [] },
  }
}

const CUT_MESSAGE = new RecordFault('invalid', 'Message is shorter than its key and value')

function readField(
  bytes: Buffer,
  position: number,
): { readonly bytes: Buffer | null; readonly end: number } | undefined {
  if (position + 4 > bytes.length) return undefined
  const start = position + 4
  const length = readInt32(bytes, position)
  if (length < 0) return { bytes: null, end: start }
  return length > bytes.length - start
    ? undefined
    : { bytes: bytes.subarray(start, start + length), end: start + length }
}

function readWrapped(wrapper: Message, limitBytes: number): LogRecord[] | RecordFault {
  const { value, offset } = wrapper.record
  if (wrapper.compression === ZSTD_ID) {
    return new RecordFault(
      'invalid',
      `Invalid wrapper compressionType found in legacy deep record iterator ${wrapper.magic}`,
    )
  }
  if (value === null) {
    return new RecordFault('invalid', `Found invalid compressed record set with null value (magic = ${wrapper.magic})`)
  }
  const bytes = decompressRecords(value, wrapper.compression, wrapper.magic, limitBytes)
  if (bytes instanceof RecordFault) return bytes
  const records = readInnerMessages(bytes, wrapper)
  return records instanceof RecordFault || wrapper.magic === 0 ? records : withAbsoluteOffsets(records, offset)
}

/** A cut message at the end is ignored, as in every message set. */
function readInnerMessages(bytes: Buffer, wrapper: Message): LogRecord[] | RecordFault {
  const records: LogRecord[] = []
  for (let position = 0; position + HEADER_BYTES_UP_TO_MAGIC <= bytes.length; ) {
    const size = readInt32(bytes, position + LEGACY_SIZE)
    if (size < 14) return new RecordFault('corrupt', 'Record size is less than the minimum record overhead (14)')
    const end = position + LEGACY_CRC + size
    if (end > bytes.length) break
    const inner = readMessage(bytes.subarray(position, end), wrapper)
    if (inner instanceof RecordFault) return inner
    if (inner.magic !== wrapper.magic) {
      return new RecordFault('invalid', `Record's magic ${inner.magic} does not match outer magic ${wrapper.magic}`)
    }
    if (inner.compression !== 0) return new RecordFault('invalid', 'Inner messages must not be compressed')
    records.push(inner.record)
    position = end
  }
  return records.length > 0
    ? records
    : new RecordFault('invalid', 'Found invalid compressed record set with no inner records')
}

/** Some versions of librdkafka left the wrapper's offset 0. Its messages then count from 0. */
function withAbsoluteOffsets(records: LogRecord[], wrapperOffset: number): LogRecord[] | RecordFault {
  const lastOffset = records.at(-1)!.offset
  if (wrapperOffset !== 0 && wrapperOffset < lastOffset) {
    return new RecordFault(
      'invalid',
      `Found invalid wrapper offset in compressed v1 message set, wrapper offset '${wrapperOffset}' is less than the last inner message offset '${lastOffset}' and it is not zero.`,
    )
  }
  const base = wrapperOffset === 0 ? 0 : wrapperOffset - lastOffset
  return base === 0 ? records : records.map((record) => ({ ...record, offset: base + record.offset }))
}
