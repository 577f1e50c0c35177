import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { invariant } from '../../protocol/invariant.ts'
import { convertToBatch } from '../../protocol/records/conversion.ts'
import { batchesOf, NO_PRODUCER_ID, RecordBatch } from '../../protocol/records/record-batch.ts'
import {
  DEFAULT_DECOMPRESSED_LIMIT_BYTES,
  RecordFault,
  rejectionOf,
  uncompressedRecords,
} from '../../protocol/records/record-reader.ts'
import type { Offload } from '../host/host.ts'
import type { AppendContext, AppendRejection, LogConfig } from '../partition-log.ts'
import { hasValidChecksum, hasValidOffsets } from '../segment/stored-batch.ts'
import type { Sliced } from '../sliced-work.ts'
import { recompress, targetCompressionOf } from './recompression.ts'
import { wholeContent } from './scan-records.ts'
import { type CheckedRecords, checkRecords, type RecordRules, scanRecords } from './validate-records.ts'

/** First version of Produce with format v2, and first that may use zstd. */
const FIRST_PRODUCE_VERSION_OF_V2 = 3
const FIRST_PRODUCE_VERSION_OF_ZSTD = 7
const ZSTD_ID = 4
const NO_BATCHES: readonly RecordBatch[] = []

/** Validated batches, and the values for their headers. */
export interface ValidatedBatches {
  readonly batches: readonly RecordBatch[]
  readonly sizeBytes: number
  /** Largest timestamp of all records; -1: none has one. */
  readonly maxTimestamp: number
  /** -1 unless message.timestamp.type is LogAppendTime. */
  readonly logAppendTimeMs: number
  /** True if the memory is not the request's any more. */
  readonly rewritten: boolean
}

/**
 * Validates batches for an append and decides their timestamps. Writes the timestamps into the headers, and new
 * checksums if that changes something, but no offsets yet. Error codes, messages and order of the checks are those of
 * UnifiedLog.analyzeAndValidateRecords, then LogValidator.
 */
export function validateBatches(
  records: Buffer,
  config: LogConfig,
  context: AppendContext,
  partition: string,
): ValidatedBatches | AppendRejection {
  const work = validateInSlices(records, config, context, partition, atOnce)
  const { value, done } = work.next()
  invariant(done === true, 'what is done at once has no slices')
  return value as ValidatedBatches | AppendRejection
}

/** How compressed batches are decompressed. */
export interface ContentAccess {
  readonly offload: Offload
  /** Largest content that is decompressed at once; larger content is decompressed in slices. */
  readonly atOnceBytes: number
  /** Called after content was decompressed at once. */
  readonly noteAtOnce: (bytes: number) => void
}

/** Decompresses everything at once. */
export const atOnce: ContentAccess = {
  offload: { decompress: () => undefined, compress: () => undefined },
  atOnceBytes: Number.POSITIVE_INFINITY,
  noteAtOnce: () => {},
}

/** The same, but yields to the event loop if there is much to decompress. Takes the first step at once. */
export function* validateInSlices(
  records: Buffer,
  config: LogConfig,
  context: AppendContext,
  partition: string,
  access: ContentAccess,
): Sliced<ValidatedBatches | AppendRejection> {
  const received = batchesAppended(records, context)
  if (isRejection(received)) return received
  const refused = checkShape(received, config, context, partition)
  if (refused !== undefined) return refused
  return context.origin === 'replication'
    ? asReplicated(received, partition)
    : yield* asLeader(received, config, context, partition, access)
}

/**
 * The batches of a request, in format v2; those of very old clients are converted. Source:
 * ProduceRequest.validateRecords.
 */
function batchesAppended(records: Buffer, context: AppendContext): readonly RecordBatch[] | AppendRejection {
  const { produceVersion } = context
  if (isOldFormat(context)) return converted(records)
  const { batches, corruption } = batchesOf(records)
  if (corruption !== undefined) return reject('CORRUPT_MESSAGE', corruption)
  return (produceVersion === undefined ? undefined : checkRequest(batches, produceVersion)) ?? batches
}

function isOldFormat({ produceVersion }: AppendContext): boolean {
  return produceVersion !== undefined && produceVersion < FIRST_PRODUCE_VERSION_OF_V2
}

