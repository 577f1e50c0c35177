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
  readonly nodeId: number
  /** Ids of brokers that are not fenced. */
  readonly alive: ReadonlySet<number>
  /** True: the partition's data directory on this broker failed. */
  readonly isOffline: (topic: TopicImage, partition: number) => boolean
}

export function clusterView(image: MetadataImage, { nodeId, partitions }: Services): ClusterView {
  const alive = [...image.brokers.values()].filter((broker) => !broker.fenced).map((broker) => broker.nodeId)
  return { nodeId, alive: new Set(alive), isOffline: (topic, partition) => partitions.isOffline(topic, partition) }
}

/**
 * The partition as clients see it. Where its data directory on this broker failed, Kafka's controller takes the broker
 * out of the in-sync replicas, and the leader away. Here the metadata stays as it is, for the next start; only its
 * description changes. Source: ReplicationControlManager.handleDirectoriesOffline.
 */
export function partitionNow(topic: TopicImage, index: number, { nodeId, isOffline }: ClusterView): PartitionNow {
  const partition = topic.partitions[index]!
  if (!isOffline(topic, index)) return { ...partition, offline: [] }
  const isLast = partition.isr.every((node) => node === nodeId)
  return {
    ...partition,
    leader: partition.leader === nodeId ? NO_LEADER : partition.leader,
    isr: partition.isr.filter((node) => node !== nodeId),
    eligibleLeaderReplicas: isLast ? [nodeId] : partition.eligibleLeaderReplicas,
    lastKnownEligibleLeaderReplicas: isLast ? [nodeId] : partition.lastKnownEligibleLeaderReplicas,
    offline: [nodeId],
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
