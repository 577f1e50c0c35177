import { encodeMetadataRecord } from '../../protocol/internal-records/metadata-framing.ts'
import { PartitionChangeRecord } from '../../protocol/internal-records/topic-records.ts'
import type { ClusterImage } from './cluster-image.ts'
import { partitionRecord } from './image-records.ts'
import { partitionRecordVersion } from './record-versions.ts'

/**
 * Starts a new leader epoch for each partition that this broker leads, or may lead as the only in-sync replica of a
 * partition without a leader.
 */
export function newLeaderEpochs(image: ClusterImage, nodeId: number): Buffer[] {
  const version = partitionRecordVersion(image.features)
  const records: Buffer[] = []
  for (const topic of image.topicsByName.values()) {
    topic.partitions.forEach(({ leader, isr }, partitionId) => {
      if (leader === nodeId || (leader === -1 && isr.includes(nodeId)))
        records.push(
          encodeMetadataRecord(PartitionChangeRecord, version, { partitionId, topicId: topic.id, leader: nodeId }),
        )
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
  nodeId: number,
  latest: ReadonlyMap<string, number>,
  { lostElections }: { readonly lostElections: boolean },
): Buffer[] {
  const records: Buffer[] = []
  for (const topic of image.topicsByName.values()) {
    topic.partitions.forEach((partition, index) => {
      const last = latest.get(`${topic.name}-${index}`) ?? -1
      const leaderEpoch = last + 1
      if (partition.leader !== nodeId || partition.leaderEpoch >= (lostElections ? leaderEpoch : last)) return
      const next = { ...partition, leaderEpoch, partitionEpoch: partition.partitionEpoch + 1 }
      records.push(partitionRecord(topic.id, index, next, image.features))
    })
  }
  return records
}

/** Elects this broker for partitions without a leader, as Kafka leaves them when its last broker stops. */
export function missingLeaders(image: ClusterImage, nodeId: number): Buffer[] {
  const version = partitionRecordVersion(image.features)
  const records: Buffer[] = []
  for (const topic of image.topicsByName.values()) {
    topic.partitions.forEach(({ leader, isr, eligibleLeaderReplicas }, partitionId) => {
      if (leader !== -1) return
      if (isr.includes(nodeId))
        records.push(
          encodeMetadataRecord(PartitionChangeRecord, version, { partitionId, topicId: topic.id, leader: nodeId }),
        )
      else if (eligibleLeaderReplicas.includes(nodeId))
        records.push(
          encodeMetadataRecord(PartitionChangeRecord, version, {
            partitionId,
            topicId: topic.id,
            leader: nodeId,
            isr: [nodeId],
            eligibleLeaderReplicas: eligibleLeaderReplicas.filter((id) => id !== nodeId),
            lastKnownElr: [],
          }),
        )
    })
  }
  return records
}