function converted(messageSet: Buffer): readonly RecordBatch[] | Rejection {
  const bytes = convertToBatch(messageSet)
  return isRejection(bytes) ? bytes : [new RecordBatch(bytes)]
}

function checkRequest(batches: readonly RecordBatch[], produceVersion: number): AppendRejection | undefined {
  const first = batches[0]
  const refuse = (why: string) =>
    Object.assign(reject('INVALID_RECORD', `Produce requests with version ${produceVersion} ${why}`), {
      ofRequest: true,
    })
  if (first === undefined) return refuse('must have at least one record batch per partition')
  if (first.magic !== 2) return refuse('are only allowed to contain record batches with magic version 2')
  if (produceVersion < FIRST_PRODUCE_VERSION_OF_ZSTD && first.compression === ZSTD_ID) {
    const why = `Produce requests with version ${produceVersion} are not allowed to use ZStandard compression`
    return Object.assign(reject('UNSUPPORTED_COMPRESSION_TYPE', why), { ofRequest: true })
  }
  return batches.length > 1 ? refuse('are only allowed to contain exactly one record batch per partition') : undefined
}

/** Checks sizes, checksums and the fields of each header. */
function checkShape(
  batches: readonly RecordBatch[],
  config: LogConfig,
  { origin }: AppendContext,
  partition: string,
): Rejection | undefined {
  for (const batch of batches) {
    if (origin === 'client' && batch.baseOffset !== 0) {
      return reject(
        'INVALID_RECORD',
        `The baseOffset of the record batch in the append to ${partition} should be 0, but it is ${batch.baseOffset}`,
      )
    }
    if (origin !== 'replication' && batch.sizeBytes > config.maxMessageBytes) {
      return reject(
        'MESSAGE_TOO_LARGE',
        `The record batch size in the append to ${partition} is ${batch.sizeBytes} bytes which exceeds the maximum configured value of ${config.maxMessageBytes}.`,
      )
    }
    if (!hasValidChecksum(batch)) {
      return reject('CORRUPT_MESSAGE', `Record is corrupt (stored crc = ${batch.crc}) in topic partition ${partition}.`)
    }
  }
  return undefined
}

/** Batches that a leader has validated keep their offsets, which must rise. */
function asReplicated(batches: readonly RecordBatch[], partition: string): ValidatedBatches | Rejection {
  let maxTimestamp = -1
  let sizeBytes = 0
  let nextOffset = -1
  for (const batch of batches) {
    if (batch.isLegacy || !hasValidOffsets(batch) || batch.baseOffset < nextOffset) {
      return reject('CORRUPT_MESSAGE', `Out of order offsets found in append to ${partition}`)
    }
    nextOffset = batch.nextOffset
    maxTimestamp = Math.max(maxTimestamp, batch.maxTimestamp)
    sizeBytes += batch.sizeBytes
  }
  return { batches, sizeBytes, maxTimestamp, logAppendTimeMs: -1, rewritten: false }
}

function* asLeader(
  received: readonly RecordBatch[],
  config: LogConfig,
  context: AppendContext,
  partition: string,
  access: ContentAccess,
): Sliced<ValidatedBatches | AppendRejection> {
  const first = received[0]
  if (first === undefined) return emptyPlan
  if (received.length > 1 && context.origin === 'client') {
    return reject('INVALID_RECORD', 'Compressed outer record has more than one batch')
  }
  const isLogAppendTime = config.messageTimestampType === 'LogAppendTime'
  const batches: RecordBatch[] = []
  let sizeBytes = 0
  let maxTimestamp = -1
  let rewritten = isOldFormat(context)
  for (const batch of received) {
    const refused = context.origin === 'client' ? checkClientHeader(batch, partition) : undefined
    if (refused !== undefined) return refused
    const target = targetCompressionOf(batch, config)
    const isRecompressed = target !== batch.compression
    const rules = { config, context, partition, isRebuilt: isRecompressed }
    const isPlain = !batch.isCompressed && !isRecompressed
    const looked = isPlain ? lookIntoPlain(batch, rules) : yield* lookInto(batch, rules, access)
    if (isRejection(looked)) return looked
    const { checked, stored } = looked
    if (isRecompressed && stored.sizeBytes > config.maxMessageBytes) return tooLargeAfter(stored, config, partition)
    rewritten ||= isRecompressed
    const latest = setTimestamps(stored, checked, isLogAppendTime, context.nowMs)
    batches.push(stored)
    maxTimestamp = Math.max(maxTimestamp, latest)
    sizeBytes += stored.sizeBytes
  }
  return { batches, sizeBytes, maxTimestamp, logAppendTimeMs: isLogAppendTime ? context.nowMs : -1, rewritten }
}

