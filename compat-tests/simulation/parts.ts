import { simulateBroker } from './broker-simulation.ts'
import { simulateGroups } from './group-simulation.ts'
import { simulateStorage } from './storage-simulation.ts'

/** Told of what happens, for one seed alone. */
export type Trace = (fields: object, message: string) => void

/** What the simulator runs, by name: each takes a seed, answers counts of what was done, and throws where a rule is broken. */
export const simulationParts: Readonly<Record<string, (seed: number, trace?: Trace) => Promise<object>>> = {
  storage: simulateStorage,
  groups: simulateGroups,
  broker: simulateBroker,
}
