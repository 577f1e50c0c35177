import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { convertInSteps, hasWrapper } from '../../protocol/records/conversion.ts'
import { batchesOf, NO_PRODUCER_ID, RecordBatch } from '../../protocol/records/record-batch.ts'
import { RecordFault, rejectionOf } from '../../protocol/records/record-reader.ts'
import { completed } from '../../protocol/steps.ts'
import type { AppendContext, AppendRejection, LogConfig } from '../partition-log.ts'
import { hasValidChecksum, hasValidOffsets, lastOffsetOf, maxTimestampOf } from '../segment/stored-batch.ts'
import type { Sliced } from '../sliced-work.ts'
import { recompress, targetCompressionOf } from './recompression.ts'
import { atOnce, type ContentAccess, contentAtOnce, contentWork, withPlace } from './scan-records.ts'
import {
  type CheckedRecords,
  checkInSteps,
  checkRecords,
  contentOf,
  type RecordRules,
  scanRecords,
} from './validate-records.ts'

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
  return completed(validateInSlices(records, config, context, partition, atOnce))
}

/** The same, but yields to the event loop if there is much to decompress. Takes the first step at once. */
export function* validateInSlices(
  records: Buffer,
  config: LogConfig,
  context: AppendContext,
  partition: string,
  access: ContentAccess,
): Sliced<ValidatedBatches | AppendRejection> {
  const received = isOldFormat(context) ? yield* converted(records, access) : batchesAppended(records, context)
  if (isRejection(received)) return received
  const isTorn = yield* largeAreTorn(received, config)
  const refused = checkShape(received, config, context, { partition, isTorn })
  if (refused !== undefined) return refused
  return context.origin === 'replication'
    ? asReplicated(received, partition)
    : yield* asLeader(received, config, context, partition, access)
}

/** The batches of a request in format v2. Source: ProduceRequest.validateRecords. */
function batchesAppended(records: Buffer, { produceVersion }: AppendContext): readonly RecordBatch[] | AppendRejection {
  const most = produceVersion === undefined ? undefined : MOST_BATCHES_CHECKED
  const { batches, corruption } = batchesOf(records, 0, records.length, most)
  if (corruption !== undefined) return reject('CORRUPT_MESSAGE', corruption)
  return (produceVersion === undefined ? undefined : checkRequest(batches, produceVersion)) ?? batches
}

/** A second batch is an error already. */
const MOST_BATCHES_CHECKED = 2

function isOldFormat({ produceVersion }: AppendContext): boolean {
  return produceVersion !== undefined && produceVersion < FIRST_PRODUCE_VERSION_OF_V2
}

