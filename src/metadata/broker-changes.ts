/*
 * Decisions about brokers that come and go: who leads their partitions, and which replicas stay in sync. Pure functions
 * from an image to records. A broker may have more partitions than a batch has records, so each decides a part of its
 * change; the next part is decided on the image after it. Source: ReplicationControlManager.handleBroker...
 */
import {
  BrokerRegistrationChangeRecord,
  UnregisterBrokerRecord,
} from '../../protocol/internal-records/broker-records.ts'
import { encodeMetadataRecord } from '../../protocol/internal-records/metadata-framing.ts'
import { invariant } from '../../protocol/invariant.ts'
import type { BrokerRegistration, ClusterImage, Listener } from './cluster-image.ts'
import { registerBrokerRecord } from './image-records.ts'
import { hasOnlineDirectory, isActive } from './live-brokers.ts'
import type { PartitionImage, TopicImage } from './metadata-image.ts'
import type { PartitionTargets } from './partition-change.ts'
import { changePartitions, type Part } from './partition-changes.ts'
import type { ReplicationRules } from './partition-rules.ts'
import { eligibleLeaderReplicas, supportedFeatures } from './record-versions.ts'

/** What a broker registers. */
export interface RegisteringBroker {
  readonly nodeId: number
  readonly rack: string | null
  readonly incarnationId: string
  /** No two brokers may have the same directory: Kafka refuses such a log. */
  readonly directoryIds: readonly string[]
  readonly advertised: readonly Listener[]
  /** False: it may lead at once. Kafka's brokers register fenced, and are unfenced by a heartbeat. */
  readonly fenced: boolean
  /**
   * How its last incarnation ended. After a clean stop its replicas are not in sync; after an unclean one they are not
   * eligible leaders either (KIP-966). Undefined: with the process, so its replicas stay what they are.
   */
  readonly lastStop?: 'clean' | 'unclean'
}

/** Source: ClusterControlManager.registerBroker. */
export function* registerBroker(image: ClusterImage, broker: RegisteringBroker, rules: ReplicationRules): Part {
  checkDirectories(image, broker)
  const { nodeId, lastStop } = broker
  const records: Buffer[] = []
  if (lastStop !== undefined) {
    const isUnclean = lastStop === 'unclean' && eligibleLeaderReplicas(image.features)
    const isWhole = yield* changeLeaders(image, isUnclean ? { uncleanShutdown: nodeId } : { removed: nodeId }, rules, {
      of: ({ isr, eligibleLeaderReplicas }) =>
        isr.includes(nodeId) || (isUnclean && eligibleLeaderReplicas.includes(nodeId)),
      records,
    })
    if (!isWhole) return { records, result: true }
  }
  records.push(registerBrokerRecord(registrationOf(broker, image.endOffset), image.features))
  return { records, result: false }
}

function checkDirectories({ registrations }: ClusterImage, { nodeId, directoryIds }: RegisteringBroker): void {
  for (const other of registrations.values())
    if (other.nodeId !== nodeId)
      for (const id of directoryIds)
        invariant(!other.directories.includes(id), `broker ${other.nodeId} is registered with directory ${id}`)
}

/** A new registration. epoch: the offset of its record, or that of the first record of its change. */
export function registrationOf(broker: Omit<RegisteringBroker, 'lastStop'>, epoch: number): BrokerRegistration {
  return {
    nodeId: broker.nodeId,
    epoch,
    rack: broker.rack,
    fenced: broker.fenced,
    inControlledShutdown: false,
    incarnationId: broker.incarnationId,
    endpoints: new Map(),
    listeners: broker.advertised,
    supportedFeatures,
    directories: broker.directoryIds,
    cordonedDirectories: [],
  }
}

/** Fences a broker: others lead its partitions. Source: handleBrokerFenced. */
export function* fenceBroker(image: ClusterImage, nodeId: number, rules: ReplicationRules): Part {
  const registration = image.registrations.get(nodeId)
  const records: Buffer[] = []
  const isWhole = yield* changeLeaders(image, { removed: nodeId }, rules, {
    of: ({ isr }) => isr.includes(nodeId),
    records,
  })
  if (isWhole && registration?.fenced === false) records.push(fencingRecord(registration, true))
  return { records, result: !isWhole }
}

/** Unfences a broker: it leads partitions without a leader that it may lead. Source: handleBrokerUnfenced. */
export function* unfenceBroker(image: ClusterImage, nodeId: number, rules: ReplicationRules): Part {
  const registration = image.registrations.get(nodeId)
  if (registration === undefined) return { records: [], result: false }
  const records = registration.fenced ? [fencingRecord(registration, false)] : []
  const isWhole = yield* changeLeaders(image, { added: nodeId }, rules, { of: ({ leader }) => leader === -1, records })
  return { records, result: !isWhole }
}

/** A broker is going to stop: others lead its partitions. Source: handleBrokerInControlledShutdown. */
export function* shutDownBroker(image: ClusterImage, nodeId: number, rules: ReplicationRules): Part {
  const registration = image.registrations.get(nodeId)
  if (registration === undefined) return { records: [], result: false }
  const records = registration.inControlledShutdown ? [] : [shutdownRecord(registration)]
  const isWhole = yield* changeLeaders(image, { removed: nodeId }, rules, {
    of: ({ isr }) => isr.includes(nodeId),
    records,
  })
  return { records, result: !isWhole }
}

