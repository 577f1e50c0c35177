import { type Rejection, reject } from '../../protocol/error-codes.ts'
import { latestOfPlainRecords, PLAIN_RECORD_BYTES } from '../../protocol/records/plain-records.ts'
import { NO_TIMESTAMP, type RecordBatch } from '../../protocol/records/record-batch.ts'
import {
  DEFAULT_DECOMPRESSED_LIMIT_BYTES,
  RecordCursor,
  RecordFault,
  rejectionOf,
  uncompressedRecords,
} from '../../protocol/records/record-reader.ts'
import type { AppendContext, AppendRejection, LogConfig } from '../partition-log.ts'
import { RecordErrors } from './record-errors.ts'

/** What the records of a batch told. */
export interface CheckedRecords {
  /** Largest of all records; -1: none has a timestamp. */
  readonly maxTimestamp: number
}

/**
 * Checks what Kafka checks of each record: that it is one, that it has a key where the topic is compacted, and that its
 * timestamp is within the bounds. Headers are not believed: not in their count, nor in their largest timestamp.
 * isRebuilt: the batch is not stored as it is, but made anew of its records. Source: LogValidator.
 */
export function checkRecords(
  batch: RecordBatch,
  config: LogConfig,
  context: AppendContext,
  partition: string,
  isRebuilt: boolean,
): CheckedRecords | AppendRejection {
  const uncompressed = uncompressedRecords(batch, DEFAULT_DECOMPRESSED_LIMIT_BYTES)
  if (uncompressed instanceof RecordFault) return rejectionOf(uncompressed)
  const plain = checkPlainRecords(batch, uncompressed, config, context, isRebuilt)
  return plain ?? checkEachRecord(batch, uncompressed, config, context, partition, isRebuilt)
}

/** The quick way for what nearly all batches hold. Undefined where it cannot tell. */
function checkPlainRecords(
  batch: RecordBatch,
  uncompressed: Buffer,
  config: LogConfig,
  context: AppendContext,
  isRebuilt: boolean,
): CheckedRecords | undefined {
  const isStampedByProducer = batch.timestampType === 'LogAppendTime'
  if (isRebuilt || isStampedByProducer || config.cleanupPolicy.includes('compact')) return undefined
  if (batch.isCompressed && config.maxDecompressedMessageBytes < PLAIN_RECORD_BYTES) return undefined
  const latestDelta = latestOfPlainRecords(uncompressed, batch.count, batch.isCompressed)
  if (latestDelta === undefined) return undefined
  const maxTimestamp = Math.max(NO_TIMESTAMP, batch.baseTimestamp + latestDelta)
  return timestampsAreFine(maxTimestamp, config, context) ? { maxTimestamp } : undefined
}

/** True where no timestamp up to the latest can be out of bounds. */
function timestampsAreFine(maxTimestamp: number, config: LogConfig, { nowMs }: AppendContext): boolean {
  if (config.messageTimestampType === 'LogAppendTime') return true
  return config.messageTimestampBeforeMaxMs >= nowMs && maxTimestamp - nowMs <= config.messageTimestampAfterMaxMs
}

function checkEachRecord(
  batch: RecordBatch,
  uncompressed: Buffer,
  config: LogConfig,
  context: AppendContext,
  partition: string,
  isRebuilt: boolean,
): CheckedRecords | AppendRejection {
  const largestBytes = batch.isCompressed ? config.maxDecompressedMessageBytes : undefined
  const cursor = new RecordCursor(batch, uncompressed, largestBytes)
  const isReadInPart = batch.isCompressed && !isRebuilt
  const errors = new RecordErrors(batch, config, context, partition, isReadInPart)
  let maxTimestamp = NO_TIMESTAMP
  let refusal: Rejection | undefined
  for (let index = 0; cursor.next(); index++) {
    errors.check(cursor)
    if (cursor.timestamp > maxTimestamp) maxTimestamp = cursor.timestamp
    if (isReadInPart && cursor.offsetDelta !== index) refusal ??= outOfPlace(cursor.offsetDelta, index)
    if (isRebuilt && cursor.timestamp < NO_TIMESTAMP) refusal ??= negativeTimestamp(cursor.timestamp)
  }
  if (cursor.fault !== undefined) return rejectionOf(cursor.fault)
  return errors.rejection() ?? refusal ?? { maxTimestamp }
}

/** Kafka means to give the records new offsets, and fails: it has not read their keys and values. */
function outOfPlace(offsetDelta: number, index: number): Rejection {
  return reject('UNKNOWN_SERVER_ERROR', `Record ${index} of a compressed batch has the relative offset ${offsetDelta}`)
}

/** Kafka reads such records and can write none. */
function negativeTimestamp(timestamp: number): Rejection {
  return reject('UNKNOWN_SERVER_ERROR', `Invalid negative timestamp ${timestamp}`)
}
