import { errorCode } from '../../protocol/error-codes.ts'
import type { MetadataImage, PartitionImage } from '../metadata/metadata-image.ts'

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

/** Ids of brokers that are not fenced. */
export function liveBrokers(image: MetadataImage): ReadonlySet<number> {
  return new Set([...image.brokers.values()].filter((broker) => !broker.fenced).map((broker) => broker.nodeId))
}

/**
 * Describes a partition to a client. With onlyAlive (Metadata v0) offline replicas are left out, which is
 * REPLICA_NOT_AVAILABLE. Source: KRaftMetadataCache.partitionMetadata.
 */
export function partitionView(
  partition: PartitionImage,
  alive: ReadonlySet<number>,
  options: { readonly onlyAlive: boolean } = { onlyAlive: false },
): PartitionView {
  const { leaderEpoch, replicas, isr } = partition
  const visible = (nodes: readonly number[]) => (options.onlyAlive ? nodes.filter((node) => alive.has(node)) : nodes)
  const view = {
    leaderEpoch,
    replicaNodes: visible(replicas),
    isrNodes: visible(isr),
    offlineReplicas: replicas.filter((node) => !alive.has(node)),
  }
  if (!alive.has(partition.leader))
    return { ...view, errorCode: errorCode('LEADER_NOT_AVAILABLE'), leaderId: NO_LEADER }
  const hidesReplicas = view.replicaNodes.length < replicas.length || view.isrNodes.length < isr.length
  return { ...view, errorCode: hidesReplicas ? errorCode('REPLICA_NOT_AVAILABLE') : 0, leaderId: partition.leader }
}
