import { PARTITION_METADATA_FILE, parsePartitionMetadata } from './checkpoint-files.ts'
import type { FoundPartition } from './found-partitions.ts'
import type { Files, Host } from './host/host.ts'
import { strayDirectoryName } from './segment/file-names.ts'

/** The topic id that a partition's directory names; undefined if partition.metadata is missing or torn. */
export function topicIdIn(files: Files, directory: string): string | undefined {
  const text = files.readWhole(files.join(directory, PARTITION_METADATA_FILE))?.toString('utf8')
  return text === undefined ? undefined : parsePartitionMetadata(text)
}

/** Why a log does not belong to the topic of its name. Continues `/data/t-0 `. */
export function otherTopicReason(topic: string, found: string | undefined, topicId: string): string {
  return found === undefined
    ? `has no topic id, and another directory has the partition of topic ${topic}, with the id ${topicId}`
    : `is of another topic ${topic}, with the id ${found} instead of ${topicId}`
}

/** Why a copy of a partition is not used. Continues `/data/t-0 `. */
export const emptyCopyReason = 'has neither a topic id nor records, and another directory has the partition, too'

/** Why a log belongs to no topic at all. Continues `/data/t-0 `. */
export function unknownTopicReason(found: string | undefined): string {
  const id = found === undefined ? 'without a topic id' : `with the topic id ${found}`
  return `is a partition ${id} of a topic that is not in the metadata`
}

/** Log line about a directory that was renamed to `moved`. */
export function setAsideLine(directory: string, why: string, moved: string): string {
  return `${directory} ${why}: it is set aside as ${moved}, which is never read or deleted; docs/data.md says how to serve its records again; delete it if you do not need them`
}

/** Renames the directory of a partition that belongs to no topic; its files are kept. Returns the new path. */
export function setAside(
  { files, random }: Pick<Host, 'files' | 'random'>,
  { logDirectory, name, topic, partition }: FoundPartition,
): string {
  const uniqueId = random.bytes(16).toString('hex')
  const moved = files.join(logDirectory, strayDirectoryName(topic, partition, uniqueId))
  files.rename(files.join(logDirectory, name), moved)
  return moved
}
