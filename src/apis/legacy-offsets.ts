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
 * Kafka fails. Source: UnifiedLog.legacyFetchOffsetsBefore, Partition.legacyFetchOffsetsForTimestamp (3.9).
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
  // Replace all offsets above the reader's end by that end.
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
