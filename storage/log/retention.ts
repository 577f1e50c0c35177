import type { LogConfig } from '../partition-log.ts'
import type { Segment } from '../segment/segment.ts'

/** Inputs of retention, besides the settings. */
export interface RetentionFacts {
  readonly nowMs: number
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly logEndOffset: number
}

/** The properties of a segment that retention uses. */
export type RetentionSegment = Pick<Segment, 'baseOffset' | 'sizeBytes' | 'retentionTimestampMs'>

/**
 * Segments to delete, oldest first: those below the log start offset, and with cleanup.policy=delete those beyond
 * retention.bytes, or whose last record is older than retention.ms. Each rule stops at the first segment it keeps.
 * Segments that reach the high watermark, and an empty last segment, are kept. Source: UnifiedLog.deleteOldSegments.
 */
export function deletableSegments<T extends RetentionSegment>(
  segments: readonly T[],
  config: LogConfig,
  facts: RetentionFacts,
): T[] {
  let count = 0
  const deleteWhile = (condition: (segment: T, next: T | undefined) => boolean): void => {
    for (; count < segments.length; count++) {
      const segment = segments[count]!
      const next = segments[count + 1]
      const endOffset = next?.baseOffset ?? facts.logEndOffset
      if (facts.highWatermark < endOffset || (next === undefined && segment.sizeBytes === 0)) return
      if (!condition(segment, next)) return
    }
  }
  deleteWhile((_, next) => next !== undefined && next.baseOffset <= facts.logStartOffset)
  if (config.cleanupPolicy.includes('delete')) {
    if (config.retentionBytes >= 0) {
      let excess = segments.slice(count).reduce((sum, each) => sum + each.sizeBytes, -config.retentionBytes)
      deleteWhile(({ sizeBytes }) => {
        if (excess - sizeBytes < 0) return false
        excess -= sizeBytes
        return true
      })
    }
    if (config.retentionMs >= 0) {
      deleteWhile(({ retentionTimestampMs }) => facts.nowMs - retentionTimestampMs > config.retentionMs)
    }
  }
  return segments.slice(0, count)
}
