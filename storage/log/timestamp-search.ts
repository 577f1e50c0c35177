import { hasWrapper } from '../../protocol/records/conversion.ts'
import { openMessages } from '../../protocol/records/legacy-messages.ts'
import { NO_TIMESTAMP, type RecordBatch } from '../../protocol/records/record-batch.ts'
import { RecordCursor, RecordFault } from '../../protocol/records/record-reader.ts'
import { RecordScanner } from '../../protocol/records/record-scanner.ts'
import { RECORD_COST_BYTES, STEP_BYTES } from '../../protocol/steps.ts'
import type { TimestampAndOffset } from '../partition-log.ts'
import type { ScannedBatch } from '../segment/batch-scanner.ts'
import type { Segment } from '../segment/segment.ts'
import { hasTooLowMaxTimestamp, lastOffsetOf, leaderEpochOf, maxTimestampOf } from '../segment/stored-batch.ts'
import type { TimestampOffset } from '../segment/time-index.ts'
import type { Sliced } from '../sliced-work.ts'
import { type ContentAccess, contentAtOnce, contentWork, eachPiece, withPlace } from './scan-records.ts'
import { contentOf } from './validate-records.ts'

/** Costs, in bytes of a step: to check the end of a segment, and to read the header of a batch. */
const [SEGMENT_COST_BYTES, HEADER_COST_BYTES] = [16_384, 1024]

/** True for the record that is searched for. */
type Matches = (timestampMs: number, offset: number) => boolean

/**
 * The first record from startOffset on with at least that timestamp; undefined: none. The search goes on to the next
 * segment only if records of a segment were deleted. Holds no file handle while it pauses. The caller ends it when the
 * files change. Source: UnifiedLog.searchOffsetInLocalLog, LogSegment.findOffsetByTimestamp.
 */
export function* findTimestamp(
  segments: readonly Segment[],
  timestampMs: number,
  startOffset: number,
  access: ContentAccess,
): Sliced<TimestampAndOffset | undefined> {
  const matches = (timestamp: number, offset: number) => timestamp >= timestampMs && offset >= startOffset
  const isCandidate = ({ batch }: ScannedBatch) =>
    (hasTooLowMaxTimestamp(batch) || maxTimestampOf(batch) >= timestampMs) && lastOffsetOf(batch) >= startOffset
  let cost = 0
  for (const segment of segments) {
    segment.ensureLargestTimestamp()
    cost += SEGMENT_COST_BYTES
    if (cost >= STEP_BYTES) {
      yield cost
      cost = 0
    }
    if (segment.retentionTimestampMs < timestampMs) continue
    const position = startOfSearch(segment, timestampMs, startOffset)
    const found = yield* findRecord(segment, position, isCandidate, matches, access)
    if (found !== undefined) return found
  }
  return undefined
}

function startOfSearch(segment: Segment, timestampMs: number, startOffset: number): number {
  const entry = segment.timeIndex.lookup(timestampMs)
  if (entry.timestampMs !== NO_TIMESTAMP && !segment.hasBatch(entry)) segment.timeIndexIsWrong(entry)
  const before = segment.timeIndex.lookup(timestampMs).offset
  return segment.positionFor(Math.max(before, startOffset))
}

/** The first record with the log's largest timestamp, which is -1 if no record has one. Source: KIP-734. */
export function* findLatestTimestamp(
  segments: readonly Segment[],
  access: ContentAccess,
): Sliced<TimestampAndOffset | undefined> {
  let latest: Segment | undefined
  let cost = 0
  for (const segment of segments) {
    segment.ensureLargestTimestamp()
    if (latest === undefined || segment.largestTimestamp.timestampMs > latest.largestTimestamp.timestampMs) {
      latest = segment
    }
    cost += SEGMENT_COST_BYTES
    if (cost < STEP_BYTES) continue
    yield cost
    cost = 0
  }
  if (latest === undefined) return undefined
  const { timestampMs, offset } = dated(latest)
  const isCandidate = ({ batch }: ScannedBatch) => hasTooLowMaxTimestamp(batch) || maxTimestampOf(batch) === timestampMs
  const matches = (timestamp: number) => timestamp === timestampMs
  return yield* findRecord(latest, latest.positionFor(offset), isCandidate, matches, access)
}

