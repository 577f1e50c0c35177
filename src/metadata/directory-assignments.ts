import { encodeMetadataRecord } from '../../protocol/internal-records/metadata-framing.ts'
import { PartitionChangeRecord } from '../../protocol/internal-records/topic-records.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import type { ClusterImage } from './cluster-image.ts'
import { assignedDirectory, type HostedReplicas } from './hosted-replicas.ts'
import type { MetadataImage } from './metadata-image.ts'
import type { DirectoryAssignment } from './metadata-store.ts'
import { partitionRecordVersion } from './record-versions.ts'

/** Kafka's directory id of a replica from before the metadata had directories. */
export const MIGRATING_DIRECTORY = ZERO_UUID
/** Kafka's directory id of a replica whose broker has not chosen a directory yet. */
export const UNASSIGNED_DIRECTORY = `${ZERO_UUID.slice(0, -1)}Q`
/** Kafka's directory id of a replica whose directory failed before it was named. */
export const LOST_DIRECTORY = `${ZERO_UUID.slice(0, -1)}g`

/** A partition that the metadata places in a missing data directory. */
export interface PartitionInMissingDirectory {
  readonly topic: string
  readonly partition: number
  /** Id of the missing directory. */
  readonly directoryId: string
  /** True if another directory has its files. */
  readonly isFound: boolean
}

/** Partitions of the brokers of this process that the metadata places in none of its directories. */
export function partitionsInMissingDirectories(
  image: MetadataImage,
  hosted: HostedReplicas,
  found: readonly { readonly name: string }[],
): PartitionInMissingDirectory[] {
  const names = new Set(found.map(({ name }) => name))
  const missing: PartitionInMissingDirectory[] = []
  for (const { name: topic, partitions } of image.topicsByName.values()) {
    partitions.forEach((each, partition) => {
      const isMissing = (node: number) => {
        const directoryId = assignedDirectory(each, node)
        return hosted.nodes.has(node) && directoryId !== undefined && !hosted.hasDirectory(node, directoryId)
      }
      const node = each.replicas.find(isMissing)
      if (node === undefined || hosted.directoryOf(each) !== undefined) return
      // The id as in the missing meta.properties, whichever broker it is registered for.
      const directoryId = hosted.idFor(node, assignedDirectory(each, node)!)
      missing.push({ topic, partition, directoryId, isFound: names.has(`${topic}-${partition}`) })
    })
  }
  return missing
}

/** Records that assign partitions to directories. None if the metadata version is too old for them. */
export function directoryRecords(
  image: ClusterImage,
  hosted: HostedReplicas,
  assignments: readonly DirectoryAssignment[],
): Buffer[] {
  const version = partitionRecordVersion(image.features)
  return assignments.flatMap(({ topicId, partition, directoryId, isLost = false }) => {
    const before = image.topicsById.get(topicId)?.partitions[partition]
    const own = before?.replicas.filter((node) => hosted.nodes.has(node)) ?? []
    if (before === undefined || own.length === 0) return []
    const directories = before.replicas.map((node, i) =>
      own.includes(node) ? hosted.idFor(node, directoryId) : (before.directories[i] ?? ZERO_UUID),
    )
    const isNew = version >= 1 && directories.some((id, i) => id !== before.directories[i])
    if (!isNew && !isLost) return []
    const leader = own.includes(before.leader) ? before.leader : own[0]!
    const change = {
      partitionId: partition,
      topicId,
      ...(isNew ? { directories } : {}),
      ...(isLost ? { leader } : {}),
    }
    return [encodeMetadataRecord(PartitionChangeRecord, version, change)]
  })
}
