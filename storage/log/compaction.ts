import { codecOf } from '../../protocol/compression/codecs.ts'
import { invariant } from '../../protocol/invariant.ts'
import { buildBatch, buildEmptyBatch } from '../../protocol/records/batch-builder.ts'
import { buildMessageSet } from '../../protocol/records/legacy-builder.ts'
import { readLegacyBatch } from '../../protocol/records/legacy-messages.ts'
import type { RecordBatch } from '../../protocol/records/record-batch.ts'
import {
  DEFAULT_DECOMPRESSED_LIMIT_BYTES,
  type LogRecord,
  openRecords,
  RecordFault,
  readRecords,
} from '../../protocol/records/record-reader.ts'
import { lastOffsetOf } from '../segment/stored-batch.ts'
import type { OffsetMap } from './offset-map.ts'
import type { TransactionFilter } from './transaction-filter.ts'

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
export function noteKeys(
  batch: RecordBatch,
  map: OffsetMap,
  fromOffset: number,
  transactions: TransactionFilter,
): number | undefined {
  let notedUpTo = -1
  if (!batch.isLegacy) {
    if (batch.isControl) {
      transactions.isMarkerOfNothing(batch)
      return undefined
    }
    if (transactions.isAborted(batch)) return undefined
    const records = openRecords(batch)
    if (records instanceof RecordFault) throw uncleanable(batch, records)
    while (records.next()) {
      if (!records.hasKey || records.offset < fromOffset) continue
      if (map.isFull) return notedUpTo
      map.put(records.key!, records.offset)
      notedUpTo = records.offset + 1
    }
    if (records.fault !== undefined) throw uncleanable(batch, records.fault)
    return undefined
  }
  for (const record of recordsOf(batch)) {
    if (record.key === null || record.offset < fromOffset) continue
    if (map.isFull) return notedUpTo
    map.put(record.key, record.offset)
    notedUpTo = record.offset + 1
  }
  return undefined
}

/**
 * Compacts a batch. Returns the same bytes, a rebuilt batch, or undefined if nothing is left. A v2 batch keeps its
 * record offsets and its offset range. Source: Cleaner.cleanInto, MemoryRecords.filterTo.
 */
export function compactBatch(batch: RecordBatch, pass: CompactionPass): Buffer | undefined {
  if (batch.isLegacy) return compactLegacyBatch(batch, pass)
  const isEmptyTransaction = batch.isControl
    ? pass.transactions.isMarkerOfNothing(batch)
    : pass.transactions.isAborted(batch)
  const horizonMs = batch.deleteHorizonMs
  const horizonIsOver = horizonMs !== undefined && horizonMs <= pass.nowMs
  const drops = batch.isControl ? isEmptyTransaction && horizonIsOver : isEmptyTransaction
  const keepsRange = isLastOfProducer(batch, pass) || batch.nextOffset === pass.endOffset
  if (drops) return keepsRange ? emptyBatch(batch) : undefined
  const records = readRecords(batch)
  if (records instanceof RecordFault) throw uncleanable(batch, records)
  const kept = batch.isControl ? records : records.filter((record) => isKept(record, pass, !horizonIsOver))
  if (kept.length === 0) return keepsRange ? emptyBatch(batch) : undefined
  const hasTombstone = kept.some((record) => record.value === null)
  const setsHorizon = horizonMs === undefined && (hasTombstone || (batch.isControl && isEmptyTransaction))
  if (kept.length === records.length && !setsHorizon) return batch.bytes
  return rebuild(batch, kept, setsHorizon ? pass.nowMs + pass.deleteRetentionMs : horizonMs)
}

function isLastOfProducer(batch: RecordBatch, { lastOfProducers }: CompactionPass): boolean {
  const last = batch.hasProducerId ? lastOfProducers.get(batch.producerId) : undefined
  if (last === undefined) return false
  if (last.lastDataOffset >= 0) return batch.lastOffset === last.lastDataOffset
  return batch.isControl && batch.producerEpoch === last.producerEpoch
}

/** Source: Cleaner.shouldRetainRecord. */
function isKept(record: LogRecord, pass: CompactionPass, keepsTombstones: boolean): boolean {
  if (record.offset > pass.latestOffset) return true
  if (record.key === null) return false
  const latest = pass.map.get(record.key)
  if (latest !== undefined && record.offset < latest) return false
  return record.value !== null || keepsTombstones
}

function rebuild(batch: RecordBatch, records: readonly LogRecord[], deleteHorizonMs: number | undefined): Buffer {
  return buildBatch(records, {
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
  })
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
function compactLegacyBatch(batch: RecordBatch, pass: CompactionPass): Buffer | undefined {
  const records = recordsOf(batch)
  const kept = records.filter((record) => isKept(record, pass, pass.keepsLegacyTombstones))
  if (kept.length === records.length) return batch.bytes
  if (kept.length === 0) return undefined
  const legacy = readLegacyBatch(batch, DEFAULT_DECOMPRESSED_LIMIT_BYTES)
  if (legacy instanceof RecordFault) throw uncleanable(batch, legacy)
  const { magic, compression, timestampType } = legacy
  const { name } = codecOf(compression)!
  invariant(name !== 'zstd', 'message formats v0 and v1 do not support zstd')
  return buildMessageSet(kept, {
    magic,
    compression: name,
    ...(timestampType === 'LogAppendTime' && { logAppendTimeMs: kept[0]!.timestamp }),
  })
}

function recordsOf(batch: RecordBatch): readonly LogRecord[] {
  const legacy = readLegacyBatch(batch, DEFAULT_DECOMPRESSED_LIMIT_BYTES)
  if (legacy instanceof RecordFault) throw uncleanable(batch, legacy)
  return legacy.records
}

function uncleanable(batch: RecordBatch, fault: RecordFault): UncleanableError {
  return new UncleanableError(`batch that ends at offset ${lastOffsetOf(batch)} cannot be read: ${fault.message}`)
}
