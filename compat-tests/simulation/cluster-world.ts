import type { SimulatedHost } from '../../storage/host/simulated-host.ts'
import type { SimulatedBroker } from './simulated-broker.ts'

/** What happened to a cluster in a run. */
export interface ClusterCounts {
  /** Single brokers of a cluster that were killed or stopped. */
  brokersEnded: number
  brokersStarted: number
  brokersAdded: number
  brokersRemoved: number
  leadersMoved: number
  reassignments: number
  /** Partitions that got a leader by a client's request for elections. */
  elections: number
  uncleanElections: number
  /** Starts with another number of brokers than before. */
  resizes: number
  /** Checks of a whole cluster after an event. */
  quietChecks: number
}

/** A cluster under test. */
export interface ClusterWorld {
  readonly host: SimulatedHost
  readonly broker: SimulatedBroker
  readonly counts: ClusterCounts
  /** Ends the run with this failure. */
  fail(error: unknown): void
}

export function newClusterCounts(): ClusterCounts {
  return {
    brokersEnded: 0,
    brokersStarted: 0,
    brokersAdded: 0,
    brokersRemoved: 0,
    leadersMoved: 0,
    reassignments: 0,
    elections: 0,
    uncleanElections: 0,
    resizes: 0,
    quietChecks: 0,
  }
}
