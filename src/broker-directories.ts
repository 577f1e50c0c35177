import { ZERO_UUID } from '../protocol/schema.ts'
import { CLEAN_SHUTDOWN_FILE } from '../storage/checkpoint-files.ts'
import { DirectoryInUse, lockDirectories } from '../storage/directory-lock.ts'
import { eachAlone, isSystemError } from '../storage/failure-policy.ts'
import {
  type FoundFuture,
  type FoundPartition,
  findFutures,
  findPartitions,
  hasRecords,
  repeatedPartitions,
} from '../storage/found-partitions.ts'
import type { FileLock, Host } from '../storage/host/host.ts'
import { removeReplaced, replacedCopies } from '../storage/moved-from.ts'
import { isOpenLimitError } from '../storage/open-limits.ts'
import { setAside, setAsideLine, topicIdIn } from '../storage/stray-directories.ts'
import type { ConfigStore } from './config/config-store.ts'
import { bootstrapServer } from './config/listeners.ts'
import { StartError } from './config/start-error.ts'
import type { StartSettings } from './config/start-settings.ts'
import {
  type AdoptedTopic,
  type Adopter,
  adoptedTopics,
  adoptionLine,
  lastLeaderEpoch,
  lostMetadataLine,
} from './metadata/adopted-topics.ts'
import {
  adoptionFault,
  copiesFault,
  failedDirectoryLine,
  metadataLocationFault,
  missingDirectoryFault,
  movedLines,
  noDirectoryFault,
  repeatedDirectory,
} from './metadata/data-directories.ts'
import { partitionsInMissingDirectories } from './metadata/directory-assignments.ts'
import type { HostedReplicas } from './metadata/hosted-replicas.ts'
import { type Identity, readIdentity, writeIdentity } from './metadata/meta-properties.ts'
import { IdentityConflict } from './metadata/meta-properties-rules.ts'
import type { MetadataImage } from './metadata/metadata-image.ts'
import { METADATA_LOG } from './metadata/metadata-log.ts'
import { type QuorumVoter, voterEndpoint } from './metadata/quorum-records.ts'
import { type PartitionCopy, strayCopies } from './metadata/stray-copies.ts'
import type { Logger } from './observe/logger.ts'

/** A data directory and its uuid. */
export interface IdentifiedDirectory {
  readonly path: string
  /** The zero uuid if the directory failed before its uuid was read. */
  readonly directoryId: string
  readonly failure?: Error
}

/**
 * Data directories of a broker at the start: their locks, identity and partitions. An unusable directory is logged and
 * left out, as long as the metadata directory and another one can be used.
 * Source: LogManager.createAndValidateLogDirs, LogDirFailureChannel.
 */
export class BrokerDirectories {
  readonly #settings: StartSettings
  readonly #host: Host
  readonly #logger: Logger
  readonly #failures = new Map<string, Error>()

  constructor(settings: StartSettings, host: Host, logger: Logger) {
    this.#settings = settings
    this.#host = host
    this.#logger = logger
  }

