import type { ClusterImage } from './cluster-image.ts'
import type { PartitionImage, TopicImage } from './metadata-image.ts'
import type { ChangeOptions } from './metadata-store.ts'
import { MAX_RECORDS_PER_CHANGE, type MetadataDecision, type MetadataWriter } from './metadata-writer.ts'
import {
  decidePartitionChange,
  type PartitionRules,
  type PartitionTargets,
  partitionChangeRecord,
} from './partition-change.ts'
import { partitionRules, type ReplicationRules } from './partition-rules.ts'

/** A part of a change. The result is true if more parts follow. */
export type Part = Generator<void, MetadataDecision<boolean>>

/** Writes a change in as many parts as it needs. */
export async function changeInParts<R extends ReplicationRules>(
  { writer, rules }: { readonly writer: Pick<MetadataWriter, 'change'>; readonly rules: () => R },
  decide: (image: ClusterImage, rules: R) => Part,
  options: ChangeOptions,
): Promise<void> {
  const known = rules()
  while (await writer.change((image) => decide(image, known), options));
}

export interface PartitionChanges {
  /** Undefined for partitions that stay as they are. */
  readonly targetsOf: (partition: PartitionImage, topic: TopicImage) => PartitionTargets | undefined
  /** Records of the change: those of partitions are added. */
  readonly records: Buffer[]
  /** Brokers that may lead; by default those that are active. */
  readonly isAcceptable?: (node: number) => boolean
  /** Most records; by default one less than a change has, for that of a broker's registration. */
  readonly limit?: number
}

/** Changes all partitions of the cluster that have targets. Returns false if the limit ends it early. */
export function* changePartitions(
  image: ClusterImage,
  rules: ReplicationRules,
  { targetsOf, records, isAcceptable, limit = MAX_RECORDS_PER_CHANGE - 1 }: PartitionChanges,
): Generator<void, boolean> {
  for (const topic of image.topicsByName.values()) {
    let topicRules: ((partition: PartitionImage) => PartitionRules) | undefined
    for (const [index, partition] of topic.partitions.entries()) {
      const targets = targetsOf(partition, topic)
      if (targets === undefined) continue
      topicRules ??= partitionRules(image, topic, rules, isAcceptable)
      const change = decidePartitionChange(partition, targets, topicRules(partition))
      if (change === undefined) continue
      if (records.length >= limit) return false
      records.push(partitionChangeRecord(topic.id, index, change, image.features))
      yield
    }
    yield
  }
  return true
}
