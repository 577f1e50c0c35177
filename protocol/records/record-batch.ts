import { readInt64, writeInt64 } from '../int64.ts'
import type { Steps } from '../steps.ts'
import { readInt16, readInt32, readUint32, writeInt16, writeInt32 } from './big-endian.ts'
import { crc32c, crc32cInSteps } from './crc32c.ts'

/*
 * Record batch, message format v2 (KIP-98; Kafka's DefaultRecordBatch). All integers big endian.
 *
 *  position  size  field
 *         0     8  baseOffset              offset of the first record, assigned by the log
 *         8     4  length                  bytes that follow this field
 *        12     4  partitionLeaderEpoch    assigned by the log
 *        16     1  magic                   2
 *        17     4  crc                     CRC-32C of everything from `attributes` to the end
 *        21     2  attributes              bits 0-2 compression, 3 log append time, 4 transactional, 5 control,
 *                                          6 baseTimestamp is a delete horizon (KIP-534)
 *        23     4  lastOffsetDelta         offset of the last record less baseOffset; also that of the last sequence
 *        27     8  baseTimestamp           milliseconds; timestamp deltas count from here
 *        35     8  maxTimestamp            largest timestamp of its records, or the log append time
 *        43     8  producerId              -1: not idempotent
 *        51     2  producerEpoch
 *        53     4  baseSequence            sequence of the first record; -1: none
 *        57     4  count                   number of records
 *        61        records                 one after the other, compressed as a whole
 *
 * Message formats v0 and v1 have the same first 17 bytes, except that a checksum replaces the leader epoch.
 */
const BASE_OFFSET = 0
const LENGTH = 8
const PARTITION_LEADER_EPOCH = 12
const MAGIC = 16
const CRC = 17
const ATTRIBUTES = 21
const LAST_OFFSET_DELTA = 23
const BASE_TIMESTAMP = 27
const MAX_TIMESTAMP = 35
const PRODUCER_ID = 43
const PRODUCER_EPOCH = 51
const BASE_SEQUENCE = 53
const COUNT = 57

/** Bytes of a v2 header: the minimum size of a batch, and where its records start. */
export const BATCH_HEADER_BYTES = 61
/** baseOffset and length: the bytes before those that `length` counts. */
export const LOG_OVERHEAD_BYTES = 12
/** Bytes needed to know a batch's offset, size and magic in any format. */
export const HEADER_BYTES_UP_TO_MAGIC = 17
/** Smallest valid length field, that of a v0 message: no batch of any format is shorter. */
const SMALLEST_LENGTH = 14

const COMPRESSION_MASK = 0x07
const LOG_APPEND_TIME_FLAG = 0x08
const TRANSACTIONAL_FLAG = 0x10
const CONTROL_FLAG = 0x20
const DELETE_HORIZON_FLAG = 0x40

/** Codec number in the attributes: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd; 5 to 7 are invalid. */
export type CompressionId = number
export type TimestampType = 'CreateTime' | 'LogAppendTime'

/** Kafka writes -1 for no timestamp, no producer id, no sequence and no epoch. */
export const NO_TIMESTAMP = -1
export const NO_PRODUCER_ID = -1
export const NO_PRODUCER_EPOCH = -1
export const NO_SEQUENCE = -1
export const NO_PARTITION_LEADER_EPOCH = -1

/** Fields of a v2 header that are not computed from the others. */
export interface BatchHeader {
  readonly baseOffset: number
  readonly lastOffsetDelta: number
  readonly partitionLeaderEpoch: number
  readonly compression: CompressionId
  readonly timestampType: TimestampType
  readonly transactional: boolean
  readonly control: boolean
  readonly hasDeleteHorizon: boolean
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly count: number
}

/**
 * View over the bytes of one batch, header first. It copies nothing; setters write to those bytes. `bytes` may be the
 * header alone if only header fields are used. For formats v0 and v1 only baseOffset (there the offset of the last
 * record), sizeBytes and magic are meaningful: see legacy-messages.ts.
 */
export class RecordBatch {
  readonly bytes: Buffer

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get baseOffset(): number {
    return readInt64(this.bytes, BASE_OFFSET)
  }
  /** Outside the checksum, so the log may assign it in place. */
  set baseOffset(offset: number) {
    writeInt64(this.bytes, BASE_OFFSET, offset)
  }

  /** Bytes of the whole batch, according to its length field. */
  get sizeBytes(): number {
    return LOG_OVERHEAD_BYTES + readInt32(this.bytes, LENGTH)
  }

  get partitionLeaderEpoch(): number {
    return readInt32(this.bytes, PARTITION_LEADER_EPOCH)
  }
  /** Outside the checksum, so the log may assign it in place. */
  set partitionLeaderEpoch(epoch: number) {
    writeInt32(this.bytes, PARTITION_LEADER_EPOCH, epoch)
  }