  /** log.dirs, and the metadata directory if it is not one of them. */
  get #all(): readonly string[] {
    const { logDirectories, metadataDirectory } = this.#settings
    return logDirectories.includes(metadataDirectory) ? logDirectories : [...logDirectories, metadataDirectory]
  }

  /** A directory cannot be used until the next start. Throws StartError where no broker can run without it. */
  readonly fail = (directory: string, error: Error): void => {
    if (!isSystemError(error) || isOpenLimitError(error)) throw error
    if (this.#failures.has(directory)) return
    this.#failures.set(directory, error)
    refuseStart(noDirectoryFault(this.#failures, this.#settings))
    this.#logger.error({}, failedDirectoryLine(directory, error))
  }

  #working(directories: readonly string[]): readonly string[] {
    return directories.filter((each) => !this.#failures.has(each))
  }

  /** Locks all directories. Throws StartError if another broker has locked one. */
  lock(): FileLock {
    const directories = this.#all
    refuseStart(repeatedDirectory(directories))
    const lock = lockDirectories(this.#host.files, directories, this.fail)
    if (lock instanceof DirectoryInUse) {
      throw new StartError(
        `the data directory ${lock.directory} is in use by another broker; set log.dirs to another one`,
      )
    }
    return lock
  }

  /** True if, according to the directories, the last broker stopped cleanly. */
  wasCleanStop(): boolean {
    const { files } = this.#host
    const directories = this.#working(this.#settings.logDirectories)
    return directories.every((each) => files.exists(files.join(each, CLEAN_SHUTDOWN_FILE)))
  }

  /** Reads the identity in the directories. Throws StartError if it is not this broker's. */
  identity(): Identity {
    const { clusterId, nodeId, metadataDirectory } = this.#settings
    const directories = this.#working(this.#all)
    const identity = readIdentity(this.#host, directories, { clusterId, nodeId }, this.fail)
    if (identity instanceof IdentityConflict) throw new StartError(identity.message)
    refuseStart(metadataLocationFault(this.#host.files, metadataDirectory, identity))
    // Write the identity first: a later crash must not leave a metadata log without it.
    if (identity.unformatted.length === identity.files.length) this.write(identity)
    return identity
  }

  /** Writes meta.properties where it is missing or incomplete. */
  write(identity: Identity): void {
    writeIdentity(this.#host, identity, this.fail)
  }

  /** log.dirs with their uuids. */
  identified(identity: Identity): readonly IdentifiedDirectory[] {
    return this.#settings.logDirectories.map((path) => {
      const directoryId = directoryIdOf(identity, path)
      const failure = this.#failures.get(path)
      return { path, directoryId, ...(failure && { failure }) }
    })
  }

  /** This node as the metadata log would name it; undefined: its controller has no listener. */
  voter(identity: Identity): QuorumVoter | undefined {
    const { metadataDirectory, brokers } = this.#settings
    const directoryId = directoryIdOf(identity, metadataDirectory)
    const endpoint = voterEndpoint(brokers[0].listeners)
    return endpoint && { nodeId: identity.nodeId, directoryId, endpoint }
  }

  /** Uuids of the directories that can be used. */
  usableIds(identity: Identity): readonly string[] {
    return this.identified(identity)
      .filter(({ failure }) => failure === undefined)
      .map(({ directoryId }) => directoryId)
  }

  /**
   * The partitions in log.dirs. Copies that are of no topic are set aside. Throws StartError if records would be missing
   * or duplicated.
   */
  findPartitions(
    identity: Identity,
    { image, wasEmpty }: { readonly image: MetadataImage; readonly wasEmpty: boolean },
    configs: ConfigStore,
    hosted: HostedReplicas,
  ): FoundPartition[] {
    const { files } = this.#host
    const directories = this.identified(identity)
    const directoryIds = directories.map(({ directoryId }) => directoryId)
    const all = this.#endMoves(this.#find(), identity, image, hosted)
    // Without metadata all are adopted.
    const found = wasEmpty ? all : this.#withoutStrays(all, image, hosted)
    refuseStart(copiesFault(files, found))
    const missing = partitionsInMissingDirectories(image, hosted, found)
    // A missing partition counts as being in a directory whose uuid is unknown.
    const areIdsKnown = !directoryIds.includes(ZERO_UUID)
    const lost = missing.filter(({ isFound }) => areIdsKnown && !isFound)
    const kept = lost.filter(({ topic }) => !configs.topic(topic).uncleanLeaderElectionEnable)
    refuseStart(missingDirectoryFault(kept, identity))
    for (const line of movedLines(missing.filter(({ isFound }) => isFound))) this.#logger.warn({}, line)
    return found
  }

  #find(): FoundPartition[] {
    const found: FoundPartition[] = []
    const find = (directory: string) => found.push(...findPartitions(this.#host.files, [directory]))
    eachAlone(this.#host, this.#working(this.#settings.logDirectories), find, this.fail)
    return found
  }

  /** Moves between directories that were interrupted when nothing was left to be copied: they take place now. */
  #endMoves(
    found: readonly FoundPartition[],
    identity: Identity,
    image: MetadataImage,
    hosted: HostedReplicas,
  ): FoundPartition[] {
    const ids = new Map(this.identified(identity).map(({ path, directoryId }) => [path, directoryId]))
    const replaced = replacedCopies(this.#host.files, found, (path) => ids.get(path)!)
    const remove = (copy: FoundPartition) => void removeReplaced(this.#host, copy, this.#logger)
    eachAlone(this.#host, replaced, remove, ({ logDirectory }, error) => this.fail(logDirectory, error))
    const left = found.filter((each) => !replaced.includes(each))
    // A directory that cannot be read may have the log itself.
    if (this.#failures.size > 0) return left
    const names = new Set(left.map(({ name }) => name))
    const futures = findFutures(this.#host.files, this.#settings.logDirectories)
    const lone = futures.filter(({ topic, partition, logDirectory }) => {
      const known = image.topicsByName.get(topic)?.partitions[partition]
      const isAssigned = known !== undefined && hosted.directoryOf(known) === ids.get(logDirectory)
      return isAssigned && !names.has(`${topic}-${partition}`)
    })
    eachAlone(
      this.#host,
      lone,
      (future) => void left.push(...this.#promote(future, image)),
      ({ logDirectory }, error) => this.fail(logDirectory, error),
    )
    return left
  }

  /**
   * Makes a future log that of its partition, which has no other. Apache Kafka leaves such a one after a power loss.
   * Source: LogManager.recoverAbandonedFutureLogs.
   */
  #promote({ topic, partition, logDirectory, directory }: FoundFuture, image: MetadataImage): FoundPartition[] {
    const { files } = this.#host
    if (topicIdIn(files, directory) !== image.topicsByName.get(topic)?.id) return []
    const name = `${topic}-${partition}`
    files.rename(directory, files.join(logDirectory, name))
    files.syncDirectory(logDirectory)
    this.#logger.warn({ partition: name }, `${directory} is the only log of ${name} and takes its place`)
    return [{ name, topic, partition, logDirectory }]
  }

  /** Looks only at partitions in several directories, or in another one than the metadata says: others are checked later. */
  #withoutStrays(found: readonly FoundPartition[], image: MetadataImage, hosted: HostedReplicas): FoundPartition[] {
    const moved = new Set(
      partitionsInMissingDirectories(image, hosted, found).map(({ topic, partition }) => `${topic}-${partition}`),
    )
    const suspects = [
      ...repeatedPartitions(found),
      ...found.filter(({ name }) => moved.has(name)).map((each) => [each]),
    ]
    const strays = new Set<FoundPartition>()
    for (const copies of suspects) {
      const topicId = image.topicsByName.get(copies[0]!.topic)?.id
      for (const { found, why } of strayCopies(this.#copies(copies), topicId)) {
        strays.add(found)
        this.#setAside(found, why)
      }
    }
    const working = this.#working(this.#settings.logDirectories)
    return found.filter((each) => !strays.has(each) && working.includes(each.logDirectory))
  }

  #copies(found: readonly FoundPartition[]): PartitionCopy[] {
    const { files } = this.#host
    const copies: PartitionCopy[] = []
    const read = (each: FoundPartition) => {
      const directory = files.join(each.logDirectory, each.name)
      copies.push({ found: each, topicId: topicIdIn(files, directory), hasRecords: hasRecords(files, directory) })
    }
    eachAlone(this.#host, found, read, ({ logDirectory }, error) => this.fail(logDirectory, error))
    return copies
  }

  #setAside(stray: FoundPartition, why: string): void {
    const rename = () => {
      const moved = setAside(this.#host, stray)
      const directory = this.#host.files.join(stray.logDirectory, stray.name)
      this.#logger.warn({ partition: stray.name }, setAsideLine(directory, why, moved))
    }
    eachAlone(this.#host, [stray], rename, ({ logDirectory }, error) => this.fail(logDirectory, error))
  }

  /** Topics for found partitions if the metadata log has none; logs a line for each. */
  adopt(found: readonly FoundPartition[], identity: Identity, configs: ConfigStore): AdoptedTopic[] {
    const [failure] = this.#failures.values()
    if (failure !== undefined && found.length > 0) throw new StartError(adoptionFault(failure))
    const server = bootstrapServer(this.#settings.brokers[0].listeners)
    const directories = this.identified(identity).filter(({ failure }) => failure === undefined)
    const broker = { nodeId: identity.nodeId, directories, settings: configs.broker }
    const adopted = this.#adopted(found, broker)
    if (adopted.length > 0) {
      const metadataLog = this.#host.files.join(this.#settings.metadataDirectory, METADATA_LOG)
      this.#logger.warn({}, lostMetadataLine(metadataLog, adopted.length))
    }
    for (const each of adopted) this.#logger.warn({ topic: each.image.name }, adoptionLine(each, server))
    return adopted
  }

  #adopted(found: readonly FoundPartition[], broker: Adopter): AdoptedTopic[] {
    try {
      return adoptedTopics(this.#host, found, broker)
    } catch (error) {
      throw isSystemError(error) ? new StartError(adoptionFault(error)) : error
    }
  }

  /** Last leader epoch in each partition's files, keyed by `topic-0`. */
  lastLeaderEpochs(found: readonly FoundPartition[]): Map<string, number> {
    const { files } = this.#host
    const epochs = new Map<string, number>()
    const read = ({ name, logDirectory }: FoundPartition) =>
      epochs.set(name, lastLeaderEpoch(files, files.join(logDirectory, name)))
    eachAlone(this.#host, found, read, ({ logDirectory }, error) => this.fail(logDirectory, error))
    return epochs
  }
}

/** fault: a line for the user; undefined if the start may go on. */
function refuseStart(fault: string | undefined): void {
  if (fault !== undefined) throw new StartError(fault)
}

/** Uuid of a directory; the zero uuid if its meta.properties could not be read. */
function directoryIdOf({ files, directoryIds }: Identity, path: string): string {
  return directoryIds[files.findIndex(({ directory }) => directory === path)] ?? ZERO_UUID
}
