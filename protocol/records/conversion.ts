import type { CompressionName } from '../compression/codec.ts'
import { codecOf } from '../compression/codecs.ts'
import { type Rejection, reject } from '../error-codes.ts'
import { invariant } from '../invariant.ts'
import { completed, RECORD_COST_BYTES, STEP_BYTES, type Steps } from '../steps.ts'
import { MessageSetWriter, roomForMessages } from './legacy-builder.ts'
import {
  LEGACY_ATTRIBUTES,
  LEGACY_MAGIC,
  Message,
  type MessageCursor,
  openMessages,
  type Unpack,
  unpackAtOnce,
} from './legacy-messages.ts'
import { batchSizeAt, type RecordBatch } from './record-batch.ts'
import { DEFAULT_DECOMPRESSED_LIMIT_BYTES, RecordCursor, RecordFault, rejectionOf } from './record-reader.ts'
import { type Compress, compressHere, mostRecordsIn, RecordsWriter } from './records-writer.ts'

/** How content is decompressed and compressed, here or on another thread. */
export interface ContentWork {
  readonly unpack: Unpack
  readonly compress: Compress
}

/** All on this thread. */
export function contentHere(limitBytes: number = DEFAULT_DECOMPRESSED_LIMIT_BYTES): ContentWork {
  return { unpack: unpackAtOnce(limitBytes), compress: compressHere }
}

/** `convertInSteps` at once. */
export function convertToBatch(messageSet: Buffer, limitBytes?: number): Buffer | Rejection {
  return completed(convertInSteps(messageSet, contentHere(limitBytes)))
}

/**
 * Converts a message set of format v0 or v1, from a produce request of an old client, to one v2 batch. Offsets count
 * from 0; timestamps and compression are kept. A cut message at the end is left out. The remaining checks (keys,
 * timestamps, sizes) run on the batch. Source: LogValidator.
 */
export function* convertInSteps(messageSet: Buffer, work: ContentWork): Steps<Buffer | Rejection> {
  const survey = yield* surveyOf(messageSet)
  if (survey.corruption !== undefined) return reject('CORRUPT_MESSAGE', survey.corruption)
  const conversion = new UpConversion(messageSet, survey, work)
  const refused = yield* conversion.run()
  if (refused !== undefined) return refused
  if (survey.count === 0) return reject('INVALID_RECORD', 'Record batch has no batches at all')
  if (survey.isRefused) return reject('INVALID_RECORD', 'Compressed outer record has more than one batch')
  return yield* conversion.finish()
}

/** What the headers of a message set tell. */
interface Survey {
  /** Messages and wrappers. */
  readonly count: number
  readonly endPosition: number
  /** True: a wrapper is not alone. Its content is not read, as in Kafka. */
  readonly isRefused: boolean
  readonly corruption: string | undefined
}

function* surveyOf(messageSet: Buffer): Steps<Survey> {
  let position = 0
  let count = 0
  let cost = 0
  let hasWrapper = false
  for (;;) {
    const size = batchSizeAt(messageSet, position)
    const isRefused = hasWrapper && count > 1
    if (typeof size === 'string') return { count, endPosition: position, isRefused, corruption: size }
    if (size === undefined || size > messageSet.length - position) {
      return { count, endPosition: position, isRefused, corruption: undefined }
    }
    hasWrapper ||= compressionAt(messageSet, position) !== 0
    position += size
    count++
    cost += RECORD_COST_BYTES
    if (cost < STEP_BYTES) continue
    yield cost
    cost = 0
  }
}

/** True if the first message is a wrapper. */
export function hasWrapper(messageSet: Buffer): boolean {
  return messageSet.length > LEGACY_ATTRIBUTES && compressionAt(messageSet, 0) !== 0
}

function compressionAt(messageSet: Buffer, position: number): number {
  return messageSet[position + LEGACY_ATTRIBUTES]! & 0x07
}

class UpConversion {
  readonly #messageSet: Buffer
  readonly #survey: Survey
  readonly #work: ContentWork
  #writer: RecordsWriter | undefined
  #compression = 0
  #hasLogAppendTime = false

  constructor(messageSet: Buffer, survey: Survey, work: ContentWork) {
    this.#messageSet = messageSet
    this.#survey = survey
    this.#work = work
  }

