import { simulateBroker } from './broker-simulation.ts'
import { type ClusterPlan, drawClusterPlan, oneBroker } from './cluster-plan.ts'
import { simulateGroups } from './group-simulation.ts'
import { simulateStorage } from './storage-simulation.ts'
import type { Trace } from './trace.ts'
import { simulateTransactions } from './transaction-simulation.ts'
import { simulateZooKeeper } from './zookeeper-simulation.ts'

export interface PartOptions {
  /** Whole brokers: one, with a network in order. */
  readonly isOneBroker?: boolean
}

type Simulate = (seed: number, trace?: Trace, options?: PartOptions) => Promise<object>

function planOf(seed: number, { isOneBroker = false }: PartOptions = {}): ClusterPlan {
  return isOneBroker ? oneBroker(seed) : drawClusterPlan(seed)
}

/** Simulations by name. Each returns counts of what happened and throws if a rule is broken. */
export const simulationParts: Readonly<Record<string, Simulate>> = {
  storage: simulateStorage,
  groups: (seed, trace, options) => simulateGroups(seed, trace, planOf(seed, options)),
  broker: (seed, trace, options) => simulateBroker(seed, trace, planOf(seed, options)),
  transactions: (seed, trace, options) => simulateTransactions(seed, trace, planOf(seed, options)),
  zookeeper: simulateZooKeeper,
}
