import type { CompressionName } from '../compression/codec.ts'
import { codecNamed } from '../compression/codecs.ts'
import { invariant } from '../invariant.ts'
import {
  BATCH_HEADER_BYTES,
  NO_PARTITION_LEADER_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  NO_TIMESTAMP,
  type TimestampType,
  writeBatchHeader,
} from './record-batch.ts'
import { sizeOfVarlong, writeVarlong } from './varint.ts'

/** A record to write. Text is written in UTF-8. */
export interface NewRecord {
  /** Omitted: the previous record's offset plus one; for the first record, the batch's baseOffset. */
  readonly offset?: number
  /** Milliseconds; -1: none. Omitted: the batch's timestampMs. */
  readonly timestamp?: number
  readonly key?: Uint8Array | string | null
  readonly value?: Uint8Array | string | null
  readonly headers?: readonly { readonly key: Uint8Array | string; readonly value: Uint8Array | string | null }[]
}

/** Other header fields of a batch. All are optional. */
export interface BatchOptions {
  readonly baseOffset?: number
  /** Omitted: the last record's offset. Compaction keeps the old value when it drops the last records. */
  readonly lastOffset?: number
  readonly partitionLeaderEpoch?: number
  readonly compression?: CompressionName
  /** In the range of Kafka's `compression.<name>.level`. */
  readonly compressionLevel?: number
  /** Set: the batch is of type LogAppendTime and all its records have this time. */
  readonly logAppendTimeMs?: number
  /** Of records without a timestamp. Omitted: -1. */
  readonly timestampMs?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
  readonly control?: boolean
  /** Replaces the base timestamp (KIP-534). */
  readonly deleteHorizonMs?: number
}

/** Builds a v2 batch of at least one record with rising offsets. Source: MemoryRecordsBuilder. */
export function buildBatch(records: readonly NewRecord[], options: BatchOptions = {}): Buffer {
  invariant(records.length > 0, 'a batch without records is built by buildEmptyBatch')
  const { baseOffset = 0, compression = 'none', timestampMs = NO_TIMESTAMP } = options
  const baseTimestamp = options.deleteHorizonMs ?? records[0]!.timestamp ?? timestampMs
  const prepared = prepare(records, baseOffset, baseTimestamp, timestampMs)
  const batch = compression === 'none' ? withHeaderRoom(prepared) : compressed(prepared, compression, options)
  const lastOffset = options.lastOffset ?? baseOffset + prepared.records.at(-1)!.offsetDelta
  writeBatchHeader(batch, {
    baseTimestamp,
    lastOffsetDelta: lastOffset - baseOffset,
    compression: codecNamed(compression).id,
    maxTimestamp: options.logAppendTimeMs ?? prepared.maxTimestamp,
    count: records.length,
    ...headerFields(options),
  })
  return batch
}

/**
 * Builds a batch without records. Compaction keeps one to preserve a producer's last sequence. Source:
 * DefaultRecordBatch.writeEmptyHeader.
 */
export function buildEmptyBatch(
  options: BatchOptions & {
    readonly lastOffset: number
    readonly maxTimestamp: number
    readonly timestampType: TimestampType
  },
): Buffer {
  const batch = Buffer.alloc(BATCH_HEADER_BYTES)
  writeBatchHeader(batch, {
    baseTimestamp: NO_TIMESTAMP,
    lastOffsetDelta: options.lastOffset - (options.baseOffset ?? 0),
    compression: 0,
    maxTimestamp: options.maxTimestamp,
    count: 0,
    ...headerFields(options),
    timestampType: options.timestampType,
    hasDeleteHorizon: false,
  })
  return batch
}

/** Header fields that the options alone decide. */
export function headerFields(options: BatchOptions) {
  return {
    baseOffset: options.baseOffset ?? 0,
    partitionLeaderEpoch: options.partitionLeaderEpoch ?? NO_PARTITION_LEADER_EPOCH,
    timestampType: options.logAppendTimeMs === undefined ? ('CreateTime' as const) : ('LogAppendTime' as const),
    transactional: options.transactional ?? false,
    control: options.control ?? false,
    hasDeleteHorizon: options.deleteHorizonMs !== undefined,
    producerId: options.producerId ?? NO_PRODUCER_ID,
    producerEpoch: options.producerEpoch ?? NO_PRODUCER_EPOCH,
    baseSequence: options.baseSequence ?? NO_SEQUENCE,
  }
}

