import { type Rejection, reject } from '../../protocol/error-codes.ts'
import { NO_TIMESTAMP, type RecordBatch } from '../../protocol/records/record-batch.ts'
import type { ScannedRecord } from '../../protocol/records/record-scanner.ts'
import type { AppendContext, AppendRejection, LogConfig } from '../partition-log.ts'

type CheckableRecord = Omit<ScannedRecord, 'offsetDelta'>

/** Most errors collected per batch. The records of a decompression bomb must not fill the memory with errors. */
const MOST_ERRORS = 20_000

interface RecordError {
  readonly batchIndex: number
  readonly message: string
}

/** Collects the errors of single records of a batch. Source: LogValidator.validateRecord. */
export class RecordErrors {
  readonly #config: LogConfig
  readonly #nowMs: number
  readonly #partition: string
  readonly #needsKey: boolean
  readonly #isStampedByProducer: boolean
  /** Kafka's name for a record whose key and value it did not read. */
  readonly #recordName: string
  #index = 0
  #errors: RecordError[] | undefined
  #hasInvalidTimestamp = false

  constructor(
    batch: RecordBatch,
    rules: { readonly config: LogConfig; readonly context: AppendContext; readonly partition: string },
    isReadInPart: boolean,
  ) {
    const { config } = rules
    this.#config = config
    this.#nowMs = rules.context.nowMs
    this.#partition = rules.partition
    this.#needsKey = config.cleanupPolicy.includes('compact')
    this.#isStampedByProducer = batch.timestampType === 'LogAppendTime'
    this.#recordName = isReadInPart ? 'PartialDefaultRecord' : 'DefaultRecord'
  }

  /** Must be called for each record, in order. */
  check(record: CheckableRecord): void {
    const batchIndex = this.#index++
    if (this.#needsKey && !record.hasKey) {
      this.#add({
        batchIndex,
        message: `Compacted topic cannot accept message without key in topic partition ${this.#partition}`,
      })
    } else this.#checkTimestamp(record, batchIndex)
  }

  #checkTimestamp(record: CheckableRecord, batchIndex: number): void {
    const { timestamp } = record
    if (this.#config.messageTimestampType === 'CreateTime' && timestamp !== NO_TIMESTAMP) {
      const { messageTimestampBeforeMaxMs: before, messageTimestampAfterMaxMs: after } = this.#config
      const age = this.#nowMs - timestamp
      if (age <= before && -age <= after) return
      this.#addTimestamp(
        batchIndex,
        `Timestamp ${timestamp} of message with offset ${record.offset} is out of range. The timestamp should be within [${this.#nowMs - before}, ${this.#nowMs + after}]`,
      )
    } else if (this.#isStampedByProducer) {
      this.#addTimestamp(
        batchIndex,
        `Invalid timestamp type in message ${this.#textOf(record)}. Producer should not set timestamp type to LogAppendTime.`,
      )
    }
  }

  #textOf({ offset, timestamp, keyLength, valueLength }: CheckableRecord): string {
    const [key, value] = [keyLength, valueLength].map((length) => `${Math.max(0, length)} bytes`)
    return `${this.#recordName}(offset=${offset}, timestamp=${timestamp}, key=${key}, value=${value})`
  }

  #addTimestamp(batchIndex: number, message: string): void {
    this.#hasInvalidTimestamp = true
    this.#add({ batchIndex, message })
  }

  #add(error: RecordError): void {
    this.#errors ??= []
    if (this.#errors.length < MOST_ERRORS) this.#errors.push(error)
  }

  /** undefined if there are no errors. Source: LogValidator.processRecordErrors. */
  rejection(): AppendRejection | undefined {
    const recordErrors = this.#errors
    if (recordErrors === undefined) return undefined
    const rejection: Rejection = this.#hasInvalidTimestamp
      ? reject('INVALID_TIMESTAMP', 'One or more records have been rejected due to invalid timestamp')
      : reject(
          'INVALID_RECORD',
          `One or more records have been rejected due to ${recordErrors.length} record errors in total, and only showing the first three errors at most: [${recordErrors.slice(0, 3).map(errorText).join(', ')}]`,
        )
    return Object.assign(rejection, { recordErrors })
  }
}

function errorText({ batchIndex, message }: RecordError): string {
  return `RecordError(batchIndex=${batchIndex}, message='${message}')`
}
