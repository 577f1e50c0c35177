import type { LogConfig } from '../partition-log.ts'
import { OFFSET_ENTRY_BYTES } from '../segment/offset-index.ts'
import type { Segment } from '../segment/segment.ts'
import { TIME_ENTRY_BYTES } from '../segment/time-index.ts'

/** Inputs of the decision. */
export interface CleaningFacts {
  readonly nowMs: number
  readonly logStartOffset: number
  readonly logEndOffset: number
  /** Nothing above it is compacted: its transactions may still be open. */
  readonly lastStableOffset: number
  /**
   * Nothing above it is sure to be on the disk. Recovery would take offsets that compaction removed there for lost
   * data.
   */
  readonly recoveryPoint: number
  /** From cleaner-offset-checkpoint: everything below has been compacted; undefined: nothing has. */
  readonly cleanedUpTo: number | undefined
}

/** Which part of a log to compact, and how urgent that is. */
export interface CleaningPlan {
  readonly firstDirtyOffset: number
  /** Base offset of the first segment that must not be compacted. */
  readonly endOffset: number
  readonly cleanableBytes: number
  /** Share of the bytes up to endOffset that were never compacted. */
  readonly dirtyRatio: number
  /** True if the log is to be compacted now. */
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
  // Whole segments only: the segment that contains the limit is not compacted.
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
 * Groups neighbouring segments that fit into one segment, its indexes included. Each group becomes one segment.
 * endOffset: end of the last segment. Source: Cleaner.groupSegmentsBySize.
 */
export function groupSegments(segments: readonly Segment[], config: LogConfig, endOffset: number): Segment[][] {
  const groups: Segment[][] = []
  let [logBytes, offsetBytes, timeBytes] = [0, 0, 0]
  segments.forEach((segment, i) => {
    const group = groups.at(-1)
    segment.ensureIndexes()
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

/** Ignores a checkpoint outside of the log. */
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
