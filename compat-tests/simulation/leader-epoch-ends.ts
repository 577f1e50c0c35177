import type { ReadBatch } from './batch-reader.ts'

/** Where a leader epoch ends, as far as batches tell. */
export interface LeaderEpochEnd {
  readonly leaderEpoch: number
  /** Last offset of its batches. */
  readonly lastOffset: number
  /** First offset of the next epoch's batches; Infinity: there are none. */
  readonly nextOffset: number
}

/** The ends of all epochs; undefined if epochs fall. */
export function leaderEpochEnds(batches: readonly ReadBatch[]): LeaderEpochEnd[] | undefined {
  const ends: LeaderEpochEnd[] = []
  let before: ReadBatch | undefined
  for (const batch of batches) {
    if (before !== undefined && batch.leaderEpoch !== before.leaderEpoch) {
      const { leaderEpoch, lastOffset } = before
      if (batch.leaderEpoch < leaderEpoch) return undefined
      ends.push({ leaderEpoch, lastOffset, nextOffset: batch.baseOffset })
    }
    before = batch
  }
  if (before !== undefined) ends.push({ ...before, nextOffset: Number.POSITIVE_INFINITY })
  return ends
}