interface PreparedHeader {
  readonly key: Uint8Array
  readonly value: Uint8Array | null
}

interface PreparedRecord {
  readonly offsetDelta: number
  readonly timestampDelta: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly PreparedHeader[]
  /** The value of the length field. */
  readonly bodyBytes: number
}

const noHeaders: readonly PreparedHeader[] = []

interface Prepared {
  readonly records: readonly PreparedRecord[]
  readonly maxTimestamp: number
  readonly sizeBytes: number
}

function prepare(
  records: readonly NewRecord[],
  baseOffset: number,
  baseTimestamp: number,
  timestampMs: number,
): Prepared {
  let offset = baseOffset
  let maxTimestamp = NO_TIMESTAMP
  let sizeBytes = 0
  const prepared: PreparedRecord[] = []
  for (const record of records) {
    offset = record.offset ?? offset
    const timestamp = record.timestamp ?? timestampMs
    const one = prepareRecord(record, offset - baseOffset, timestamp - baseTimestamp)
    prepared.push(one)
    sizeBytes += sizeOfVarlong(one.bodyBytes) + one.bodyBytes
    maxTimestamp = Math.max(maxTimestamp, timestamp)
    offset++
  }
  return { records: prepared, maxTimestamp, sizeBytes }
}

function prepareRecord(record: NewRecord, offsetDelta: number, timestampDelta: number): PreparedRecord {
  const key = bytesOf(record.key)
  const value = bytesOf(record.value)
  const headers =
    record.headers?.map((header) => ({ key: bytesOf(header.key)!, value: bytesOf(header.value) })) ?? noHeaders
  let bodyBytes = 1 + sizeOfVarlong(timestampDelta) + sizeOfVarlong(offsetDelta) + sizeOfField(key) + sizeOfField(value)
  bodyBytes += sizeOfVarlong(headers.length)
  for (const header of headers) bodyBytes += sizeOfField(header.key) + sizeOfField(header.value)
  return { offsetDelta, timestampDelta, key, value, headers, bodyBytes }
}

function bytesOf(value: Uint8Array | string | null | undefined): Uint8Array | null {
  return typeof value === 'string' ? Buffer.from(value) : (value ?? null)
}

function sizeOfField(field: Uint8Array | null): number {
  return field === null ? 1 : sizeOfVarlong(field.length) + field.length
}

function withHeaderRoom(prepared: Prepared): Buffer {
  const batch = Buffer.allocUnsafe(BATCH_HEADER_BYTES + prepared.sizeBytes)
  writeRecords(batch, BATCH_HEADER_BYTES, prepared)
  return batch
}

function compressed(prepared: Prepared, compression: CompressionName, options: BatchOptions): Buffer {
  const records = Buffer.allocUnsafe(prepared.sizeBytes)
  writeRecords(records, 0, prepared)
  const body = codecNamed(compression).compress(records, options.compressionLevel)
  const batch = Buffer.allocUnsafe(BATCH_HEADER_BYTES + body.length)
  batch.set(body, BATCH_HEADER_BYTES)
  return batch
}

function writeRecords(bytes: Buffer, start: number, prepared: Prepared): void {
  let position = start
  for (const record of prepared.records) position = writeRecord(bytes, position, record)
}

function writeRecord(bytes: Buffer, start: number, record: PreparedRecord): number {
  let position = writeVarlong(bytes, start, record.bodyBytes)
  bytes[position++] = 0
  position = writeVarlong(bytes, position, record.timestampDelta)
  position = writeVarlong(bytes, position, record.offsetDelta)
  position = writeField(bytes, position, record.key)
  position = writeField(bytes, position, record.value)
  position = writeVarlong(bytes, position, record.headers.length)
  for (const header of record.headers) {
    position = writeField(bytes, writeField(bytes, position, header.key), header.value)
  }
  return position
}

function writeField(bytes: Buffer, position: number, field: Uint8Array | null): number {
  if (field === null) return writeVarlong(bytes, position, -1)
  const start = writeVarlong(bytes, position, field.length)
  bytes.set(field, start)
  return start + field.length
}