interface LookedInto {
  readonly checked: CheckedRecords
  /** The batch itself, or the same records recompressed. */
  readonly stored: RecordBatch
}

function lookIntoPlain(batch: RecordBatch, rules: RecordRules): LookedInto | AppendRejection {
  const checked = checkRecords(batch, batch.recordBytes, rules)
  return isRejection(checked) ? checked : { checked, stored: batch }
}

function* lookInto(
  batch: RecordBatch,
  rules: RecordRules,
  { offload, atOnceBytes, noteAtOnce }: ContentAccess,
): Sliced<LookedInto | AppendRejection> {
  let content = batch.recordBytes.length <= atOnceBytes ? contentAtOnce(batch, atOnceBytes) : undefined
  if (content === undefined) {
    yield batch.sizeBytes
    if (!rules.isRebuilt) {
      const checked = yield* scanRecords(batch, rules, offload)
      return isRejection(checked) ? checked : { checked, stored: batch }
    }
    content = yield* wholeContent(batch, offload)
  }
  if (content instanceof RecordFault) return rejectionOf(content)
  noteAtOnce(content.length)
  const checked = checkRecords(batch, content, rules)
  if (isRejection(checked)) return checked
  const isSmall = content.length <= atOnceBytes
  const stored = rules.isRebuilt
    ? yield* recompress(batch, content, rules.config, isSmall ? undefined : offload)
    : batch
  return isRejection(stored) ? stored : { checked, stored }
}

/** undefined if the content is too large to decompress at once. */
function contentAtOnce(batch: RecordBatch, atOnceBytes: number): Buffer | RecordFault | undefined {
  const content = uncompressedRecords(batch, Math.min(atOnceBytes, DEFAULT_DECOMPRESSED_LIMIT_BYTES))
  const isMore = content instanceof RecordFault && content.kind === 'too large'
  return isMore && atOnceBytes < DEFAULT_DECOMPRESSED_LIMIT_BYTES ? undefined : content
}

const emptyPlan: ValidatedBatches = {
  batches: NO_BATCHES,
  sizeBytes: 0,
  maxTimestamp: -1,
  logAppendTimeMs: -1,
  rewritten: false,
}

function setTimestamps(batch: RecordBatch, checked: CheckedRecords, isLogAppendTime: boolean, nowMs: number): number {
  const maxTimestamp = isLogAppendTime ? nowMs : checked.maxTimestamp
  batch.setMaxTimestamp(isLogAppendTime ? 'LogAppendTime' : 'CreateTime', maxTimestamp)
  return maxTimestamp
}

function tooLargeAfter(batch: RecordBatch, config: LogConfig, partition: string): Rejection {
  return reject(
    'MESSAGE_TOO_LARGE',
    `Message batch size is ${batch.sizeBytes} bytes in append to partition ${partition} which exceeds the maximum configured size of ${config.maxMessageBytes}.`,
  )
}

/** Checks for errors that only clients can make. Source: LogValidator.validateBatch. */
function checkClientHeader(batch: RecordBatch, partition: string): Rejection | undefined {
  const where = `in topic partition ${partition}`
  const { baseOffset, lastOffset, count } = batch
  const countFromOffsets = lastOffset - baseOffset + 1
  const refuse = (why: string) => reject('INVALID_RECORD', `${why} ${where}`)
  if (countFromOffsets <= 0) return refuse(`Batch has an invalid offset range: [${baseOffset}, ${lastOffset}]`)
  if (count <= 0) return refuse(`Invalid reported count for record batch: ${count}`)
  if (countFromOffsets !== count) {
    return refuse(`Inconsistent batch offset range [${baseOffset}, ${lastOffset}] and count of records ${count}`)
  }
  if (batch.isControl) return refuse('Clients are not allowed to write control records')
  if (batch.producerId > NO_PRODUCER_ID && batch.baseSequence < 0) {
    return refuse(`Invalid sequence number ${batch.baseSequence} in record batch with producerId ${batch.producerId}`)
  }
  return undefined
}
