import type { SegmentStart } from '../../storage/partition-log.ts'

/** Special timestamps: the end and the start of the log. */
const LATEST = -1
const EARLIEST = -2

/** The parts of a log that ListOffsets v0 needs. */
export interface LegacyOffsetsLog {
  readonly logStartOffset: number
  readonly logEndOffset: number
  segmentStarts(): Iterable<SegmentStart>
}

/**
 * Offsets for ListOffsets v0, which does not search by record time: base offsets of segments last modified by the
 * timestamp, and the log end; newest first, at most maxNumOffsets. Undefined if maxNumOffsets is negative, on which
 * Kafka fails. Pauses between segments. Source: UnifiedLog.legacyFetchOffsetsBefore, Partition.legacyFetchOffsetsForTimestamp (3.9).
 */
export function* legacyOffsets(
  log: LegacyOffsetsLog,
  { timestamp, maxNumOffsets }: { readonly timestamp: number; readonly maxNumOffsets: number },
  { readableEnd, nowMs }: { readonly readableEnd: number; readonly nowMs: number },
): Generator<void, number[] | undefined> {
  if (maxNumOffsets < 0) return undefined
  const offsets = timestamp === EARLIEST ? [log.logStartOffset] : offsetsBefore(log, timestamp, nowMs)
  const wanted: number[] = []
  for (const offset of offsets) {
    if (wanted.length === maxNumOffsets) break
    if (offset === undefined) yield
    else wanted.push(offset)
  }
  // Replace all offsets above the reader's end by that end.
  const readable = wanted.filter((offset) => offset <= readableEnd)
  return readable.length === wanted.length ? wanted : [readableEnd, ...readable]
}

/** Yields undefined after a segment that was looked up on the disk and is no answer. */
function* offsetsBefore(log: LegacyOffsetsLog, timestamp: number, nowMs: number): Generator<number | undefined> {
  let isFound = timestamp === LATEST
  let isNewest = true
  for (const segment of log.segmentStarts()) {
    isFound ||= isNewest && !segment.isEmpty && nowMs <= timestamp
    if (isNewest && !segment.isEmpty && isFound) yield log.logEndOffset
    isNewest = false
    isFound ||= segment.modifiedMs() <= timestamp
    yield isFound ? segment.offset : undefined
  }
}