/** The batch of a very old client. */
function* converted(messageSet: Buffer, access: ContentAccess): Sliced<readonly RecordBatch[] | Rejection> {
  const isLarge = messageSet.length > access.atOnceBytes
  if (isLarge) yield messageSet.length
  else access.noteAtOnce(messageSet.length)
  const work = convertInSteps(messageSet, contentWork(access))
  // Small messages may have large content, too.
  const bytes = yield* hasWrapper(messageSet) || isLarge ? withPlace(access, work) : work
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

/** True for batches that are looked into in slices even if they are not compressed. */
function isLarge({ sizeBytes, isLegacy }: RecordBatch): boolean {
  return !isLegacy && sizeBytes > LARGE_BATCH_BYTES
}

/** Kafka's default of message.max.bytes, with room: a batch of that size takes a few milliseconds at most. */
const LARGE_BATCH_BYTES = 1_100_000

/** Whether the checksum of any large batch does not fit. */
function* largeAreTorn(batches: readonly RecordBatch[], { maxMessageBytes }: LogConfig): Sliced<boolean> {
  for (const batch of batches) {
    if (!isLarge(batch) || batch.sizeBytes > maxMessageBytes) continue
    if (!(yield* batch.hasValidCrcInSteps())) return true
  }
  return false
}

/** Checks sizes, checksums and the fields of each header. isTorn: the checksum of a large batch does not fit. */
function checkShape(
  batches: readonly RecordBatch[],
  config: LogConfig,
  { origin }: AppendContext,
  { partition, isTorn }: { readonly partition: string; readonly isTorn: boolean },
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
    if (isLarge(batch) && batch.sizeBytes <= config.maxMessageBytes ? isTorn : !hasValidChecksum(batch)) {
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
    if (!hasValidOffsets(batch) || batch.baseOffset < nextOffset) {
      return reject('CORRUPT_MESSAGE', `Out of order offsets found in append to ${partition}`)
    }
    nextOffset = lastOffsetOf(batch) + 1
    maxTimestamp = Math.max(maxTimestamp, maxTimestampOf(batch))
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
    const isPlain = !batch.isCompressed && !isRecompressed && !isLarge(batch)
    const looked = isPlain ? lookIntoPlain(batch, rules) : yield* lookInto(batch, rules, access)
    if (isRejection(looked)) return looked
    const { checked, stored } = looked
    if (isRecompressed && stored.sizeBytes > config.maxMessageBytes) return tooLargeAfter(stored, config, partition)
    rewritten ||= isRecompressed
    const latest = isLogAppendTime ? context.nowMs : checked.maxTimestamp
    if (isLarge(stored)) yield* stored.setMaxTimestampInSteps(config.messageTimestampType, latest)
    else stored.setMaxTimestamp(config.messageTimestampType, latest)
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
  access: ContentAccess,
): Sliced<LookedInto | AppendRejection> {
  if (!batch.isCompressed) return yield* lookIntoLarge(batch, rules, access)
  const content = contentAtOnce(contentOf(batch), access)
  if (content instanceof RecordFault) return rejectionOf(content)
  if (content !== undefined) return yield* lookIntoContent(batch, content, rules, atOnce)
  yield batch.sizeBytes
  if (rules.isRebuilt) return yield* withPlace(access, unpackAndLook(batch, rules, access))
  const checked = yield* scanRecords(batch, rules, access.offload)
  return isRejection(checked) ? checked : { checked, stored: batch }
}

/** Records that are not compressed, but are many or will be compressed. */
function* lookIntoLarge(
  batch: RecordBatch,
  rules: RecordRules,
  access: ContentAccess,
): Sliced<LookedInto | AppendRejection> {
  const { length } = batch.recordBytes
  if (length <= access.atOnceBytes) {
    access.noteAtOnce(length)
    return yield* lookIntoContent(batch, batch.recordBytes, rules, atOnce)
  }
  yield batch.sizeBytes
  const work = lookIntoContent(batch, batch.recordBytes, rules, access)
  return yield* rules.isRebuilt ? withPlace(access, work) : work
}

function* unpackAndLook(
  batch: RecordBatch,
  rules: RecordRules,
  access: ContentAccess,
): Sliced<LookedInto | AppendRejection> {
  const content = yield* contentWork(access).unpack(batch.recordBytes, batch.compression, batch.magic)
  return content instanceof RecordFault ? rejectionOf(content) : yield* lookIntoContent(batch, content, rules, access)
}

function* lookIntoContent(
  batch: RecordBatch,
  content: Buffer,
  rules: RecordRules,
  access: ContentAccess,
): Sliced<LookedInto | AppendRejection> {
  const isAtOnce = access === atOnce
  const checked = isAtOnce ? checkRecords(batch, content, rules) : yield* checkInSteps(batch, content, rules)
  if (isRejection(checked)) return checked
  if (!rules.isRebuilt) return { checked, stored: batch }
  const rebuilt = recompress(batch, content, rules.config, contentWork(access).compress)
  const stored = isAtOnce ? completed(rebuilt) : yield* rebuilt
  return isRejection(stored) ? stored : { checked, stored }
}

const emptyPlan: ValidatedBatches = {
  batches: NO_BATCHES,
  sizeBytes: 0,
  maxTimestamp: -1,
  logAppendTimeMs: -1,
  rewritten: false,
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
