import type { LogAppend } from './log-append.ts'
import type { LogFlush } from './log-flush.ts'
import type { LogReads } from './log-reads.ts'
import type { LogServices } from './log-services.ts'
import type { LogState } from './log-state.ts'
import { type ProducerRebuild, rebuildProducers } from './rebuild-producers.ts'
import type { SegmentList } from './segment-list.ts'

/** Parts of a log that a truncation uses. */
interface CutParts {
  readonly state: LogState
  readonly segments: SegmentList
  readonly flush: LogFlush
  readonly appends: LogAppend
  readonly reads: LogReads
}

/** Removes everything at or above the offset from files and memory, then rebuilds the memory from the files. */
export function cutLog(
  { state, segments, flush, appends, reads }: CutParts,
  offset: number,
  services: LogServices,
): void {
  const { sizeBytes } = segments
  reads.noteLayoutChange()
  appends.cutTo(offset)
  segments.removeAbove(offset)
  const { active } = segments
  flush.noteChange(active)
  active.indexes.active = true
  if (active.baseOffset > offset) flush.noteNewFiles(segments.restartAt(offset))
  else active.truncateTo(offset, services.openFiles.use(active.logPath).size())
  // A failed write removes nothing that was flushed, and before any other truncation everything is.
  state.cutTo(offset, offset < state.flushedEndOffset ? sizeBytes - segments.sizeBytes : 0)
  state.snapshots.removeWhere((each) => each > offset)
  flush.syncRemovals()
  const producers = rebuildProducers(rebuildOf(state, segments, services), offset)
  producers.keepVerificationsOf(state.producers)
  state.replaceProducers(producers)
}

/** Inputs for rebuilding producers from the files of an open log. */
export function rebuildOf(state: LogState, segments: SegmentList, { host, settings }: LogServices): ProducerRebuild {
  return {
    partition: state.name,
    segments: segments.all,
    snapshots: state.snapshots,
    nowMs: host.clock.nowMs(),
    expirationMs: settings.producerIdExpirationMs,
  }
}
