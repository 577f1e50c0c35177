import { errorCode } from '../../protocol/error-codes.ts'
import type { MetadataImage, PartitionImage, TopicImage } from '../metadata/metadata-image.ts'
import type { Services } from './services.ts'

const NO_LEADER = -1

/** Partition fields shared by Metadata and DescribeTopicPartitions. */
export interface PartitionView {
  readonly errorCode: number
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly replicaNodes: readonly number[]
  readonly isrNodes: readonly number[]
  readonly offlineReplicas: readonly number[]
}

/** The cluster's state that descriptions of partitions depend on. */
export interface ClusterView {
  /** Ids of brokers that are not fenced. */
  readonly alive: ReadonlySet<number>
  /** True: the partition's data directory, which the brokers of this process share, failed. */
  readonly isOffline: (topic: TopicImage, partition: number) => boolean
}

export function clusterView(image: MetadataImage, { partitions }: Services): ClusterView {
  const alive = [...image.brokers.values()].filter((broker) => !broker.fenced).map((broker) => broker.nodeId)
  return { alive: new Set(alive), isOffline: (topic, partition) => partitions.isOffline(topic, partition) }
}

/**
 * The partition as clients see it. Where the data directory of its replicas failed, Kafka's controller takes them out of
 * the in-sync replicas, and the leader away. Here the metadata stays as it is, for the next start; only its description
 * changes. Source: ReplicationControlManager.handleDirectoriesOffline.
 */
export function partitionNow(topic: TopicImage, index: number, { alive, isOffline }: ClusterView): PartitionNow {
  const partition = topic.partitions[index]!
  if (!isOffline(topic, index)) return { ...partition, offline: [] }
  const { leader, replicas, isr } = partition
  const left = isr.filter((node) => !alive.has(node))
  // The last ones in sync stay eligible leaders (KIP-966).
  const last = left.length === 0 && isr.length > 0 ? isr : undefined
  return {
    ...partition,
    leader: alive.has(leader) ? NO_LEADER : leader,
    isr: left,
    eligibleLeaderReplicas: last ?? partition.eligibleLeaderReplicas,
    lastKnownEligibleLeaderReplicas: last?.slice(0, 1) ?? partition.lastKnownEligibleLeaderReplicas,
    offline: replicas.filter((node) => alive.has(node)),
  }
}

/** A partition, and the replicas of it that are offline although their brokers are alive. */
export interface PartitionNow extends PartitionImage {
  readonly offline: readonly number[]
}

/**
 * Describes a partition to a client. With onlyAlive (Metadata v0) offline replicas are left out, which is
 * REPLICA_NOT_AVAILABLE. Source: KRaftMetadataCache.partitionMetadata.
 */
export function partitionView(
  partition: PartitionNow,
  alive: ReadonlySet<number>,
  options: { readonly onlyAlive: boolean } = { onlyAlive: false },
): PartitionView {
  const { leaderEpoch, replicas, isr, offline } = partition
  const visible = (nodes: readonly number[]) => (options.onlyAlive ? nodes.filter((node) => alive.has(node)) : nodes)
  const view = {
    leaderEpoch,
    replicaNodes: visible(replicas),
    isrNodes: visible(isr),
    offlineReplicas: replicas.filter((node) => !alive.has(node) || offline.includes(node)),
  }
  if (!alive.has(partition.leader))
    return { ...view, errorCode: errorCode('LEADER_NOT_AVAILABLE'), leaderId: NO_LEADER }
  const hidesReplicas = view.replicaNodes.length < replicas.length || view.isrNodes.length < isr.length
  return { ...view, errorCode: hidesReplicas ? errorCode('REPLICA_NOT_AVAILABLE') : 0, leaderId: partition.leader }
}
