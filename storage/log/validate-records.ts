import { type Rejection, reject } from '../../protocol/error-codes.ts'
import { latestOfPlainRecords, PLAIN_RECORD_BYTES } from '../../protocol/records/plain-records.ts'
import { NO_TIMESTAMP, type RecordBatch } from '../../protocol/records/record-batch.ts'
import { RecordCursor, type RecordFault, rejectionOf } from '../../protocol/records/record-reader.ts'
import { RecordScanner } from '../../protocol/records/record-scanner.ts'
import { completed, RECORD_COST_BYTES, STEP_BYTES } from '../../protocol/steps.ts'
import type { Offload } from '../host/host.ts'
import type { AppendContext, AppendRejection, LogConfig } from '../partition-log.ts'
import type { Sliced } from '../sliced-work.ts'
import { RecordErrors } from './record-errors.ts'
import { type CompressedBytes, eachPiece } from './scan-records.ts'

/** What validation found out about a batch's records. */
export interface CheckedRecords {
  /** Largest timestamp of all records; -1: none has one. */
  readonly maxTimestamp: number
}

/** Rules for the records, and their context. */
export interface RecordRules {
  readonly config: LogConfig
  readonly context: AppendContext
  readonly partition: string
  /** True if the batch is rebuilt from its records instead of stored as it is. */
  readonly isRebuilt: boolean
}

/**
 * Validates each record as Kafka does: its format, its key if the topic is compacted, and its timestamp bounds. The
 * header's count and largest timestamp are not trusted. uncompressed: all of the records. Source: LogValidator.
 */
export function checkRecords(
  batch: RecordBatch,
  uncompressed: Buffer,
  rules: RecordRules,
): CheckedRecords | AppendRejection {
  return checkPlainRecords(batch, uncompressed, rules) ?? completed(checkInSteps(batch, uncompressed, rules))
}

/** The fast path, enough for nearly all batches. undefined if it cannot decide. */
function checkPlainRecords(batch: RecordBatch, uncompressed: Buffer, rules: RecordRules): CheckedRecords | undefined {
  if (rules.isRebuilt || mustSeeEach(batch, rules)) return undefined
  if (batch.isCompressed && rules.config.maxDecompressedMessageBytes < PLAIN_RECORD_BYTES) return undefined
  const latestDelta = latestOfPlainRecords(uncompressed, batch.count, batch.isCompressed)
  if (latestDelta === undefined) return undefined
  const maxTimestamp = Math.max(NO_TIMESTAMP, batch.baseTimestamp + latestDelta)
  return timestampsAreFine(maxTimestamp, rules) ? { maxTimestamp } : undefined
}

/** True if the batch's largest timestamp is not enough to check all of its records. */
function mustSeeEach(batch: RecordBatch, { config, context }: RecordRules): boolean {
  if (batch.timestampType === 'LogAppendTime' || config.cleanupPolicy.includes('compact')) return true
  return config.messageTimestampType === 'CreateTime' && config.messageTimestampBeforeMaxMs < context.nowMs
}

function timestampsAreFine(maxTimestamp: number, { config, context }: RecordRules): boolean {
  if (config.messageTimestampType === 'LogAppendTime') return true
  return maxTimestamp - context.nowMs <= config.messageTimestampAfterMaxMs
}

/** The same for many records, without the fast path. */
export function* checkInSteps(
  batch: RecordBatch,
  uncompressed: Buffer,
  rules: RecordRules,
): Sliced<CheckedRecords | AppendRejection> {
  const largestBytes = batch.isCompressed ? rules.config.maxDecompressedMessageBytes : undefined
  const cursor = new RecordCursor(batch, uncompressed, largestBytes)
  const isReadInPart = batch.isCompressed && !rules.isRebuilt
  const errors = new RecordErrors(batch, rules, isReadInPart)
  let maxTimestamp = NO_TIMESTAMP
  let refusal: Rejection | undefined
  let cost = 0
  for (let index = 0; cursor.next(); index++) {
    errors.check(cursor)
    if (cursor.timestamp > maxTimestamp) maxTimestamp = cursor.timestamp
    if (isReadInPart && cursor.offsetDelta !== index) refusal ??= outOfPlace()
    if (rules.isRebuilt && cursor.timestamp < NO_TIMESTAMP) refusal ??= negativeTimestamp(cursor.timestamp)
    cost += cursor.sizeBytes + RECORD_COST_BYTES / 2
    if (cost < STEP_BYTES) continue
    yield cost
    cost = 0
  }
  if (cursor.fault !== undefined) return rejectionOf(cursor.fault)
  return errors.rejection() ?? refusal ?? { maxTimestamp }
}

/**
 * The same for a compressed batch stored as it is, during decompression. Uses bounded memory, however large the content
 * is.
 */
export function* scanRecords(
  batch: RecordBatch,
  rules: RecordRules,
  offload: Offload,
  seesEach = mustSeeEach(batch, rules),
): Sliced<CheckedRecords | AppendRejection> {
  const errors = seesEach ? new RecordErrors(batch, rules, true) : undefined
  let maxTimestamp = NO_TIMESTAMP
  const scanner = new RecordScanner(batch, {
    largestRecordBytes: rules.config.maxDecompressedMessageBytes,
    onRecord:
      errors &&
      ((record) => {
        errors.check(record)
        if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp
      }),
  })
  const fault: RecordFault | undefined = yield* eachPiece(contentOf(batch), offload, (piece) => {
    scanner.feed(piece)
    return scanner.fault === undefined
  })
  const wrong = fault ?? scanner.end()
  if (wrong !== undefined) return rejectionOf(wrong)
  if (errors === undefined) {
    maxTimestamp = Math.max(NO_TIMESTAMP, batch.baseTimestamp + scanner.latestTimestampDelta)
    // Scans again, to find the invalid records.
    if (!timestampsAreFine(maxTimestamp, rules)) return yield* scanRecords(batch, rules, offload, true)
  }
  return errors?.rejection() ?? (scanner.isDense ? { maxTimestamp } : outOfPlace())
}

/** The records of a compressed batch. */
export function contentOf(batch: RecordBatch): CompressedBytes {
  return { bytes: batch.recordBytes, compression: batch.compression, magic: 2 }
}

/** Kafka means to assign new offsets here, and fails: it has not read the keys and values. */
function outOfPlace(): Rejection {
  return reject('UNKNOWN_SERVER_ERROR', 'Offsets inside of a compressed batch do not count from 0')
}

/** Kafka reads these records but cannot write them. */
function negativeTimestamp(timestamp: number): Rejection {
  return reject('UNKNOWN_SERVER_ERROR', `Invalid negative timestamp ${timestamp}`)
}
