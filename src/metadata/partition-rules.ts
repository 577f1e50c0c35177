import type { ClusterImage } from './cluster-image.ts'
import { defaultDirectory, hasOnlineDirectory, isActive } from './live-brokers.ts'
import type { PartitionImage, TopicImage } from './metadata-image.ts'
import type { PartitionRules } from './partition-change.ts'

/** Settings of topics that decisions about their partitions depend on. */
export interface ReplicationRules {
  minInsyncReplicas(topic: string): number
  /** True if a replica that is not in sync may become leader: unclean.leader.election.enable. */
  allowsUncleanElection(topic: string): boolean
}

/**
 * Rules for changes of a topic's partitions. isAcceptable: brokers that may lead; by default all that are active.
 * Source: ReplicationControlManager.LeaderAcceptor, getTopicEffectiveMinIsr.
 */
export function partitionRules(
  image: ClusterImage,
  { name, partitions }: TopicImage,
  rules: ReplicationRules,
  isAcceptable = (node: number) => isActive(image, node),
): (partition: PartitionImage) => PartitionRules {
  const minInsyncReplicas = Math.min(rules.minInsyncReplicas(name), partitions[0]?.replicas.length ?? 1)
  return (partition) => ({
    features: image.features,
    minInsyncReplicas,
    mayLead: (node) => isAcceptable(node) && hasOnlineDirectory(image, partition, node),
    directoryOf: (node) => defaultDirectory(image, node),
  })
}
