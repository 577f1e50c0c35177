import type { ReadBatch } from './broker-model.ts'
import { check } from './storage-model.ts'

/** Where a leader epoch ends, as far as batches tell. */
export interface LeaderEpochEnd {
  readonly leaderEpoch: number
  /** Last offset of its batches. */
  readonly lastOffset: number
  /** First offset of the next epoch's batches. */
  readonly nextOffset: number
}

/** The ends of all epochs but the last. Throws CheckFailed if epochs fall. */
export function leaderEpochEnds(name: string, batches: readonly ReadBatch[]): LeaderEpochEnd[] {
  const ends: LeaderEpochEnd[] = []
  let before: ReadBatch | undefined
  for (const batch of batches) {
    if (before !== undefined && batch.leaderEpoch !== before.leaderEpoch) {
      const { leaderEpoch, lastOffset } = before
      check(
        batch.leaderEpoch > leaderEpoch,
        `${name}: epoch ${batch.leaderEpoch} at ${batch.baseOffset} follows ${leaderEpoch}`,
      )
      ends.push({ leaderEpoch, lastOffset, nextOffset: batch.baseOffset })
    }
    before = batch
  }
  return ends
}
