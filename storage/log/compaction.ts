import { codecOf } from '../../protocol/compression/codecs.ts'
import { invariant } from '../../protocol/invariant.ts'
import { type BatchOptions, buildEmptyBatch } from '../../protocol/records/batch-builder.ts'
import type { ContentWork } from '../../protocol/records/conversion.ts'
import { MessageSetWriter } from '../../protocol/records/legacy-builder.ts'
import { LEGACY_OVERHEAD_BYTES, type MessageCursor, openMessages } from '../../protocol/records/legacy-messages.ts'
import type { RecordBatch } from '../../protocol/records/record-batch.ts'
import { RecordCursor, RecordFault } from '../../protocol/records/record-reader.ts'
import { mostRecordsIn, RecordsWriter, roomForRecords } from '../../protocol/records/records-writer.ts'
import { RECORD_COST_BYTES, STEP_BYTES, type Steps } from '../../protocol/steps.ts'
import { lastOffsetOf } from '../segment/stored-batch.ts'
import type { OffsetMap } from './offset-map.ts'
import type { TransactionFilter } from './transaction-filter.ts'

/** What a key costs besides its bytes. */
const KEY_COST_BYTES = 128

type Cursor = RecordCursor | MessageCursor

/** The records of a batch cannot be read, so their keys are unknown. */
export class UncleanableError extends Error {
  override readonly name = 'UncleanableError'
}

/** The log was deleted, truncated or closed during compaction. The work so far is discarded. */
export class CleaningAborted extends Error {
  override readonly name = 'CleaningAborted'
}

/**
 * The last batch of a producer, kept for its sequence number. lastDataOffset -1: a marker of that epoch is kept
 * instead.
 */
export interface LastOfProducer {
  readonly lastDataOffset: number
  readonly producerEpoch: number
}

/** Inputs of a compaction pass. */
export interface CompactionPass {
  /** Last offset of each key, for offsets up to latestOffset. */
  readonly map: OffsetMap
  /** Records above it are kept: the map does not cover them. */
  readonly latestOffset: number
  /** End of the part that may be compacted. The batch before it is never removed whole. */
  readonly endOffset: number
  readonly transactions: TransactionFilter
  readonly lastOfProducers: ReadonlyMap<number, LastOfProducer>
  readonly nowMs: number
  readonly deleteRetentionMs: number
  /** True if tombstones of message formats v0 and v1, which have no delete horizon, are still kept. */
  readonly keepsLegacyTombstones: boolean
}

/**
 * Adds the last offset of each key in a batch to the map. Returns undefined if the map had room for all, else the
 * offset after the last record added, -1 if there was none. Source: Cleaner.buildOffsetMapForSegment.
 */
export function* noteKeys(
  batch: RecordBatch,
  map: OffsetMap,
  fromOffset: number,
  transactions: TransactionFilter,
  work: ContentWork,
): Steps<number | undefined> {
  if (!batch.isLegacy) {
    if (batch.isControl) {
      transactions.isMarkerOfNothing(batch)
      return undefined
    }
    if (transactions.isAborted(batch)) return undefined
  }
  const records = yield* openContent(batch, work)
  let [notedUpTo, cost] = [-1, 0]
  while (records.next()) {
    cost += costOf(records)
    if (cost >= STEP_BYTES) {
      yield cost
      cost = 0
    }
    if (!records.hasKey || records.offset < fromOffset) continue
    if (map.isFull) return notedUpTo
    if (map.mustGrow) yield* map.grow()
    map.put(records.key!, records.offset)
    notedUpTo = records.offset + 1
  }
  if (records.fault !== undefined) throw uncleanable(batch, records.fault)
  yield cost
  return undefined
}

/**
 * Compacts a batch. Returns the same bytes, a rebuilt batch, or undefined if nothing is left. A v2 batch keeps its
 * record offsets and its offset range. Source: Cleaner.cleanInto, MemoryRecords.filterTo.
 */
export function* compactBatch(batch: RecordBatch, pass: CompactionPass, work: ContentWork): Steps<Buffer | undefined> {
  if (batch.isLegacy) return yield* compactLegacyBatch(batch, pass, work)
  const isEmptyTransaction = batch.isControl
    ? pass.transactions.isMarkerOfNothing(batch)
    : pass.transactions.isAborted(batch)
  const horizonMs = batch.deleteHorizonMs
  const horizonIsOver = horizonMs !== undefined && horizonMs <= pass.nowMs
  const drops = batch.isControl ? isEmptyTransaction && horizonIsOver : isEmptyTransaction
  const keepsRange = isLastOfProducer(batch, pass) || batch.nextOffset === pass.endOffset
  if (drops) return keepsRange ? emptyBatch(batch) : undefined
  const content = yield* contentOf(batch, work)
  const choice = new Choice(mostRecordsIn(content.length, batch.count))
  const isKept = batch.isControl ? () => true : whatIsKept(pass, !horizonIsOver)
  yield* choice.make(new RecordCursor(batch, content), isKept, batch)
  if (choice.keptCount === 0) return keepsRange ? emptyBatch(batch) : undefined
  const setsHorizon = horizonMs === undefined && (choice.keepsTombstone || (batch.isControl && isEmptyTransaction))
  if (choice.keepsAll && !setsHorizon) return batch.bytes
  const newHorizonMs = setsHorizon ? pass.nowMs + pass.deleteRetentionMs : horizonMs
  const writer = new RecordsWriter(roomForRecords(content.length, choice.keptCount), newHorizonMs)
  const records = new RecordCursor(batch, content)
  yield* choice.carryOut(records, () => writer.add(records.offsetDelta, records))
  return yield* writer.finish(optionsOf(batch, newHorizonMs), work.compress)
}

