import type { Random } from '../host/host.ts'
import type { LogConfig } from '../partition-log.ts'
import { OFFSET_ENTRY_BYTES } from './offset-index.ts'
import type { Segment } from './segment.ts'
import { TIME_ENTRY_BYTES } from './time-index.ts'

/* When a log closes its active segment and starts the next one. */

/** Kafka's jitter is a random int. */
const LONGEST_JITTER_MS = 2 ** 31

/** Facts about an append that decide whether the segment rolls. */
export interface RollQuestion {
  readonly appendBytes: number
  readonly maxTimestamp: number
  readonly lastOffset: number
  readonly nowMs: number
}

/** True if an append needs a new segment. Source: LogSegment.shouldRoll. */
export function shouldRoll(segment: Segment, config: LogConfig, question: RollQuestion): boolean {
  const size = segment.sizeBytes
  if (size > config.segmentBytes - question.appendBytes) return true
  if (size > 0 && waitedMs(segment, question) > longestSegmentMs(config) - segment.rollJitterMs) return true
  return isIndexFull(segment, config) || !segment.holdsOffset(question.lastOffset)
}

function waitedMs({ firstTimestampMs, createdMs }: Segment, { maxTimestamp, nowMs }: RollQuestion): number {
  return firstTimestampMs >= 0 ? maxTimestamp - firstTimestampMs : nowMs - createdMs
}

function isIndexFull({ offsetIndex, timeIndex }: Segment, { segmentIndexBytes }: LogConfig): boolean {
  const offsetEntries = Math.floor(segmentIndexBytes / OFFSET_ENTRY_BYTES)
  // One less: closing the segment adds the last entry of the time index.
  const timeEntries = Math.floor(segmentIndexBytes / TIME_ENTRY_BYTES) - 1
  return offsetIndex.count >= offsetEntries || timeIndex.count >= timeEntries
}

/**
 * Time after which a segment rolls. Compaction with a maximum lag needs it closed by then. Source:
 * LogConfig.maxSegmentMs.
 */
function longestSegmentMs({ cleanupPolicy, maxCompactionLagMs, segmentMs }: LogConfig): number {
  const compacts = cleanupPolicy.includes('compact')
  return compacts && maxCompactionLagMs > 0 ? Math.min(maxCompactionLagMs, segmentMs) : segmentMs
}

/** A random `rollJitterMs`, never longer than a segment's time. Source: LogConfig.randomSegmentJitter. */
export function segmentJitterMs(config: LogConfig, random: Random): number {
  const longestMs = Math.min(config.segmentJitterMs, config.segmentMs, LONGEST_JITTER_MS)
  return longestMs > 0 ? random.below(longestMs) : 0
}
