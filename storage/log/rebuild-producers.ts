import { isRejection } from '../../protocol/error-codes.ts'
import { invariant } from '../../protocol/invariant.ts'
import type { RecordBatch } from '../../protocol/records/record-batch.ts'
import type { AbortedTransaction } from '../partition-log.ts'
import type { Segment } from '../segment/segment.ts'
import { hasProducerId, lastOffsetOf } from '../segment/stored-batch.ts'
import type { CompletedTransaction } from './producer-append.ts'
import { isExpired, type ProducerEntry } from './producer-entry.ts'
import { ProducerState } from './producer-state.ts'
import type { SnapshotFiles } from './snapshot-files.ts'

export interface ProducerRebuild {
  readonly partition: string
  readonly segments: readonly Segment[]
  readonly snapshots: SnapshotFiles
  readonly nowMs: number
  readonly expirationMs: number
}

/**
 * Producer state at upToOffset, from the newest snapshot at or below it and the batches after that. Kafka leaves out
 * batches below the log start offset. This broker reads them as long as they exist: deleted records still count for
 * their producers. Source: ProducerStateManager.truncateAndReload, UnifiedLog.rebuildProducerState.
 */
export function rebuildProducers(rebuild: ProducerRebuild, upToOffset: number): ProducerState {
  const { snapshots, segments, nowMs, expirationMs } = rebuild
  const firstOffset = segments[0]?.baseOffset ?? upToOffset
  const newest = snapshots.latest(upToOffset)
  // The batches after an older snapshot are deleted.
  const snapshot = newest !== undefined && newest.offset >= firstOffset ? newest : undefined
  const known = snapshot?.entries ?? []
  for (const entry of known) noteUndated(entry, nowMs)
  const alive = known.filter((entry) => !isExpired(entry, nowMs, expirationMs))
  const state = new ProducerState(rebuild.partition, alive)
  const fromOffset = snapshot?.offset ?? firstOffset
  if (fromOffset < upToOffset) replay(state, segments, fromOffset, upToOffset)
  for (const entry of state.entries) noteUndated(entry, nowMs)
  return state
}

/** Without timestamps it is unknown how long a producer has been silent, so the time counts from now. */
function noteUndated(entry: ProducerEntry, nowMs: number): void {
  if (entry.lastTimestampMs < 0) entry.heardMs = nowMs
}

function replay(state: ProducerState, segments: readonly Segment[], fromOffset: number, upToOffset: number): void {
  for (let i = 0; i < segments.length; i++) {
    const segment = segments[i]!
    const nextBase = segments[i + 1]?.baseOffset ?? Number.POSITIVE_INFINITY
    if (nextBase <= fromOffset || segment.baseOffset >= upToOffset) continue
    const scanner = segment.scan(segment.positionOf(fromOffset), 'whole')
    for (let at = scanner.next(); at !== undefined; at = scanner.next()) {
      if (lastOffsetOf(at.batch) >= upToOffset) return
      replayBatch(state, at.batch)
    }
  }
}

/** Applies a batch that is in the log. Returns the transactions it completes. */
export function replayBatch(
  state: ProducerState,
  batch: RecordBatch,
  onCompleted: (completed: CompletedTransaction, lastStableOffset: number) => void = () => {},
): void {
  if (!hasProducerId(batch)) return
  const changes = state.check([batch], { origin: 'replication' })
  // The only rejection here: a data batch in a transaction without the transactional bit. Kafka's leader accepts
  // none.
  if (isRejection(changes)) return
  invariant('appends' in changes, 'replicated batches are never duplicates')
  state.apply(changes, onCompleted)
}

/** Rebuilds the transaction index of a closed segment. This needs the producer state at the segment's start. */
export function rebuildTransactionIndex(rebuild: ProducerRebuild, segment: Segment): void {
  const state = rebuildProducers(rebuild, segment.baseOffset)
  const aborted: AbortedTransaction[] = []
  const scanner = segment.scan(0, 'whole')
  for (let at = scanner.next(); at !== undefined; at = scanner.next()) {
    replayBatch(state, at.batch, (completed, lastStableOffset) => {
      if (completed.aborted) aborted.push({ ...completed, lastStableOffset })
    })
  }
  segment.indexes.replaceTransactions(aborted)
  segment.indexes.sync()
}
