import { SeededRandom } from '../../storage/host/seeded-random.ts'

/** The cluster of a run. What it draws leaves the other random numbers of the seed as they are. */
export interface ClusterPlan {
  /** Most brokers: 1 to 5. */
  readonly brokers: number
  /** Connections between clients and brokers fail. */
  readonly hasNetworkFaults: boolean
  readonly random: SeededRandom
}

/** Seeds of one broker without network faults have the history that they had before there were several brokers. */
export function oneBroker(seed: number): ClusterPlan {
  return { brokers: 1, hasNetworkFaults: false, random: clusterRandom(seed) }
}

/** Half of the seeds have one broker. */
export function drawClusterPlan(seed: number): ClusterPlan {
  const random = clusterRandom(seed)
  return { brokers: random.pick([1, 1, 1, 1, 2, 3, 4, 5]), hasNetworkFaults: random.oneIn(2), random }
}

function clusterRandom(seed: number): SeededRandom {
  return new SeededRandom(seed ^ 0x5eed_c105)
}