  get magic(): number {
    return this.bytes[MAGIC]!
  }
  get crc(): number {
    return readUint32(this.bytes, CRC)
  }
  get attributes(): number {
    return readInt16(this.bytes, ATTRIBUTES)
  }
  get lastOffsetDelta(): number {
    return readInt32(this.bytes, LAST_OFFSET_DELTA)
  }
  get lastOffset(): number {
    return this.baseOffset + this.lastOffsetDelta
  }
  /** Offset of the record that follows this batch. */
  get nextOffset(): number {
    return this.baseOffset + this.lastOffsetDelta + 1
  }
  /** If `deleteHorizonMs` is set, this is that horizon and not a record's time. */
  get baseTimestamp(): number {
    return readInt64(this.bytes, BASE_TIMESTAMP)
  }
  get maxTimestamp(): number {
    return readInt64(this.bytes, MAX_TIMESTAMP)
  }
  get producerId(): number {
    return readInt64(this.bytes, PRODUCER_ID)
  }
  get producerEpoch(): number {
    return readInt16(this.bytes, PRODUCER_EPOCH)
  }
  get baseSequence(): number {
    return readInt32(this.bytes, BASE_SEQUENCE)
  }
  /** Sequence of the last record, -1 if none; wraps from 2^31 - 1 to 0. */
  get lastSequence(): number {
    const base = this.baseSequence
    return base === NO_SEQUENCE ? NO_SEQUENCE : incrementSequence(base, this.lastOffsetDelta)
  }
  /** Number of records according to the header. */
  get count(): number {
    return readInt32(this.bytes, COUNT)
  }

  get compression(): CompressionId {
    return this.attributes & COMPRESSION_MASK
  }
  get isCompressed(): boolean {
    return this.compression !== 0
  }
  get timestampType(): TimestampType {
    return (this.attributes & LOG_APPEND_TIME_FLAG) === 0 ? 'CreateTime' : 'LogAppendTime'
  }
  get isTransactional(): boolean {
    return (this.attributes & TRANSACTIONAL_FLAG) !== 0
  }
  get isControl(): boolean {
    return (this.attributes & CONTROL_FLAG) !== 0
  }
  get hasProducerId(): boolean {
    return this.producerId > NO_PRODUCER_ID
  }
  /** Time after which compaction may drop the batch's tombstones and markers (KIP-534); undefined if not set yet. */
  get deleteHorizonMs(): number | undefined {
    return (this.attributes & DELETE_HORIZON_FLAG) === 0 ? undefined : this.baseTimestamp
  }

  /** Formats v0 and v1, read by legacy-messages.ts. */
  get isLegacy(): boolean {
    return this.magic < 2
  }

  /** Bytes of the records, compressed or not. */
  get recordBytes(): Buffer {
    return this.bytes.subarray(BATCH_HEADER_BYTES)
  }

  /** True if the checksum matches the bytes (v2 only). Needs the whole batch. */
  hasValidCrc(): boolean {
    return this.bytes.length >= BATCH_HEADER_BYTES && this.crc === this.computeCrc()
  }

  /** The same in steps. */
  *hasValidCrcInSteps(): Steps<boolean> {
    if (this.bytes.length < BATCH_HEADER_BYTES) return false
    return this.crc === (yield* crc32cInSteps(this.bytes, ATTRIBUTES, this.sizeBytes))
  }

  /** The checksum that the bytes should have. */
  computeCrc(): number {
    return crc32c(this.bytes, ATTRIBUTES, this.sizeBytes)
  }

