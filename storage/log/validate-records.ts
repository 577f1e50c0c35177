import { type Rejection, reject } from '../../protocol/error-codes.ts'
import { latestOfPlainRecords } from '../../protocol/records/plain-records.ts'
import { NO_TIMESTAMP, type RecordBatch } from '../../protocol/records/record-batch.ts'
import {
  DEFAULT_DECOMPRESSED_LIMIT_BYTES,
  RecordCursor,
  RecordFault,
  rejectionOf,
  uncompressedRecords,
} from '../../protocol/records/record-reader.ts'
import type { AppendContext, AppendRejection, LogConfig } from '../partition-log.ts'

/** Default of max.decompressed.message.bytes: no record is larger. */
const NO_RECORD_LIMIT_BYTES = 2_147_483_639

/** What the records of a batch told. */
export interface CheckedRecords {
  /** -1: none has a timestamp. */
  readonly maxTimestamp: number
}

interface RecordError {
  readonly batchIndex: number
  readonly message: string
}

/**
 * Checks what Kafka checks of each record: that it is one, that it has a key where the topic is compacted, and that its
 * timestamp is within the bounds. Compressed records are only looked at where the header does not tell.
 * Source: LogValidator.validateRecord.
 */
export function checkRecords(
  batch: RecordBatch,
  config: LogConfig,
  context: AppendContext,
  partition: string,
  mustLook: boolean,
): CheckedRecords | AppendRejection {
  if (batch.isCompressed && !mustLook && headerTellsAll(batch, config, context)) {
    return { maxTimestamp: batch.maxTimestamp }
  }
  const uncompressed = uncompressedRecords(batch, DEFAULT_DECOMPRESSED_LIMIT_BYTES)
  if (uncompressed instanceof RecordFault) return rejectionOf(uncompressed)
  const latestDelta = latestTimestampDelta(batch, uncompressed, config)
  if (latestDelta instanceof RecordFault) return rejectionOf(latestDelta)
  const maxTimestamp = maxTimestampOf(batch, latestDelta)
  const isClean = timestampsAreFine(batch, maxTimestamp, config, context) && !config.cleanupPolicy.includes('compact')
  return (isClean ? undefined : findErrors(batch, uncompressed, config, context, partition)) ?? { maxTimestamp }
}

function latestTimestampDelta(batch: RecordBatch, uncompressed: Buffer, config: LogConfig): number | RecordFault {
  const plain = batch.isCompressed ? undefined : latestOfPlainRecords(uncompressed, batch.count)
  if (plain !== undefined) return plain
  const cursor = new RecordCursor(
    batch,
    uncompressed,
    batch.isCompressed ? config.maxDecompressedMessageBytes : undefined,
  )
  let latest = Number.NEGATIVE_INFINITY
  while (cursor.next()) if (cursor.timestampDelta > latest) latest = cursor.timestampDelta
  return cursor.fault ?? latest
}

function maxTimestampOf(batch: RecordBatch, latestDelta: number): number {
  if (batch.timestampType === 'LogAppendTime') return batch.maxTimestamp
  return Math.max(NO_TIMESTAMP, batch.baseTimestamp + latestDelta)
}

/** Goes over the records once more, to tell which are at fault. */
function findErrors(
  batch: RecordBatch,
  uncompressed: Buffer,
  config: LogConfig,
  context: AppendContext,
  partition: string,
): AppendRejection | undefined {
  const cursor = new RecordCursor(batch, uncompressed)
  const errors = new RecordErrors(batch, config, context, partition)
  while (cursor.next()) errors.check(cursor)
  return errors.rejection()
}

/** True where no record of a compressed batch can be at fault, if its header is right about the latest of them. */
function headerTellsAll(batch: RecordBatch, config: LogConfig, context: AppendContext): boolean {
  if (config.maxDecompressedMessageBytes < NO_RECORD_LIMIT_BYTES || config.cleanupPolicy.includes('compact'))
    return false
  return timestampsAreFine(batch, batch.maxTimestamp, config, context)
}

/** True where no timestamp up to the latest can be out of bounds. */
function timestampsAreFine(
  batch: RecordBatch,
  maxTimestamp: number,
  config: LogConfig,
  { nowMs }: AppendContext,
): boolean {
  if (batch.timestampType === 'LogAppendTime') return false
  if (config.messageTimestampType === 'LogAppendTime') return true
  return config.messageTimestampBeforeMaxMs >= nowMs && maxTimestamp - nowMs <= config.messageTimestampAfterMaxMs
}

/** Collects what is wrong with single records. */
class RecordErrors {
  readonly #batch: RecordBatch
  readonly #config: LogConfig
  readonly #nowMs: number
  readonly #partition: string
  readonly #needsKey: boolean
  #index = 0
  #errors: RecordError[] | undefined
  #hasInvalidTimestamp = false

  constructor(batch: RecordBatch, config: LogConfig, { nowMs }: AppendContext, partition: string) {
    this.#batch = batch
    this.#config = config
    this.#nowMs = nowMs
    this.#partition = partition
    this.#needsKey = config.cleanupPolicy.includes('compact')
  }

  check(record: RecordCursor): void {
    const batchIndex = this.#index++
    if (this.#needsKey && !record.hasKey) {
      this.#add({
        batchIndex,
        message: `Compacted topic cannot accept message without key in topic partition ${this.#partition}`,
      })
    } else this.#checkTimestamp(record, batchIndex)
  }

  #checkTimestamp(record: RecordCursor, batchIndex: number): void {
    const { timestamp } = record
    if (this.#config.messageTimestampType === 'CreateTime' && timestamp !== NO_TIMESTAMP) {
      const { messageTimestampBeforeMaxMs: before, messageTimestampAfterMaxMs: after } = this.#config
      const age = this.#nowMs - timestamp
      if (age <= before && -age <= after) return
      this.#addTimestamp(
        batchIndex,
        `Timestamp ${timestamp} of message with offset ${record.offset} is out of range. The timestamp should be within [${this.#nowMs - before}, ${this.#nowMs + after}]`,
      )
    } else if (this.#batch.timestampType === 'LogAppendTime') {
      this.#addTimestamp(
        batchIndex,
        'Invalid timestamp type in message. Producer should not set timestamp type to LogAppendTime.',
      )
    }
  }

  #addTimestamp(batchIndex: number, message: string): void {
    this.#hasInvalidTimestamp = true
    this.#add({ batchIndex, message })
  }

  #add(error: RecordError): void {
    this.#errors ??= []
    this.#errors.push(error)
  }

  /** Source: LogValidator.processRecordErrors. */
  rejection(): AppendRejection | undefined {
    const recordErrors = this.#errors
    if (recordErrors === undefined) return undefined
    return withRecordErrors(
      this.#hasInvalidTimestamp
        ? reject('INVALID_TIMESTAMP', 'One or more records have been rejected due to invalid timestamp')
        : reject(
            'INVALID_RECORD',
            `One or more records have been rejected due to ${recordErrors.length} record errors in total, and only showing the first three errors at most: [${recordErrors.slice(0, 3).map(textOf).join(', ')}]`,
          ),
      recordErrors,
    )
  }
}

function withRecordErrors(rejection: Rejection, recordErrors: readonly RecordError[]): AppendRejection {
  return Object.assign(rejection, { recordErrors })
}

function textOf({ batchIndex, message }: RecordError): string {
  return `RecordError(batchIndex=${batchIndex}, message='${message}')`
}
