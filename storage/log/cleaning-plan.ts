import type { LogConfig } from '../partition-log.ts'
import { OFFSET_ENTRY_BYTES } from '../segment/offset-index.ts'
import type { Segment } from '../segment/segment.ts'
import { TIME_ENTRY_BYTES } from '../segment/time-index.ts'

/** What the decision goes by. */
export interface CleaningFacts {
  readonly nowMs: number
  readonly logStartOffset: number
  readonly logEndOffset: number
  /** Nothing above it is decided. */
  readonly lastStableOffset: number
  /** Nothing above it is on the disk for sure. What is compacted there would look like lost to recovery. */
  readonly recoveryPoint: number
  /** From cleaner-offset-checkpoint: everything below has been compacted; undefined: nothing has. */
  readonly cleanedUpTo: number | undefined
}

/** Which part of a log is to be compacted, and how badly. */
export interface CleaningPlan {
  readonly firstDirtyOffset: number
  /** Base offset of the first segment that must be left alone. */
  readonly endOffset: number
  readonly cleanableBytes: number
  /** Share of the bytes up to endOffset that has never been compacted. */
  readonly dirtyRatio: number
  /** True where the log is to be compacted now. */
  readonly isDue: boolean
}

/** Source: LogCleanerManager.cleanableOffsets, LogToClean. segments: all of a log, the active one last. */
export function planCleaning(segments: readonly Segment[], config: LogConfig, facts: CleaningFacts): CleaningPlan {
  const closed = segments.slice(0, -1)
  const firstDirtyOffset = firstDirty(facts)
  const dirty = closed.filter((_, i) => endOf(segments, i) > firstDirtyOffset)
  const tooYoung = dirty.find((segment) => isTooYoung(segment, config, facts.nowMs))
  const limit = Math.min(
    facts.lastStableOffset,
    facts.recoveryPoint,
    segments.at(-1)!.baseOffset,
    tooYoung?.baseOffset ?? Number.POSITIVE_INFINITY,
  )
  // Whole segments only: the one that the limit lies in is left alone.
  const endIndex = segments.findIndex((_, i) => i === segments.length - 1 || endOf(segments, i) > limit)
  const endOffset = segments[endIndex]!.baseOffset
  const sizes = segments.slice(0, endIndex)
  const cleanableBytes = sizes.reduce(
    (sum, each, i) => sum + (endOf(segments, i) > firstDirtyOffset ? each.sizeBytes : 0),
    0,
  )
  const totalBytes = sizes.reduce((sum, each) => sum + each.sizeBytes, 0)
  const dirtyRatio = totalBytes === 0 ? 0 : cleanableBytes / totalBytes
  const isOverdue = dirty.some((segment) => isOlderThan(segment, config.maxCompactionLagMs, facts.nowMs))
  return {
    firstDirtyOffset,
    endOffset,
    cleanableBytes,
    dirtyRatio,
    isDue: cleanableBytes > 0 && (isOverdue || dirtyRatio > config.minCleanableDirtyRatio),
  }
}

/**
 * Segments that become one each: neighbours as long as one segment, its indexes included, has room for them. endOffset:
 * of the part that they make up. Source: Cleaner.groupSegmentsBySize.
 */
export function groupSegments(segments: readonly Segment[], config: LogConfig, endOffset: number): Segment[][] {
  const groups: Segment[][] = []
  let [logBytes, offsetBytes, timeBytes] = [0, 0, 0]
  segments.forEach((segment, i) => {
    const group = groups.at(-1)
    const indexes = [
      segment.offsetIndex.count * OFFSET_ENTRY_BYTES,
      segment.timeIndex.count * TIME_ENTRY_BYTES,
    ] as const
    const lastOffset = (segments[i + 1]?.baseOffset ?? endOffset) - 1
    const fits =
      group !== undefined &&
      logBytes + segment.sizeBytes <= config.segmentBytes &&
      offsetBytes + indexes[0] <= config.segmentIndexBytes &&
      timeBytes + indexes[1] <= config.segmentIndexBytes &&
      group[0]!.holdsOffset(lastOffset)
    if (fits) {
      group.push(segment)
      logBytes += segment.sizeBytes
      offsetBytes += indexes[0]
      timeBytes += indexes[1]
    } else {
      groups.push([segment])
      ;[logBytes, offsetBytes, timeBytes] = [segment.sizeBytes, ...indexes]
    }
  })
  return groups
}

/** A checkpoint from outside of the log says nothing. */
function firstDirty({ cleanedUpTo, logStartOffset, logEndOffset }: CleaningFacts): number {
  if (cleanedUpTo === undefined || cleanedUpTo < logStartOffset || cleanedUpTo > logEndOffset) return logStartOffset
  return cleanedUpTo
}

function isTooYoung(segment: Segment, { minCompactionLagMs }: LogConfig, nowMs: number): boolean {
  return minCompactionLagMs > 0 && segment.retentionTimestampMs > nowMs - minCompactionLagMs
}

function isOlderThan({ firstTimestampMs }: Segment, maxCompactionLagMs: number, nowMs: number): boolean {
  return firstTimestampMs > 0 && firstTimestampMs < nowMs - Math.max(0, maxCompactionLagMs)
}

function endOf(segments: readonly Segment[], index: number): number {
  return segments[index + 1]?.baseOffset ?? Number.POSITIVE_INFINITY
}
