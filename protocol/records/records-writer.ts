import type { Codec } from '../compression/codec.ts'
import { codecNamed } from '../compression/codecs.ts'
import { invariant } from '../invariant.ts'
import { RECORD_COST_BYTES, STEP_BYTES, type Steps } from '../steps.ts'
import { type BatchOptions, headerFields } from './batch-builder.ts'
import { BATCH_HEADER_BYTES, NO_TIMESTAMP, RecordBatch, writeHeaderFields } from './record-batch.ts'
import type { RecordHeader } from './record-reader.ts'
import { sizeOfVarlong, writeVarlong } from './varint.ts'

/** The current record of a cursor. */
export interface CurrentRecord {
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/** Compresses records, maybe on another thread. level: undefined for the codec's default. */
export type Compress = (codec: Codec, records: Buffer, level: number | undefined) => Steps<Buffer>

/** Most bytes by which a record grows: its length, timestamp delta and offset delta may need longer varints. */
const LARGEST_GROWTH_BYTES = 18
const SHORTEST_RECORD_BYTES = 7
/** Bytes copied in one step. */
const COPY_BYTES = 1_048_576

/** Memory for `count` records that took contentBytes elsewhere. count is not trusted. */
export function roomForRecords(contentBytes: number, count: number): number {
  return contentBytes + mostRecordsIn(contentBytes, count) * LARGEST_GROWTH_BYTES
}

/** Most records in that many bytes of which a header counts `count`. */
export function mostRecordsIn(contentBytes: number, count: number): number {
  return Math.min(Math.max(0, count), Math.ceil(contentBytes / SHORTEST_RECORD_BYTES))
}

/**
 * Writes a v2 batch record by record: no objects are kept per record. Memory that is not written to is not used by the
 * system. Source: MemoryRecordsBuilder.
 */
export class RecordsWriter {
  count = 0
  maxTimestamp = NO_TIMESTAMP
  readonly #bytes: Buffer
  readonly #fixedBaseTimestamp: number | undefined
  #baseTimestamp = NO_TIMESTAMP
  #lastOffsetDelta = -1
  #position = BATCH_HEADER_BYTES

  /** mostBytes: of all records. deleteHorizonMs: as in BatchOptions. */
  constructor(mostBytes: number, deleteHorizonMs?: number) {
    this.#bytes = Buffer.allocUnsafe(BATCH_HEADER_BYTES + mostBytes)
    this.#fixedBaseTimestamp = deleteHorizonMs
  }

  /** Returns the cost in bytes. */
  add(offsetDelta: number, { timestamp, key, value, headers }: CurrentRecord): number {
    if (this.count === 0) this.#baseTimestamp = this.#fixedBaseTimestamp ?? timestamp
    const timestampDelta = timestamp - this.#baseTimestamp
    let bodyBytes =
      1 + sizeOfVarlong(timestampDelta) + sizeOfVarlong(offsetDelta) + sizeOfField(key) + sizeOfField(value)
    bodyBytes += sizeOfVarlong(headers.length)
    for (const header of headers) bodyBytes += sizeOfField(header.key) + sizeOfField(header.value)
    const bytes = this.#bytes
    const start = this.#position
    let at = writeVarlong(bytes, start, bodyBytes)
    bytes[at++] = 0
    at = writeVarlong(bytes, at, timestampDelta)
    at = writeVarlong(bytes, at, offsetDelta)
    at = writeField(bytes, at, key)
    at = writeField(bytes, at, value)
    at = writeVarlong(bytes, at, headers.length)
    for (const header of headers) at = writeField(bytes, writeField(bytes, at, header.key), header.value)
    invariant(at <= bytes.length, 'records are larger than the room for them')
    this.#position = at
    this.#lastOffsetDelta = offsetDelta
    this.count++
    if (timestamp > this.maxTimestamp) this.maxTimestamp = timestamp
    return at - start + RECORD_COST_BYTES
  }

  /** The batch of all records; there must be one. options.compression: of the batch. */
  *finish(options: BatchOptions, compress: Compress = compressHere): Steps<Buffer> {
    invariant(this.count > 0, 'a batch without records is built by buildEmptyBatch')
    const { baseOffset = 0, compression = 'none', compressionLevel } = options
    const codec = codecNamed(compression)
    let bytes = this.#bytes.subarray(0, this.#position)
    if (codec.name !== 'none') {
      const compressed = yield* compress(codec, bytes.subarray(BATCH_HEADER_BYTES), compressionLevel)
      bytes = Buffer.allocUnsafe(BATCH_HEADER_BYTES + compressed.length)
      yield* copyInSteps(compressed, bytes, BATCH_HEADER_BYTES)
    }
    writeHeaderFields(bytes, {
      baseTimestamp: this.#baseTimestamp,
      lastOffsetDelta: options.lastOffset === undefined ? this.#lastOffsetDelta : options.lastOffset - baseOffset,
      compression: codec.id,
      maxTimestamp: options.logAppendTimeMs ?? this.maxTimestamp,
      count: this.count,
      ...headerFields(options),
    })
    yield* new RecordBatch(bytes).writeCrcInSteps()
    return bytes
  }
}

/** Copies to the position in target. */
export function* copyInSteps(source: Uint8Array, target: Uint8Array, position: number): Steps<void> {
  for (let at = 0; at < source.length; at += COPY_BYTES) {
    if (at > 0) yield STEP_BYTES
    target.set(source.subarray(at, at + COPY_BYTES), position + at)
  }
}

/** Compresses on this thread. */
export function compressHere(codec: Codec, records: Buffer, level: number | undefined): Steps<Buffer> {
  return codec.compressing(records, level)
}

function sizeOfField(field: Uint8Array | null): number {
  return field === null ? 1 : sizeOfVarlong(field.length) + field.length
}

function writeField(bytes: Uint8Array, position: number, field: Uint8Array | null): number {
  if (field === null) return writeVarlong(bytes, position, -1)
  const start = writeVarlong(bytes, position, field.length)
  bytes.set(field, start)
  return start + field.length
}
