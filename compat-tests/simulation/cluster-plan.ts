import { SeededRandom } from '../../storage/host/seeded-random.ts'

/** Most brokers of a cluster, with those that are added while it runs. */
export const MOST_BROKERS = 6
const RACKS_IN_TURN = 5
export const RACKS = ['a', 'b']

/** The cluster of a run. What it draws leaves the other random numbers of the seed as they are. */
export interface ClusterPlan {
  /** Most brokers at a start: 1 to 5. */
  readonly brokers: number
  /** Racks of brokers in turn; empty: brokers have none. */
  readonly racks: readonly string[]
  /** Connections between clients and brokers fail. */
  readonly hasNetworkFaults: boolean
  readonly random: SeededRandom
}

/** Seeds of one broker without network faults have the history that they had before there were several brokers. */
export function oneBroker(seed: number): ClusterPlan {
  return { brokers: 1, racks: [], hasNetworkFaults: false, random: clusterRandom(seed) }
}

/** Half of the seeds have one broker. */
export function drawClusterPlan(seed: number): ClusterPlan {
  const random = clusterRandom(seed)
  const brokers = random.pick([1, 1, 1, 1, 2, 3, 4, 5])
  const hasNetworkFaults = random.oneIn(2)
  const racks = brokers > 1 && random.oneIn(2) ? drawRacks(random) : []
  return { brokers, racks, hasNetworkFaults, random }
}

function drawRacks(random: SeededRandom): string[] {
  return Array.from({ length: RACKS_IN_TURN }, () => random.pick(RACKS))
}

function clusterRandom(seed: number): SeededRandom {
  return new SeededRandom(seed ^ 0x5eed_c105)
}