  /**
   * Writes maxTimestamp and its type. Recomputes the checksum only if something changed, as in Kafka's
   * DefaultRecordBatch.setMaxTimestamp. With 'LogAppendTime' every record takes maxTimestamp.
   */
  setMaxTimestamp(type: TimestampType, maxTimestamp: number): void {
    if (this.#changeMaxTimestamp(type, maxTimestamp)) writeInt32(this.bytes, CRC, this.computeCrc())
  }

  /** The same in steps. */
  *setMaxTimestampInSteps(type: TimestampType, maxTimestamp: number): Steps<void> {
    if (this.#changeMaxTimestamp(type, maxTimestamp)) yield* this.writeCrcInSteps()
  }

  /** Writes the checksum of the other bytes. */
  *writeCrcInSteps(): Steps<void> {
    writeInt32(this.bytes, CRC, yield* crc32cInSteps(this.bytes, ATTRIBUTES, this.sizeBytes))
  }

  #changeMaxTimestamp(type: TimestampType, maxTimestamp: number): boolean {
    if (this.timestampType === type && this.maxTimestamp === maxTimestamp) return false
    const others = this.attributes & ~LOG_APPEND_TIME_FLAG
    writeInt16(this.bytes, ATTRIBUTES, type === 'LogAppendTime' ? others | LOG_APPEND_TIME_FLAG : others)
    writeInt64(this.bytes, MAX_TIMESTAMP, maxTimestamp)
    return true
  }
}

/** Writes a v2 header over the first 61 bytes of `bytes`, which is a whole batch, and computes length and checksum. */
export function writeBatchHeader(bytes: Buffer, header: BatchHeader): void {
  writeHeaderFields(bytes, header)
  writeInt32(bytes, CRC, crc32c(bytes, ATTRIBUTES))
}

/** The same without the checksum. */
export function writeHeaderFields(bytes: Buffer, header: BatchHeader): void {
  writeInt64(bytes, BASE_OFFSET, header.baseOffset)
  writeInt32(bytes, LENGTH, bytes.length - LOG_OVERHEAD_BYTES)
  writeInt32(bytes, PARTITION_LEADER_EPOCH, header.partitionLeaderEpoch)
  bytes[MAGIC] = 2
  writeInt16(bytes, ATTRIBUTES, attributesOf(header))
  writeInt32(bytes, LAST_OFFSET_DELTA, header.lastOffsetDelta)
  writeInt64(bytes, BASE_TIMESTAMP, header.baseTimestamp)
  writeInt64(bytes, MAX_TIMESTAMP, header.maxTimestamp)
  writeInt64(bytes, PRODUCER_ID, header.producerId)
  writeInt16(bytes, PRODUCER_EPOCH, header.producerEpoch)
  writeInt32(bytes, BASE_SEQUENCE, header.baseSequence)
  writeInt32(bytes, COUNT, header.count)
}

function attributesOf(header: BatchHeader): number {
  return (
    header.compression |
    (header.timestampType === 'LogAppendTime' ? LOG_APPEND_TIME_FLAG : 0) |
    (header.transactional ? TRANSACTIONAL_FLAG : 0) |
    (header.control ? CONTROL_FLAG : 0) |
    (header.hasDeleteHorizon ? DELETE_HORIZON_FLAG : 0)
  )
}

/** Sequences are modulo 2^31. Source: DefaultRecordBatch.incrementSequence. */
export function incrementSequence(sequence: number, increment: number): number {
  return sequence > 0x7fffffff - increment ? increment - (0x7fffffff - sequence) - 1 : sequence + increment
}

/** Inverse of incrementSequence. */
export function decrementSequence(sequence: number, decrement: number): number {
  return sequence < decrement ? 0x7fffffff - (decrement - sequence) + 1 : sequence - decrement
}

/** Consecutive batches of any format, and why the scan ended. */
export interface BatchScan {
  /** All complete batches. Only their length and magic have been checked. */
  readonly batches: readonly RecordBatch[]
  /** Position after the last batch; less than the end if an incomplete or corrupt batch follows. */
  readonly endPosition: number
  /**
   * What is wrong at endPosition: a length below the minimum or an unknown magic. undefined: nothing, or a cut batch.
   */
  readonly corruption: string | undefined
}

/**
 * The batches in bytes[start, end), at most so many. A cut batch at the end is no error: fetch responses end like that, and Kafka
 * ignores it in a produce request. Source: ByteBufferLogInputStream.
 */
export function batchesOf(bytes: Buffer, start = 0, end = bytes.length, most = Number.POSITIVE_INFINITY): BatchScan {
  const batches: RecordBatch[] = []
  let position = start
  for (;;) {
    const size = batchSizeAt(bytes, position, end)
    if (typeof size === 'string') return { batches, endPosition: position, corruption: size }
    if (size === undefined || size > end - position) return { batches, endPosition: position, corruption: undefined }
    batches.push(new RecordBatch(bytes.subarray(position, position + size)))
    position += size
    if (batches.length === most) return { batches, endPosition: position, corruption: undefined }
  }
}

/**
 * Bytes of the batch that starts at position; it may reach beyond end. undefined if fewer than 17 bytes are left. An
 * error text if length or magic are invalid.
 */
export function batchSizeAt(bytes: Buffer, position: number, end = bytes.length): number | string | undefined {
  if (end - position < LOG_OVERHEAD_BYTES) return undefined
  const length = readInt32(bytes, position + LENGTH)
  if (length < SMALLEST_LENGTH) {
    return `Record size ${length} is less than the minimum record overhead (${SMALLEST_LENGTH})`
  }
  if (end - position < HEADER_BYTES_UP_TO_MAGIC) return undefined
  const magic = (bytes[position + MAGIC]! << 24) >> 24
  if (magic < 0 || magic > 2) return `Invalid magic found in record: ${magic}`
  if (magic === 2 && length < BATCH_HEADER_BYTES - LOG_OVERHEAD_BYTES) {
    return `Record batch is corrupt (the size ${length + LOG_OVERHEAD_BYTES} is smaller than the minimum allowed overhead ${BATCH_HEADER_BYTES})`
  }
  return length + LOG_OVERHEAD_BYTES
}