/** Removes a broker's registration. Its replicas stay assigned to it. Source: handleBrokerUnregistered. */
export function* unregisterBroker(image: ClusterImage, nodeId: number, rules: ReplicationRules): Part {
  const registration = image.registrations.get(nodeId)
  if (registration === undefined) return { records: [], result: false }
  const records: Buffer[] = []
  const isWhole = yield* changeLeaders(image, { removed: nodeId }, rules, {
    of: ({ isr, eligibleLeaderReplicas }) => isr.includes(nodeId) || eligibleLeaderReplicas.includes(nodeId),
    records,
  })
  if (isWhole)
    records.push(encodeMetadataRecord(UnregisterBrokerRecord, 0, { brokerId: nodeId, brokerEpoch: registration.epoch }))
  return { records, result: !isWhole }
}

/**
 * Puts all live replicas in sync, as their leaders ask for once they have caught up: data exists once in a process. That
 * completes reassignments. Unlike Kafka, it also helps partitions that have no leader, since the process has the data: all
 * live replicas are in sync if one of them is being added, or if those that may lead are no replicas any more. Source:
 * ReplicationControlManager.alterPartition, Partition.maybeExpandIsr.
 */
export function* catchUp(image: ClusterImage, rules: ReplicationRules): Part {
  const records: Buffer[] = []
  const targetsOf = (partition: PartitionImage, topic: TopicImage) => {
    const lives = (replica: number) => isActive(image, replica) && hasOnlineDirectory(image, partition, replica)
    if (partition.leader === -1) return regainedLeader(partition, lives)
    return lives(partition.leader) ? grownIsr(partition, lives, topic, rules) : undefined
  }
  const isWhole = yield* changePartitions(image, rules, { targetsOf, records })
  return { records, result: !isWhole }
}

/** Undefined: the partition waits for a replica that may lead. */
function regainedLeader(
  { replicas, isr, eligibleLeaderReplicas, addingReplicas }: PartitionImage,
  lives: (replica: number) => boolean,
): PartitionTargets | undefined {
  const mayLead = isr.length > 0 ? isr : eligibleLeaderReplicas
  const awaited = mayLead.filter((replica) => replicas.includes(replica))
  // A reassignment removes replicas, but leaves them among those that may lead: Kafka's partition has no leader for ever.
  const waitsInVain = mayLead.length > 0 && awaited.length === 0
  const helpers = waitsInVain ? replicas : [...awaited, ...addingReplicas]
  return helpers.some(lives) ? { isr: replicas.filter(lives) } : undefined
}

function grownIsr(
  { replicas, isr }: PartitionImage,
  lives: (replica: number) => boolean,
  { name }: TopicImage,
  rules: ReplicationRules,
): PartitionTargets | undefined {
  const returning = replicas.filter((replica) => !isr.includes(replica) && lives(replica))
  if (returning.length === 0) return undefined
  return {
    // A leader asks for a set, which Kafka's leaders send in ascending order.
    isr: [...isr, ...returning].sort((a, b) => a - b),
    isRecovering: false,
    election: rules.allowsUncleanElection(name) ? 'unclean' : 'online',
  }
}

/** Brokers that the metadata takes for alive, or that lead or are in sync, but that do not run. */
export function* staleBrokers(image: ClusterImage, running: ReadonlySet<number>): Generator<void, number[]> {
  const stale = new Set<number>()
  for (const { nodeId, fenced } of image.registrations.values()) if (!fenced) stale.add(nodeId)
  for (const { partitions } of image.topicsByName.values()) {
    for (const { leader, isr } of partitions) for (const node of leader === -1 ? [] : isr) stale.add(node)
    yield
  }
  return [...stale].filter((node) => !running.has(node)).sort((a, b) => a - b)
}

/** What happened to a broker. */
interface BrokerEvent {
  /** A broker that leaves the in-sync replicas. */
  readonly removed?: number
  /** A broker that may lead from now on. */
  readonly added?: number
  /** A broker that returned after an unclean stop. */
  readonly uncleanShutdown?: number
}

/** Source: ReplicationControlManager.generateLeaderAndIsrUpdates. */
function changeLeaders(
  image: ClusterImage,
  { removed, added, uncleanShutdown }: BrokerEvent,
  rules: ReplicationRules,
  { of, records }: { readonly of: (partition: PartitionImage) => boolean; readonly records: Buffer[] },
): Generator<void, boolean> {
  const leaves = (node: number) => node === removed || node === uncleanShutdown
  const isAcceptable = (node: number) => !leaves(node) && (node === added || isActive(image, node))
  const targetsOf = (partition: PartitionImage, { name }: TopicImage): PartitionTargets | undefined =>
    of(partition)
      ? {
          isr: partition.isr.filter((node) => !leaves(node)),
          election: rules.allowsUncleanElection(name) ? 'unclean' : 'online',
          ...(uncleanShutdown === undefined ? {} : { uncleanShutdownReplica: uncleanShutdown }),
        }
      : undefined
  return changePartitions(image, rules, { targetsOf, records, isAcceptable })
}

function fencingRecord({ nodeId, epoch }: BrokerRegistration, isFenced: boolean): Buffer {
  const change = { brokerId: nodeId, brokerEpoch: epoch, fenced: isFenced ? 1 : -1 }
  return encodeMetadataRecord(BrokerRegistrationChangeRecord, 0, change)
}

function shutdownRecord({ nodeId, epoch }: BrokerRegistration): Buffer {
  const change = { brokerId: nodeId, brokerEpoch: epoch, inControlledShutdown: 1 }
  return encodeMetadataRecord(BrokerRegistrationChangeRecord, 1, change)
}