/** A segment without timestamps may have wrong batch headers, so the batches are read. */
function dated(segment: Segment): TimestampOffset {
  const { largestTimestamp } = segment
  return largestTimestamp.timestampMs >= 0 ? largestTimestamp : segment.readLargestTimestamp()
}

function* findRecord(
  segment: Segment,
  start: number,
  isCandidate: (at: ScannedBatch) => boolean,
  matches: Matches,
  access: ContentAccess,
): Sliced<TimestampAndOffset | undefined> {
  for (let position = start; ; ) {
    const { candidate, nextPosition, costBytes } = nextCandidate(segment, position, isCandidate)
    if (candidate !== undefined) {
      const found = yield* firstRecord(candidate, matches, access)
      if (found !== undefined) return found
    }
    if (nextPosition === position) return undefined
    position = nextPosition
    if (costBytes >= STEP_BYTES) yield costBytes
  }
}

/** Reads headers up to the first batch that may have the record, at most those of one step. */
function nextCandidate(segment: Segment, position: number, isCandidate: (at: ScannedBatch) => boolean) {
  const scanner = segment.scan(position)
  let costBytes = 0
  while (costBytes < STEP_BYTES) {
    const at = scanner.next()
    if (at === undefined) break
    costBytes += HEADER_COST_BYTES
    if (!isCandidate(at)) continue
    const candidate = segment.readBatch(at.position, at.batch.sizeBytes)
    return { candidate, nextPosition: scanner.position, costBytes: costBytes + at.batch.sizeBytes }
  }
  return { candidate: undefined, nextPosition: scanner.position, costBytes }
}

function* firstRecord(
  batch: RecordBatch,
  matches: Matches,
  access: ContentAccess,
): Sliced<TimestampAndOffset | undefined> {
  const found = yield* batch.isLegacy ? firstMessage(batch, matches, access) : firstOfBatch(batch, matches, access)
  return found && { leaderEpoch: leaderEpochOf(batch), ...found }
}

type Found = Pick<TimestampAndOffset, 'timestampMs' | 'offset'> | undefined

function* firstOfBatch(batch: RecordBatch, matches: Matches, access: ContentAccess): Sliced<Found> {
  const content = batch.isCompressed ? contentAtOnce(contentOf(batch), access) : batch.recordBytes
  if (content instanceof RecordFault) return undefined
  return content === undefined
    ? yield* firstInPieces(batch, matches, access)
    : yield* firstOf(new RecordCursor(batch, content), matches)
}

/** Records of large content, which is never in memory as a whole. */
function* firstInPieces(batch: RecordBatch, matches: Matches, { offload }: ContentAccess): Sliced<Found> {
  let found: Found
  const scanner = new RecordScanner(batch, {
    onRecord: ({ timestamp, offset }) => {
      if (found === undefined && matches(timestamp, offset)) found = { timestampMs: timestamp, offset }
    },
  })
  yield* eachPiece(contentOf(batch), offload, (piece) => {
    scanner.feed(piece)
    return found === undefined && scanner.fault === undefined
  })
  return found
}

function* firstMessage(batch: RecordBatch, matches: Matches, access: ContentAccess): Sliced<Found> {
  const search = firstOfMessages(batch, matches, access)
  return yield* hasWrapper(batch.bytes) ? withPlace(access, search) : search
}

function* firstOfMessages(batch: RecordBatch, matches: Matches, access: ContentAccess): Sliced<Found> {
  const cursor = yield* openMessages(batch.bytes, contentWork(access).unpack)
  return cursor instanceof RecordFault ? undefined : yield* firstOf(cursor, matches)
}

interface TimedRecords {
  readonly timestamp: number
  readonly offset: number
  readonly sizeBytes: number
  next(): boolean
}

function* firstOf(records: TimedRecords, matches: Matches): Sliced<Found> {
  let cost = 0
  while (records.next()) {
    const { timestamp, offset } = records
    if (matches(timestamp, offset)) return { timestampMs: timestamp, offset }
    cost += records.sizeBytes + RECORD_COST_BYTES / 2
    if (cost < STEP_BYTES) continue
    yield cost
    cost = 0
  }
  return undefined
}