/** Which records of a batch are kept. No objects are kept per record: there may be millions. */
class Choice {
  keptCount = 0
  keepsTombstone = false
  readonly #isKept: Uint8Array
  #count = 0

  constructor(mostRecords: number) {
    this.#isKept = new Uint8Array(mostRecords)
  }

  get keepsAll(): boolean {
    return this.keptCount === this.#count
  }

  *make(records: Cursor, isKept: (record: Cursor) => boolean, batch: RecordBatch): Steps<void> {
    let cost = 0
    while (records.next()) {
      if (isKept(records)) {
        this.#isKept[this.#count] = 1
        this.keptCount++
        this.keepsTombstone ||= !records.hasValue
      }
      this.#count++
      cost += costOf(records)
      if (cost < STEP_BYTES) continue
      yield cost
      cost = 0
    }
    if (records.fault !== undefined) throw uncleanable(batch, records.fault)
    yield cost
  }

  /** Walks through the same records again. `keep` returns its cost. */
  *carryOut(records: Cursor, keep: () => number): Steps<void> {
    let cost = 0
    for (let i = 0; records.next(); i++) {
      cost += this.#isKept[i] === 1 ? keep() : RECORD_COST_BYTES
      if (cost < STEP_BYTES) continue
      yield cost
      cost = 0
    }
    yield cost
  }
}

function isLastOfProducer(batch: RecordBatch, { lastOfProducers }: CompactionPass): boolean {
  const last = batch.hasProducerId ? lastOfProducers.get(batch.producerId) : undefined
  if (last === undefined) return false
  if (last.lastDataOffset >= 0) return batch.lastOffset === last.lastDataOffset
  return batch.isControl && batch.producerEpoch === last.producerEpoch
}

/** Source: Cleaner.shouldRetainRecord. */
function whatIsKept(pass: CompactionPass, keepsTombstones: boolean): (record: Cursor) => boolean {
  return (record) => {
    if (record.offset > pass.latestOffset) return true
    if (!record.hasKey) return false
    const latest = pass.map.get(record.key!)
    if (latest !== undefined && record.offset < latest) return false
    return record.hasValue || keepsTombstones
  }
}

function optionsOf(batch: RecordBatch, deleteHorizonMs: number | undefined): BatchOptions {
  return {
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    compression: codecOf(batch.compression)!.name,
    ...(batch.timestampType === 'LogAppendTime' && { logAppendTimeMs: batch.maxTimestamp }),
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    transactional: batch.isTransactional,
    control: batch.isControl,
    ...(deleteHorizonMs !== undefined && { deleteHorizonMs }),
  }
}

function emptyBatch(batch: RecordBatch): Buffer {
  return buildEmptyBatch({
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    timestampType: batch.timestampType,
    maxTimestamp: batch.maxTimestamp,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    transactional: batch.isTransactional,
    control: batch.isControl,
  })
}

/** Message formats v0 and v1 have no transactions and no empty batches. */
function* compactLegacyBatch(batch: RecordBatch, pass: CompactionPass, work: ContentWork): Steps<Buffer | undefined> {
  const messages = yield* openLegacy(batch, work)
  const { magic, compression, logAppendTimeMs, contentBytes } = messages
  const choice = new Choice(Math.ceil(contentBytes / LEGACY_OVERHEAD_BYTES[0]))
  yield* choice.make(messages, whatIsKept(pass, pass.keepsLegacyTombstones), batch)
  if (choice.keepsAll) return batch.bytes
  if (choice.keptCount === 0) return undefined
  const { name } = codecOf(compression)!
  invariant(name !== 'zstd', 'message formats v0 and v1 do not support zstd')
  const options = { magic, compression: name, ...(logAppendTimeMs !== undefined && { logAppendTimeMs }) }
  const writer = new MessageSetWriter(contentBytes, options)
  messages.rewind()
  yield* choice.carryOut(messages, () => writer.add(messages))
  return yield* writer.finish(work.compress)
}

function* openContent(batch: RecordBatch, work: ContentWork): Steps<Cursor> {
  return batch.isLegacy ? yield* openLegacy(batch, work) : new RecordCursor(batch, yield* contentOf(batch, work))
}

/** Uncompressed records of a v2 batch. */
function* contentOf(batch: RecordBatch, work: ContentWork): Steps<Buffer> {
  if (!batch.isCompressed) return batch.recordBytes
  const content = yield* work.unpack(batch.recordBytes, batch.compression, 2)
  if (content instanceof RecordFault) throw uncleanable(batch, content)
  return content
}

function* openLegacy(batch: RecordBatch, work: ContentWork): Steps<MessageCursor> {
  const messages = yield* openMessages(batch.bytes, work.unpack)
  if (messages instanceof RecordFault) throw uncleanable(batch, messages)
  return messages
}

/** What it costs to look for the record's key in the map: most of it is the hash. */
function costOf({ sizeBytes }: Cursor): number {
  return sizeBytes + KEY_COST_BYTES
}

function uncleanable(batch: RecordBatch, fault: RecordFault): UncleanableError {
  return new UncleanableError(`batch that ends at offset ${lastOffsetOf(batch)} cannot be read: ${fault.message}`)
}
