import { encodeMetadataRecord } from '../../protocol/internal-records/metadata-framing.ts'
import { PartitionChangeRecord } from '../../protocol/internal-records/topic-records.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import type { ClusterImage } from './cluster-image.ts'
import type { MetadataImage, PartitionImage } from './metadata-image.ts'
import type { DirectoryAssignment } from './metadata-store.ts'
import { partitionRecordVersion } from './record-versions.ts'

/** Kafka's directory id of a replica from before the metadata had directories. */
export const MIGRATING_DIRECTORY = `${ZERO_UUID.slice(0, -1)}g`
/** Kafka's directory id of a replica whose directory failed before it was named. */
export const LOST_DIRECTORY = `${ZERO_UUID.slice(0, -1)}Q`

/** Prefix of Kafka's reserved directory ids: unassigned, lost, migrating. */
const NO_DIRECTORY = ZERO_UUID.slice(0, -1)

/** Data directory of a broker's replica in the metadata; undefined if the metadata does not say. */
export function directoryOf({ replicas, directories }: PartitionImage, nodeId: number): string | undefined {
  const directory = directories[replicas.indexOf(nodeId)]
  return directory === undefined || directory.startsWith(NO_DIRECTORY) ? undefined : directory
}

/** A partition that the metadata places in a missing data directory. */
export interface PartitionInMissingDirectory {
  readonly topic: string
  readonly partition: number
  /** Id of the missing directory. */
  readonly directoryId: string
  /** True if another directory has its files. */
  readonly isFound: boolean
}

/** A broker and the ids of its data directories. */
export interface HostingBroker {
  readonly nodeId: number
  readonly directoryIds: readonly string[]
}

/** Partitions of a broker that the metadata places in none of its directories. */
export function partitionsInMissingDirectories(
  image: MetadataImage,
  broker: HostingBroker,
  found: readonly { readonly name: string }[],
): PartitionInMissingDirectory[] {
  const present = new Set(broker.directoryIds)
  const names = new Set(found.map(({ name }) => name))
  const missing: PartitionInMissingDirectory[] = []
  for (const { name: topic, partitions } of image.topicsByName.values()) {
    partitions.forEach((each, partition) => {
      const directoryId = directoryOf(each, broker.nodeId)
      if (directoryId === undefined || present.has(directoryId)) return
      missing.push({ topic, partition, directoryId, isFound: names.has(`${topic}-${partition}`) })
    })
  }
  return missing
}

/** Records that assign partitions to directories. None if the metadata version is too old for them. */
export function directoryRecords(
  image: ClusterImage,
  assignments: readonly DirectoryAssignment[],
  controllerId: number,
): Buffer[] {
  const version = partitionRecordVersion(image.features)
  return assignments.flatMap(({ topicId, partition, directoryId, brokerId: nodeId = controllerId, isLost = false }) => {
    const before = image.topicsById.get(topicId)?.partitions[partition]
    const replica = before?.replicas.indexOf(nodeId) ?? -1
    if (before === undefined || replica === -1) return []
    const directories = before.replicas.map((_, i) =>
      i === replica ? directoryId : (before.directories[i] ?? ZERO_UUID),
    )
    const isNew = version >= 1 && before.directories[replica] !== directoryId
    if (!isNew && !isLost) return []
    const change = {
      partitionId: partition,
      topicId,
      ...(isNew ? { directories } : {}),
      ...(isLost ? { leader: nodeId } : {}),
    }
    return [encodeMetadataRecord(PartitionChangeRecord, version, change)]
  })
}
