import { type Rejection, reject } from '../../protocol/error-codes.ts'
import type { WantedPartition } from './fetch-request.ts'

/** What planning needs of a partition. */
export interface ReadablePartition {
  /** Rejects an epoch that is not the current leader's. -1: the client does not send an epoch. */
  checkEpoch(currentLeaderEpoch: number): Rejection | undefined
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  endOffsetForEpoch(leaderEpoch: number): { readonly leaderEpoch: number; readonly endOffset: number } | undefined
}

/** How far a reader sees: followers to the log end, consumers to the high watermark or the last stable offset. */
export type Visibility = 'logEnd' | 'highWatermark' | 'lastStableOffset'

/** Offsets when the read was planned; the answer contains these. */
export interface Offsets {
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
}

export type FetchPlan =
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  | { readonly kind: 'diverging'; readonly epoch: number; readonly endOffset: number; readonly offsets: Offsets }
  /** Read whole batches below upToOffset. There are none if upToOffset is not above the fetch offset. */
  | { readonly kind: 'read'; readonly upToOffset: number; readonly offsets: Offsets }

/** Decides what a fetch may read of one partition. Source: Partition.fetchRecords and readRecords, UnifiedLog.read. */
export function planFetch(partition: ReadablePartition, wanted: WantedPartition, visibility: Visibility): FetchPlan {
  const fenced = partition.checkEpoch(wanted.currentLeaderEpoch)
  if (fenced !== undefined) return { kind: 'rejected', rejection: fenced }
  const { highWatermark, lastStableOffset, logStartOffset, logEndOffset } = partition
  const offsets = { highWatermark, lastStableOffset, logStartOffset }
  if (wanted.lastFetchedEpoch >= 0) {
    const found = partition.endOffsetForEpoch(wanted.lastFetchedEpoch)
    if (found === undefined || found.endOffset < 0) return outOfRange()
    if (wanted.fetchOffset < logStartOffset) return outOfRange()
    if (found.leaderEpoch < wanted.lastFetchedEpoch || found.endOffset < wanted.fetchOffset) {
      return { kind: 'diverging', epoch: found.leaderEpoch, endOffset: found.endOffset, offsets }
    }
  }
  if (wanted.fetchOffset < logStartOffset || wanted.fetchOffset > logEndOffset) return outOfRange()
  return { kind: 'read', upToOffset: endOf(visibility, partition), offsets }
}

function outOfRange(): FetchPlan {
  return { kind: 'rejected', rejection: reject('OFFSET_OUT_OF_RANGE') }
}

function endOf(visibility: Visibility, partition: ReadablePartition): number {
  if (visibility === 'logEnd') return partition.logEndOffset
  return visibility === 'highWatermark' ? partition.highWatermark : partition.lastStableOffset
}