  *run(): Steps<Rejection | undefined> {
    const { endPosition } = this.#survey
    const firstMagic = this.#messageSet[LEGACY_MAGIC]
    let cost = 0
    for (let position = 0; position < endPosition; ) {
      const end = position + (batchSizeAt(this.#messageSet, position) as number)
      const magic = this.#messageSet[position + LEGACY_MAGIC]!
      if (magic !== firstMagic) {
        return reject(
          'INVALID_RECORD',
          `Batch magic ${magic} is not the same as the first batch's magic byte ${firstMagic}`,
        )
      }
      const fault = yield* this.#take(this.#messageSet.subarray(position, end))
      if (fault !== undefined) return rejectionOf(fault)
      cost += end - position + RECORD_COST_BYTES
      position = end
      if (cost < STEP_BYTES) continue
      yield cost
      cost = 0
    }
    return undefined
  }

  *#take(bytes: Buffer): Steps<RecordFault | undefined> {
    if (this.#survey.isRefused) return new Message(bytes).read(0, bytes.length)
    const cursor = yield* openMessages(bytes, this.#work.unpack)
    if (cursor instanceof RecordFault) return cursor
    this.#compression = cursor.compression
    this.#hasLogAppendTime ||= cursor.timestampType === 'LogAppendTime'
    // A message of these formats takes no less than its record in format v2.
    this.#writer ??= new RecordsWriter(Math.max(this.#survey.endPosition, cursor.contentBytes))
    let cost = 0
    while (cursor.next()) {
      cost += this.#writer.add(this.#writer.count, cursor)
      if (cost < STEP_BYTES) continue
      yield cost
      cost = 0
    }
    return cursor.fault
  }

  *finish(): Steps<Buffer> {
    const writer = this.#writer!
    const compression = nameOf(this.#compression)
    const type = this.#hasLogAppendTime ? { logAppendTimeMs: writer.maxTimestamp } : {}
    return yield* writer.finish({ compression, ...type }, this.#work.compress)
  }
}

/** `convertDownInSteps` of several batches at once. */
export function convertDown(
  batches: readonly RecordBatch[],
  toMagic: 0 | 1,
  firstOffset: number,
  limitBytes?: number,
): Buffer | Rejection {
  const parts: Buffer[] = []
  for (const batch of batches) {
    const part = completed(convertDownInSteps(batch, toMagic, firstOffset, contentHere(limitBytes)))
    if (!Buffer.isBuffer(part)) return part
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/**
 * Converts a batch for a fetch by an old client, at most to format toMagic; the same bytes if it is no newer. Control
 * batches and headers are dropped. Of an uncompressed batch, only records from firstOffset on are sent: old clients do
 * not expect earlier ones. Empty if nothing is left. zstd: UNSUPPORTED_COMPRESSION_TYPE. Source: RecordsUtil.downConvert.
 */
export function* convertDownInSteps(
  batch: RecordBatch,
  toMagic: 0 | 1,
  firstOffset: number,
  work: ContentWork,
): Steps<Buffer | Rejection> {
  if (batch.magic <= toMagic) return batch.bytes
  if (!batch.isLegacy && batch.isControl) return NOTHING
  if (nameOf(batch.isLegacy ? 0 : batch.compression) === 'zstd') {
    return reject('UNSUPPORTED_COMPRESSION_TYPE', 'Down-conversion of zstandard-compressed batches is not supported')
  }
  const content = yield* batch.isLegacy ? openOld(batch, work.unpack) : openNew(batch, work.unpack)
  if (content instanceof RecordFault) return rejectionOf(content)
  const { cursor, compression, logAppendTimeMs } = content
  const options = { magic: toMagic, compression, ...(logAppendTimeMs !== undefined && { logAppendTimeMs }) }
  const writer = new MessageSetWriter(content.mostBytes, options)
  let cost = 0
  while (cursor.next()) {
    const isWanted = compression !== 'none' || cursor.offset >= firstOffset
    cost += isWanted ? writer.add(cursor) : cursor.sizeBytes + RECORD_COST_BYTES
    if (cost < STEP_BYTES) continue
    yield cost
    cost = 0
  }
  if (cursor.fault !== undefined) return rejectionOf(cursor.fault)
  return writer.count === 0 ? NOTHING : yield* writer.finish(work.compress)
}

const NOTHING = Buffer.alloc(0)

interface OpenContent {
  readonly cursor: MessageCursor | RecordCursor
  readonly compression: Exclude<CompressionName, 'zstd'>
  /** Undefined unless the batch is of type LogAppendTime. */
  readonly logAppendTimeMs: number | undefined
  /** Memory for all records as messages. */
  readonly mostBytes: number
}

function* openOld(batch: RecordBatch, unpack: Unpack): Steps<OpenContent | RecordFault> {
  const cursor = yield* openMessages(batch.bytes, unpack)
  if (cursor instanceof RecordFault) return cursor
  const { logAppendTimeMs, contentBytes: mostBytes } = cursor
  return { cursor, compression: oldNameOf(cursor.compression), logAppendTimeMs, mostBytes }
}

function* openNew(batch: RecordBatch, unpack: Unpack): Steps<OpenContent | RecordFault> {
  const content = batch.isCompressed ? yield* unpack(batch.recordBytes, batch.compression, 2) : batch.recordBytes
  if (content instanceof RecordFault) return content
  return {
    cursor: new RecordCursor(batch, content),
    compression: oldNameOf(batch.compression),
    logAppendTimeMs: batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : undefined,
    mostBytes: roomForMessages(content.length, mostRecordsIn(content.length, batch.count)),
  }
}

function nameOf(compression: number): CompressionName {
  return codecOf(compression)?.name ?? 'none'
}

/** zstd is refused before. */
function oldNameOf(compression: number): Exclude<CompressionName, 'zstd'> {
  const name = nameOf(compression)
  invariant(name !== 'zstd', 'message formats v0 and v1 know no zstd')
  return name
}
