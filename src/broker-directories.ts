import { CLEAN_SHUTDOWN_FILE } from '../storage/checkpoint-files.ts'
import { DirectoryInUse, lockDirectories } from '../storage/directory-lock.ts'
import { type FoundPartition, findPartitions } from '../storage/found-partitions.ts'
import type { FileLock, Host } from '../storage/host/host.ts'
import type { BrokerStartSettings } from './config/broker-start.ts'
import type { ConfigStore } from './config/config-store.ts'
import { StartError } from './config/start-error.ts'
import {
  type AdoptedTopic,
  adoptedTopics,
  adoptionLine,
  lastLeaderEpoch,
  lostMetadataLine,
} from './metadata/adopted-topics.ts'
import {
  copiesFault,
  metadataLocationFault,
  missingDirectoryFault,
  movedLines,
  repeatedDirectory,
} from './metadata/data-directories.ts'
import { homelessPartitions } from './metadata/directory-assignments.ts'
import { type Identity, readIdentity, writeIdentity } from './metadata/meta-properties.ts'
import { IdentityConflict } from './metadata/meta-properties-rules.ts'
import type { MetadataImage } from './metadata/metadata-image.ts'
import { METADATA_LOG } from './metadata/metadata-log.ts'
import type { Logger } from './observe/logger.ts'

/** A data directory and its uuid. */
export interface IdentifiedDirectory {
  readonly path: string
  readonly directoryId: string
}

/** A broker's data directories at the start: who uses them, whose they are, and which partitions lie in them. */
export class BrokerDirectories {
  readonly #settings: BrokerStartSettings
  readonly #host: Host
  readonly #logger: Logger

  constructor(settings: BrokerStartSettings, host: Host, logger: Logger) {
    this.#settings = settings
    this.#host = host
    this.#logger = logger
  }

  /** log.dirs, and the metadata directory where that is another one. */
  get #all(): readonly string[] {
    const { logDirectories, metadataDirectory } = this.#settings
    return logDirectories.includes(metadataDirectory) ? logDirectories : [...logDirectories, metadataDirectory]
  }

  /** Takes all of them. Throws StartError where another broker has one. */
  lock(): FileLock {
    const directories = this.#all
    refuseStart(repeatedDirectory(directories))
    let lock: FileLock | DirectoryInUse
    try {
      lock = lockDirectories(this.#host.files, directories)
    } catch (error) {
      throw new StartError(`cannot use the data directories ${directories.join(', ')}: ${(error as Error).message}`)
    }
    if (lock instanceof DirectoryInUse) {
      throw new StartError(
        `the data directory ${lock.directory} is in use by another broker; set log.dirs to another one`,
      )
    }
    return lock
  }

  /** True where the last broker stopped in order. */
  wasCleanStop(): boolean {
    const { files } = this.#host
    return this.#settings.logDirectories.every((each) => files.exists(files.join(each, CLEAN_SHUTDOWN_FILE)))
  }

  /** Whose data they hold. Throws StartError where that is not this broker's. */
  identity(): Identity {
    const { clusterId, nodeId, metadataDirectory } = this.#settings
    const identity = readIdentity(this.#host, this.#all, { clusterId, nodeId })
    if (identity instanceof IdentityConflict) throw new StartError(identity.message)
    refuseStart(metadataLocationFault(this.#host.files, metadataDirectory, identity))
    // A crash from here on must not leave a metadata log without it.
    if (identity.unformatted.length === identity.files.length) writeIdentity(this.#host, identity)
    return identity
  }

  /** log.dirs with their uuids. */
  identified({ directoryIds }: Identity): readonly IdentifiedDirectory[] {
    return this.#settings.logDirectories.map((path, i) => ({ path, directoryId: directoryIds[i] as string }))
  }

  /** The partitions in log.dirs. Throws StartError where records would be missing or doubled. */
  findPartitions(identity: Identity, image: MetadataImage, configs: ConfigStore): FoundPartition[] {
    const { files } = this.#host
    const found = findPartitions(files, this.#settings.logDirectories)
    refuseStart(copiesFault(files, found))
    const directoryIds = this.identified(identity).map(({ directoryId }) => directoryId)
    const homeless = homelessPartitions(image, { nodeId: identity.nodeId, directoryIds }, found)
    const lost = homeless.filter(({ isFound }) => !isFound)
    const kept = lost.filter(({ topic }) => !configs.topic(topic).uncleanLeaderElectionEnable)
    refuseStart(missingDirectoryFault(kept, identity))
    for (const line of movedLines(homeless.filter(({ isFound }) => isFound))) this.#logger.warn({}, line)
    return found
  }

  /** Topics of the partitions that were found where the metadata log has none; a line tells of each. */
  adopt(found: readonly FoundPartition[], identity: Identity, configs: ConfigStore): AdoptedTopic[] {
    const [listener] = this.#settings.listeners.listening
    const server = `${listener?.host || 'localhost'}:${listener?.port ?? 9092}`
    const broker = { nodeId: identity.nodeId, directories: this.identified(identity), settings: configs.broker }
    const adopted = adoptedTopics(this.#host, found, broker)
    if (adopted.length > 0) {
      const metadataLog = this.#host.files.join(this.#settings.metadataDirectory, METADATA_LOG)
      this.#logger.warn({}, lostMetadataLine(metadataLog, adopted.length))
    }
    for (const each of adopted) this.#logger.warn({ topic: each.image.name }, adoptionLine(each, server))
    return adopted
  }

  /** The last leader epoch that each partition's files know, by `topic-0`. */
  lastLeaderEpochs(found: readonly FoundPartition[]): Map<string, number> {
    const { files } = this.#host
    return new Map(
      found.map(({ name, logDirectory }) => [name, lastLeaderEpoch(files, files.join(logDirectory, name))]),
    )
  }
}

/** fault: a line for the user; undefined: there is none. */
function refuseStart(fault: string | undefined): void {
  if (fault !== undefined) throw new StartError(fault)
}
