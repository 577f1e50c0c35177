import type { SegmentStart } from '../../storage/partition-log.ts'

/** Timestamps that ask for the end and for the start of a log. */
const LATEST = -1
const EARLIEST = -2

/** What of a log answers ListOffsets v0. */
export interface LegacyOffsetsLog {
  readonly logStartOffset: number
  readonly logEndOffset: number
  segmentStarts(): Iterable<SegmentStart>
}

/**
 * ListOffsets v0 knows no offsets by time: it asks for the starts of the segments that were last written to by then, and
 * for the end, newest first and as many as it wants. Undefined where it wants a negative number, over which Kafka
 * stumbles. Source: UnifiedLog.legacyFetchOffsetsBefore, Partition.legacyFetchOffsetsForTimestamp (3.9).
 */
export function legacyOffsets(
  log: LegacyOffsetsLog,
  { timestamp, maxNumOffsets }: { readonly timestamp: number; readonly maxNumOffsets: number },
  { readableEnd, nowMs }: { readonly readableEnd: number; readonly nowMs: number },
): number[] | undefined {
  if (maxNumOffsets < 0) return undefined
  const offsets = timestamp === EARLIEST ? [log.logStartOffset] : offsetsBefore(log, timestamp, nowMs)
  const wanted: number[] = []
  for (const offset of offsets) {
    if (wanted.length === maxNumOffsets) break
    wanted.push(offset)
  }
  // The reader's own end stands for all that is above it.
  const readable = wanted.filter((offset) => offset <= readableEnd)
  return readable.length === wanted.length ? wanted : [readableEnd, ...readable]
}

function* offsetsBefore(log: LegacyOffsetsLog, timestamp: number, nowMs: number): Generator<number> {
  let isFound = timestamp === LATEST
  let isNewest = true
  for (const segment of log.segmentStarts()) {
    isFound ||= isNewest && !segment.isEmpty && nowMs <= timestamp
    if (isNewest && !segment.isEmpty && isFound) yield log.logEndOffset
    isNewest = false
    isFound ||= segment.modifiedMs() <= timestamp
    if (isFound) yield segment.offset
  }
}
