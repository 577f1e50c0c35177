import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import type { SimulatedHost } from '../../storage/host/simulated-host.ts'
import type { AllTopics } from './all-topics.ts'
import { type ClusterCounts, type ClusterWorld, newClusterCounts } from './cluster-world.ts'
import { ConnectionLost, type SimulatedBroker } from './simulated-broker.ts'
import type { Trace } from './trace.ts'
import type { TransactionContents } from './transaction-contents.ts'
import type { TransactionLedger } from './transaction-ledger.ts'

/** What happened in a run. Tests check it, for example that there were faults. */
export interface TransactionCounts extends ClusterCounts {
  /** Producers that began anew after a refusal, and after their own end. */
  refusedProducers: number
  endedClients: number
  /** Sleeps that were longer than the timeout of the open transaction. */
  longSleeps: number
  /** Producers that went on after another of their transactional id had begun. */
  zombies: number
  /** Requests of producers that another one had replaced. All were refused. */
  zombieRequests: number
  /** Refusals that pass: a transaction was being ended. */
  concurrent: number
  unstable: number
  /** Epochs that producers asked for with their own id. */
  renewedEpochs: number
  /** Refusals of producers whose transactional id had expired. */
  expired: number
  /** Transactions that clients aborted because records of theirs were not answered. */
  surrenders: number
  featureChanges: number
  /** Fetch sessions that readers have opened. */
  sessions: number
  read: number
  /** Records of aborted transactions that read_committed consumers left out. */
  leftOut: number
  markers: number
  topicsMade: number
  topicsDeleted: number
  deletions: number
  rejoins: number
  cleanStops: number
  crashes: number
  powerLosses: number
  failedStarts: number
  fullDisks: number
  failingDisks: number
  failingParts: number
  /** Ends of the process because its last data directory failed. */
  lostDisks: number
}

/** Shared by all clients of a simulated cluster with transactions. */
export class TransactionWorld implements ClusterWorld {
  readonly host: SimulatedHost
  readonly random: SeededRandom
  readonly broker: SimulatedBroker
  readonly topics: AllTopics
  readonly ledger: TransactionLedger
  readonly contents: TransactionContents
  readonly counts: TransactionCounts
  readonly trace: Trace
  /** Time after which an idle transactional id may be forgotten. */
  readonly expirationMs: number
  /** The disk fails, or failed in this run of the process: requests may be refused. */
  isFailing = false
  /** transaction.version was 0 once: until it is raised, clients of KIP-890 are refused. */
  hadVersionZero = false
  /** Number of the process's current run. */
  runNumber = 0
  /** First failure in a place that cannot throw to a caller. */
  failure: unknown

  constructor(
    parts: Omit<TransactionWorld, 'isFailing' | 'hadVersionZero' | 'runNumber' | 'failure' | 'fail' | 'watch'>,
  ) {
    this.host = parts.host
    this.random = parts.random
    this.broker = parts.broker
    this.topics = parts.topics
    this.ledger = parts.ledger
    this.contents = parts.contents
    this.counts = parts.counts
    this.trace = parts.trace
    this.expirationMs = parts.expirationMs
  }

  fail(error: unknown): void {
    this.failure ??= error
  }

  /** Runs a client in the background; losing the broker is no failure. */
  watch(task: Promise<unknown>): void {
    task.catch((error) => {
      if (!(error instanceof ConnectionLost)) this.fail(error)
    })
  }
}

export function newTransactionCounts(): TransactionCounts {
  return {
    refusedProducers: 0,
    endedClients: 0,
    longSleeps: 0,
    zombies: 0,
    zombieRequests: 0,
    concurrent: 0,
    unstable: 0,
    renewedEpochs: 0,
    expired: 0,
    surrenders: 0,
    featureChanges: 0,
    sessions: 0,
    read: 0,
    leftOut: 0,
    markers: 0,
    topicsMade: 0,
    topicsDeleted: 0,
    deletions: 0,
    rejoins: 0,
    cleanStops: 0,
    crashes: 0,
    powerLosses: 0,
    failedStarts: 0,
    fullDisks: 0,
    failingDisks: 0,
    failingParts: 0,
    lostDisks: 0,
    ...newClusterCounts(),
  }
}
