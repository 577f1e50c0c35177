import type { PartitionImage } from './metadata-image.ts'
import { newClusterFeatures } from './record-versions.ts'

/** Levels of a cluster without eligible leader replicas. */
export const withoutEligibleLeaders: ReadonlyMap<string, number> = new Map([
  ...newClusterFeatures,
  ['eligible.leader.replicas.version', 0],
])

/** A partition of replicas 1, 2 and 3, led by 1; all are in sync. */
export function partitionOf(changes: Partial<PartitionImage> = {}): PartitionImage {
  const replicas = changes.replicas ?? [1, 2, 3]
  return {
    leader: replicas[0]!,
    leaderEpoch: 0,
    partitionEpoch: 0,
    replicas,
    isr: replicas,
    addingReplicas: [],
    removingReplicas: [],
    eligibleLeaderReplicas: [],
    lastKnownEligibleLeaderReplicas: [],
    isRecovering: false,
    directories: replicas.map(directoryOfBroker),
    ...changes,
  }
}

/** The only directory of a broker. */
export function directoryOfBroker(nodeId: number): string {
  return `directoryOf${String(nodeId).padStart(10, '0')}A`
}
