import type { TransactionCoordinator } from './transaction-coordinator.ts'
import type { MarkerWriter } from './write-markers.ts'

/** What the brokers of a cluster do for each other's transactions. */
export interface TransactionBroker {
  readonly transactions: TransactionCoordinator
  readonly markers: MarkerWriter
}

/** Finds a running broker by node id; undefined if it does not run. Embedded: in the same process. */
export type FindTransactionBroker = (nodeId: number) => TransactionBroker | undefined
