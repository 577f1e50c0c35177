import { replicaSelectors } from '../../src/config/replica-selectors.ts'
import type { PartitionImage } from '../../src/metadata/metadata-image.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import type { SimulatedHost } from '../../storage/host/simulated-host.ts'
import type { Ends, PartitionHistory } from './broker-model.ts'
import type { ClusterPlan } from './cluster-plan.ts'
import { type ClusterCounts, type ClusterWorld, newClusterCounts } from './cluster-world.ts'
import type { PartFault } from './part-faults.ts'
import { ConnectionLost, type SimulatedBroker } from './simulated-broker.ts'

/** What happened in a run. Tests check it, for example that there were faults. */
export interface BrokerCounts extends ClusterCounts {
  acknowledged: number
  read: number
  duplicates: number
  refused: number
  sessions: number
  longPolls: number
  topicsMade: number
  topicsDeleted: number
  deletions: number
  /** Partitions told to move to a data directory. */
  moves: number
  /** Rises of log start offsets by retention, as seen by clients. */
  retained: number
  compactions: number
  lookUps: number
  commits: number
  cleanStops: number
  kills: number
  crashes: number
  powerLosses: number
  failedStarts: number
  fullDisks: number
  failingDisks: number
  /** Faults of one part of a disk while the other parts were checked. */
  failingParts: number
  /** Ends of the broker because its metadata directory or its last data directory failed. */
  lostDisks: number
  /** Partitions of a failed data directory that were asked for, and refused. */
  offline: number
  /** Files damaged between two starts. */
  damagedFiles: number
  cutTails: number
  /** Records that consumers with a rack read from followers. */
  readNearby: number
}

/** Shared by all clients of a simulated broker. */
export class BrokerWorld implements ClusterWorld {
  readonly host: SimulatedHost
  readonly random: SeededRandom
  readonly broker: SimulatedBroker
  readonly counts: BrokerCounts
  /** Number of the broker's current run. */
  runNumber = 0
  /** The last run with a fault of the disk: a log that comes back has the last batch of each producer only. */
  faultyRun = -1
  /** Virtual time until which the broker may report a failing disk. */
  mayRefuseUntilMs = 0
  /** Faults of one part of the disk in this run: requests for its partitions may be refused until the next start. */
  partFaults: readonly PartFault[] = []
  /** Appends refused by a failing disk: from the first on the broker knows the fault. */
  refusedAppends = 0
  /** Producers send large values wherever they are stored compressed. */
  sendsLarge = false
  /** First failure in a place that cannot throw to a caller. */
  failure: unknown
  #ids = 0

  constructor(host: SimulatedHost, random: SeededRandom, broker: SimulatedBroker, counts: BrokerCounts) {
    this.host = host
    this.random = random
    this.broker = broker
    this.counts = counts
  }

  get mayRefuse(): boolean {
    return this.host.clock.monotonicMs() <= this.mayRefuseUntilMs
  }

  /** Whether the disk has faults now. */
  get isFailing(): boolean {
    return this.mayRefuse || this.partFaults.length > 0
  }

  /** Too few replicas are in sync: the high watermark does not rise. */
  isHeld(partition: PartitionHistory): boolean {
    return this.heldAs(partition) !== undefined
  }

  /** The partition's metadata if too few replicas are in sync. Each change of it is another object. */
  heldAs({ topic, index }: PartitionHistory): PartitionImage | undefined {
    if (!this.broker.isSeveral) return undefined
    const partition = this.broker.partitionOf(topic.plan.name, index)
    if (partition === undefined) return undefined
    const isHeld = partition.isr.length < Math.min(topic.plan.minInsyncReplicas, partition.replicas.length)
    return isHeld ? partition : undefined
  }

  /** Whether the broker may report a failing disk for this partition. sentMs: when it was asked; its answer may be late. */
  mayRefuseFor(partition: PartitionHistory, sentMs = this.host.clock.monotonicMs()): boolean {
    return sentMs <= this.mayRefuseUntilMs || this.partFaults.some(({ concerns }) => concerns(partition))
  }

  nextId(partition: PartitionHistory): string {
    return `${partition.name}/${this.#ids++}`
  }

  /** The broker returned the partition's log start offset. */
  sawStart(partition: PartitionHistory, start: number, before: Ends): void {
    if (partition.sawStart(start, before, this.host.clock.nowMs())) this.counts.retained++
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

/** Settings that make events frequent. isSynced: acknowledged records are synced, unless the topic's settings differ. */
export function brokerSettings(
  random: SeededRandom,
  directories: readonly string[],
  isSynced: boolean,
): Record<string, string> {
  return {
    ...(isSynced ? { 'log.flush.interval.messages': '1' } : {}),
    'log.roll.ms': '20000',
    'log.cleaner.min.cleanable.ratio': '0.1',
    'log.dirs': directories.join(','),
    'auto.create.topics.enable': 'false',
    'log.retention.check.interval.ms': '5000',
    'log.cleaner.backoff.ms': '1000',
    'log.flush.offset.checkpoint.interval.ms': '10000',
    'connections.max.idle.ms': '1000000000',
    'metadata.log.max.record.bytes.between.snapshots': random.pick(['1000', '20971520']),
    'max.incremental.fetch.session.cache.slots': random.pick(['1', '1000']),
  }
}

export function newCounts(): BrokerCounts {
  return {
    acknowledged: 0,
    read: 0,
    duplicates: 0,
    refused: 0,
    sessions: 0,
    longPolls: 0,
    topicsMade: 0,
    topicsDeleted: 0,
    deletions: 0,
    moves: 0,
    retained: 0,
    compactions: 0,
    lookUps: 0,
    commits: 0,
    cleanStops: 0,
    kills: 0,
    crashes: 0,
    powerLosses: 0,
    failedStarts: 0,
    fullDisks: 0,
    failingDisks: 0,
    failingParts: 0,
    lostDisks: 0,
    offline: 0,
    damagedFiles: 0,
    cutTails: 0,
    readNearby: 0,
    ...newClusterCounts(),
  }
}

/** Further settings of several brokers. */
export function clusterSettings({ brokers, racks, random }: ClusterPlan): Record<string, string> {
  if (brokers === 1) return {}
  return {
    'offsets.topic.num.partitions': '3',
    'leader.imbalance.check.interval.seconds': random.pick(['10', '300']),
    ...(racks.length > 0 ? { 'replica.selector.class': replicaSelectors.rackAware } : {}),
  }
}
