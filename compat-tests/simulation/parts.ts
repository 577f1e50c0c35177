import { simulateBroker } from './broker-simulation.ts'
import { simulateGroups } from './group-simulation.ts'
import { simulateStorage } from './storage-simulation.ts'
import { simulateZooKeeper } from './zookeeper-simulation.ts'

/** Gets the events of a run, to examine a single seed. */
export type Trace = (fields: object, message: string) => void

/** Simulations by name. Each returns counts of what happened and throws if a rule is broken. */
export const simulationParts: Readonly<Record<string, (seed: number, trace?: Trace) => Promise<object>>> = {
  storage: simulateStorage,
  groups: simulateGroups,
  broker: simulateBroker,
  zookeeper: simulateZooKeeper,
}
