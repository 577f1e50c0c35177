import { readLegacyBatch } from '../../protocol/records/legacy-messages.ts'
import { NO_TIMESTAMP } from '../../protocol/records/record-batch.ts'
import { DEFAULT_DECOMPRESSED_LIMIT_BYTES, openRecords, RecordFault } from '../../protocol/records/record-reader.ts'
import type { TimestampAndOffset } from '../partition-log.ts'
import type { ScannedBatch } from '../segment/batch-scanner.ts'
import type { Segment } from '../segment/segment.ts'
import { hasTooLowMaxTimestamp, lastOffsetOf, leaderEpochOf, maxTimestampOf } from '../segment/stored-batch.ts'
import type { TimestampOffset } from '../segment/time-index.ts'

/**
 * The first record from startOffset on with at least that timestamp; undefined: none. The search goes on to the next
 * segment only if records of a segment were deleted. Source: UnifiedLog.searchOffsetInLocalLog,
 * LogSegment.findOffsetByTimestamp.
 */
export function findTimestamp(
  segments: readonly Segment[],
  timestampMs: number,
  startOffset: number,
): TimestampAndOffset | undefined {
  for (const segment of segments) {
    segment.ensureLargestTimestamp()
    if (segment.retentionTimestampMs < timestampMs) continue
    const found = findInSegment(segment, timestampMs, startOffset)
    if (found !== undefined) return found
  }
  return undefined
}

function findInSegment(segment: Segment, timestampMs: number, startOffset: number): TimestampAndOffset | undefined {
  const entry = segment.timeIndex.lookup(timestampMs)
  if (entry.timestampMs !== NO_TIMESTAMP && !segment.hasBatch(entry)) segment.timeIndexIsWrong(entry)
  const before = segment.timeIndex.lookup(timestampMs).offset
  const matches = (timestamp: number, offset: number) => timestamp >= timestampMs && offset >= startOffset
  const scanner = segment.scan(segment.positionFor(Math.max(before, startOffset)))
  for (let at = scanner.next(); at !== undefined; at = scanner.next()) {
    const mayHold = hasTooLowMaxTimestamp(at.batch) || maxTimestampOf(at.batch) >= timestampMs
    if (!mayHold || lastOffsetOf(at.batch) < startOffset) continue
    const found = firstRecord(segment, at, matches)
    if (found !== undefined) return found
  }
  return undefined
}

/** The first record with the log's largest timestamp, which is -1 if no record has one. Source: KIP-734. */
export function findLatestTimestamp(segments: readonly Segment[]): TimestampAndOffset | undefined {
  let latest: Segment | undefined
  for (const segment of segments) {
    segment.ensureLargestTimestamp()
    if (latest === undefined || segment.largestTimestamp.timestampMs > latest.largestTimestamp.timestampMs) {
      latest = segment
    }
  }
  if (latest === undefined) return undefined
  const { timestampMs, offset } = dated(latest)
  const scanner = latest.scan(latest.positionFor(offset))
  for (let at = scanner.next(); at !== undefined; at = scanner.next()) {
    if (!hasTooLowMaxTimestamp(at.batch) && maxTimestampOf(at.batch) !== timestampMs) continue
    const found = firstRecord(latest, at, (timestamp) => timestamp === timestampMs)
    if (found !== undefined) return found
  }
  return undefined
}

/** A segment without timestamps may have wrong batch headers, so the batches are read. */
function dated(segment: Segment): TimestampOffset {
  const { largestTimestamp } = segment
  return largestTimestamp.timestampMs >= 0 ? largestTimestamp : segment.readLargestTimestamp()
}

/** Reads only this batch of the log. */
function firstRecord(
  segment: Segment,
  at: ScannedBatch,
  matches: (timestampMs: number, offset: number) => boolean,
): TimestampAndOffset | undefined {
  const batch = segment.readBatch(at.position, at.batch.sizeBytes)
  if (batch === undefined) return undefined
  const leaderEpoch = leaderEpochOf(batch)
  if (batch.isLegacy) {
    const legacy = readLegacyBatch(batch, DEFAULT_DECOMPRESSED_LIMIT_BYTES)
    const records = legacy instanceof RecordFault ? [] : legacy.records
    const found = records.find((record) => matches(record.timestamp, record.offset))
    return found && { timestampMs: found.timestamp, offset: found.offset, leaderEpoch }
  }
  const records = openRecords(batch)
  if (records instanceof RecordFault) return undefined
  while (records.next()) {
    const { timestamp, offset } = records
    if (matches(timestamp, offset)) return { timestampMs: timestamp, offset, leaderEpoch }
  }
  return undefined
}
