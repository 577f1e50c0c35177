import { type FoundPartition, repeatedPartitions } from '../../storage/found-partitions.ts'
import type { Files } from '../../storage/host/host.ts'
import type { FailedDirectory } from '../../storage/log-store.ts'
import type { PartitionInMissingDirectory } from './directory-assignments.ts'
import type { Identity } from './meta-properties.ts'
import { namesOf } from './meta-properties-rules.ts'
import { METADATA_LOG } from './metadata-log.ts'

/* Checks of all data directories together. Each returns one line that says what to do, or undefined if all is well. */

/** Log line about a failed data directory while others are served. Source: LogDirFailureChannel. */
export function failedDirectoryLine(directory: string, error: Error): string {
  return (
    `the data directory ${directory} cannot be used: ${error.message}; requests for its partitions get ` +
    'KAFKA_STORAGE_ERROR until the next start, other directories are not affected; repair its disk or permissions and ' +
    'restart, or, if its data is lost for good, remove it from log.dirs'
  )
}

/** Why the broker ends because of a data directory that failed while it was running; undefined if it goes on. */
export function lostDirectoryFault(
  { directory, error, hasOther }: Pick<FailedDirectory, 'directory' | 'error' | 'hasOther'>,
  metadataDirectory: string,
): string | undefined {
  const isMetadata = directory === metadataDirectory
  if (!isMetadata && hasOther) return undefined
  const why = isMetadata ? 'the metadata log is in it' : 'no other data directory is left'
  return `${error.message}; ${why}, so the broker ends: mend its disk or permissions, and start the broker again`
}

/** Why the broker cannot start with these failed directories; undefined if it can. Source: LogManager, ReplicaManager. */
export function noDirectoryFault(
  failures: ReadonlyMap<string, Error>,
  {
    logDirectories,
    metadataDirectory,
  }: { readonly logDirectories: readonly string[]; readonly metadataDirectory: string },
): string | undefined {
  const remedy = 'repair its disk or permissions, or set another directory'
  const failure = failures.get(metadataDirectory)
  if (failure !== undefined)
    return `the metadata directory ${metadataDirectory} cannot be used: ${failure.message}: ${remedy} with metadata.log.dir or log.dirs`
  if (logDirectories.some((each) => !failures.has(each))) return undefined
  const [first] = logDirectories as [string]
  const message = failures.get(first)!.message
  return `none of the data directories ${logDirectories.join(', ')} can be used, ${first} fails with ${message}: ${remedy} with log.dirs`
}

/** Refuses to adopt topics from some of the directories: partitions in the others would be set aside later. */
export function adoptionFault(error: Error): string {
  return (
    'there is no metadata log, so topics have to be adopted from the data directories, and not all of them can be read: ' +
    `${error.message}: repair the disk or permissions, or, if the directory is lost for good, remove it from log.dirs`
  )
}

/** Refuses a path listed twice in log.dirs: the broker would treat it as two directories. */
export function repeatedDirectory(directories: readonly string[]): string | undefined {
  const repeated = directories.find((each, index) => directories.indexOf(each) !== index)
  return repeated && `log.dirs contains ${repeated} more than once: list each directory once`
}

/**
 * Refuses a metadata log outside the metadata directory. Refuses an empty metadata directory beside used directories of
 * version 1, which always come with a metadata log: it is probably not mounted. Source:
 * KafkaRaftServer.initializeLogDirs.
 */
export function metadataLocationFault(files: Files, directory: string, identity: Identity): string | undefined {
  for (const other of identity.files) {
    if (other.directory === directory || !files.exists(files.join(other.directory, METADATA_LOG))) continue
    return (
      `${files.join(other.directory, METADATA_LOG)} is not in the metadata directory ${directory}: ` +
      `set metadata.log.dir=${other.directory}, or move it away if it is not this cluster's`
    )
  }
  const used = identity.files.find((each) => each.version === '1')
  if (used === undefined || !identity.unformatted.includes(directory)) return undefined
  return (
    `the metadata directory ${directory} is empty, but ${used.directory} contains data: mount the disk of ${directory}; or ` +
    `set metadata.log.dir to the directory that contains ${METADATA_LOG}; or, if it is lost for good, copy ` +
    `${used.file} to ${directory} without its line directory.id: topics are then adopted without their settings`
  )
}

/** Refuses two copies of a partition. Source: LogManager.loadLog. */
export function copiesFault(files: Files, found: readonly FoundPartition[]): string | undefined {
  const [copies] = repeatedPartitions(found)
  if (copies === undefined) return undefined
  const [one, other] = copies.map(({ logDirectory, name }) => files.join(logDirectory, name))
  return (
    `${copies[0]!.name} is in two data directories, ${one} and ${other}, but only one of them can be served: ` +
    `move the older copy away, most likely the one on a disk that was missing for a while`
  )
}

/** Refuses partitions that the metadata places in a missing directory: they would start empty. */
export function missingDirectoryFault(
  missing: readonly PartitionInMissingDirectory[],
  identity: Identity,
): string | undefined {
  const [first] = missing
  if (first === undefined) return undefined
  const { directoryId } = first
  const names = namesIn(missing, directoryId)
  const present = identity.files.map(({ directory }, i) => `${directory} with directory.id=${identity.directoryIds[i]}`)
  const where =
    identity.unformatted.length > 0
      ? `${namesOf(identity.unformatted)} is empty: mount its disk, or add the directory to log.dirs`
      : `add the directory to log.dirs, which has ${namesOf(present)}`
  const [are, these] = names.length === 1 ? ['is', 'the partition starts'] : ['are', 'these partitions start']
  return (
    `${namesOf(names)} ${are} in a missing data directory, with directory.id=${directoryId} in its meta.properties: ` +
    `${where}; if it is lost for good, start once with unclean.leader.election.enable=true, and ` +
    `${these} empty`
  )
}

/** Partitions found in another directory than the missing one the metadata names: a line for each missing directory. */
export function movedLines(moved: readonly PartitionInMissingDirectory[]): string[] {
  return [...new Set(moved.map(({ directoryId }) => directoryId))].map((directoryId) => {
    const names = namesIn(moved, directoryId)
    return (
      `${namesOf(names)} ${names.length === 1 ? 'was' : 'were'} moved from a data directory that is missing, with ` +
      `directory.id=${directoryId}: if the copy found is an old one, newer records are lost`
    )
  })
}

function namesIn(missing: readonly PartitionInMissingDirectory[], directoryId: string): string[] {
  return missing
    .filter((each) => each.directoryId === directoryId)
    .map(({ topic, partition }) => `${topic}-${partition}`)
}
