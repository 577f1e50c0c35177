import type { CompressionName } from '../compression/codec.ts'
import { codecOf } from '../compression/codecs.ts'
import { type Rejection, reject } from '../error-codes.ts'
import { buildBatch } from './batch-builder.ts'
import { buildMessageSet } from './legacy-builder.ts'
import { type LegacyBatch, readLegacyBatch } from './legacy-messages.ts'
import { batchesOf, type RecordBatch, type TimestampType } from './record-batch.ts'
import {
  DEFAULT_DECOMPRESSED_LIMIT_BYTES,
  type LogRecord,
  RecordFault,
  readRecords,
  rejectionOf,
} from './record-reader.ts'

/**
 * Converts a message set of format v0 or v1, from a produce request of an old client, to one v2 batch. Offsets count
 * from 0; timestamps and compression are kept. A cut message at the end is left out. The remaining checks (keys,
 * timestamps, sizes) run on the batch. Source: LogValidator.
 */
export function convertToBatch(
  messageSet: Buffer,
  limitBytes: number = DEFAULT_DECOMPRESSED_LIMIT_BYTES,
): Buffer | Rejection {
  const { batches, corruption } = batchesOf(messageSet)
  if (corruption !== undefined) return reject('CORRUPT_MESSAGE', corruption)
  const legacy: LegacyBatch[] = []
  for (const batch of batches) {
    if (batch.magic !== batches[0]!.magic) return mixedMagic(batch.magic, batches[0]!.magic)
    const read = readLegacyBatch(batch, limitBytes)
    if (read instanceof RecordFault) return rejectionOf(read)
    legacy.push(read)
  }
  if (legacy.length === 0) return reject('INVALID_RECORD', 'Record batch has no batches at all')
  const wrapper = legacy.find((batch) => batch.compression !== 0)
  if (wrapper !== undefined && legacy.length > 1) {
    return reject('INVALID_RECORD', 'Compressed outer record has more than one batch')
  }
  return batchOf(legacy, nameOf(wrapper?.compression ?? 0))
}

function mixedMagic(magic: number, first: number): Rejection {
  return reject('INVALID_RECORD', `Batch magic ${magic} is not the same as the first batch's magic byte ${first}`)
}

function batchOf(legacy: readonly LegacyBatch[], compression: CompressionName): Buffer {
  const records = legacy.flatMap((batch) =>
    batch.records.map(({ timestamp, key, value }) => ({ timestamp, key, value })),
  )
  const hasLogAppendTime = legacy.some((batch) => batch.timestampType === 'LogAppendTime')
  const latest = records.reduce((time, record) => Math.max(time, record.timestamp), -1)
  return buildBatch(records, { compression, ...(hasLogAppendTime && { logAppendTimeMs: latest }) })
}

/**
 * Converts batches for a fetch by an old client, at most to format toMagic. Control batches and headers are dropped. Of
 * an uncompressed batch, only records from firstOffset on are sent: old clients do not expect earlier ones. Empty if
 * nothing is left. zstd: UNSUPPORTED_COMPRESSION_TYPE. Source: RecordsUtil.downConvert.
 */
export function convertDown(
  batches: readonly RecordBatch[],
  toMagic: 0 | 1,
  firstOffset: number,
  limitBytes: number = DEFAULT_DECOMPRESSED_LIMIT_BYTES,
): Buffer | Rejection {
  const parts: Buffer[] = []
  for (const batch of batches) {
    const part = batch.magic <= toMagic ? batch.bytes : convertOneDown(batch, toMagic, firstOffset, limitBytes)
    if (!Buffer.isBuffer(part)) return part
    parts.push(part)
  }
  return Buffer.concat(parts)
}

function convertOneDown(batch: RecordBatch, magic: 0 | 1, firstOffset: number, limitBytes: number): Buffer | Rejection {
  if (!batch.isLegacy && batch.isControl) return NOTHING
  const content = readAny(batch, limitBytes)
  if (content instanceof RecordFault) return rejectionOf(content)
  const { compression, timestampType } = content
  if (compression === 'zstd') {
    return reject('UNSUPPORTED_COMPRESSION_TYPE', 'Down-conversion of zstandard-compressed batches is not supported')
  }
  const records =
    compression === 'none' ? content.records.filter((record) => record.offset >= firstOffset) : content.records
  if (records.length === 0) return NOTHING
  const logAppendTime = timestampType === 'LogAppendTime' ? { logAppendTimeMs: records[0]!.timestamp } : {}
  return buildMessageSet(records, { magic, compression, ...logAppendTime })
}

const NOTHING = Buffer.alloc(0)

interface BatchContent {
  readonly compression: CompressionName
  readonly timestampType: TimestampType
  readonly records: readonly LogRecord[]
}

function readAny(batch: RecordBatch, limitBytes: number): BatchContent | RecordFault {
  if (batch.isLegacy) {
    const read = readLegacyBatch(batch, limitBytes)
    return read instanceof RecordFault ? read : { ...read, compression: nameOf(read.compression) }
  }
  const compression = nameOf(batch.compression)
  // convertOneDown refuses zstd by its name, so the content is not read.
  if (compression === 'zstd') return { compression, timestampType: batch.timestampType, records: [] }
  const records = readRecords(batch, limitBytes)
  return records instanceof RecordFault ? records : { compression, timestampType: batch.timestampType, records }
}

function nameOf(compression: number): CompressionName {
  return codecOf(compression)?.name ?? 'none'
}
