import type { ClusterImage } from './cluster-image.ts'
import { partitionRecord } from './image-records.ts'
import { partitionChangeRecord } from './partition-change.ts'

/**
 * Starts a new leader epoch for each partition that one of these brokers leads, or may lead as an in-sync replica of a
 * partition without a leader.
 */
export function newLeaderEpochs(image: ClusterImage, nodes: ReadonlySet<number>): Buffer[] {
  const records: Buffer[] = []
  for (const topic of image.topicsByName.values()) {
    topic.partitions.forEach((partition, index) => {
      const leader = (partition.leader === -1 ? partition.isr : [partition.leader]).find((node) => nodes.has(node))
      if (leader !== undefined) records.push(partitionChangeRecord(topic.id, index, { leader }, image.features))
    })
  }
  return records
}

/**
 * New epochs for partitions whose log has later epochs than the metadata: the metadata lost elections, or the log is
 * that of another topic, put in its place. Each gets the epoch after its log's. latest: last epoch in the log, by
 * `topic-0`. lostElections: an epoch equal to that of the log may have been given out before.
 */
export function raisedLeaderEpochs(
  image: ClusterImage,
  nodes: ReadonlySet<number>,
  latest: ReadonlyMap<string, number>,
  { lostElections }: { readonly lostElections: boolean },
): Buffer[] {
  const records: Buffer[] = []
  for (const topic of image.topicsByName.values()) {
    topic.partitions.forEach((partition, index) => {
      const last = latest.get(`${topic.name}-${index}`) ?? -1
      const leaderEpoch = last + 1
      if (!nodes.has(partition.leader) || partition.leaderEpoch >= (lostElections ? leaderEpoch : last)) return
      const next = { ...partition, leaderEpoch, partitionEpoch: partition.partitionEpoch + 1 }
      records.push(partitionRecord(topic.id, index, next, image.features))
    })
  }
  return records
}
