import { ZERO_UUID } from '../protocol/schema.ts'
import { PARTITION_METADATA_FILE } from './checkpoint-files.ts'
import { failureOfPart, mayPass } from './failure-policy.ts'
import type { Host } from './host/host.ts'
import type { Directory, LogDirectories } from './log-directories.ts'
import type { LogRemoval } from './log-removal.ts'
import type { LogConfig, PartitionLog } from './partition-log.ts'
import { partitionDirectoryName } from './segment/file-names.ts'
import type { StorageLogger } from './storage-logger.ts'
import type { Checkpointed, NewLog, StoredLog } from './stored-log.ts'
import type { StoredLogs } from './stored-logs.ts'
import { otherTopicReason } from './stray-directories.ts'

const NEW_LOG: Checkpointed = { wasCleanStop: true, recoveryPoint: 0, logStartOffset: 0, compactedUpTo: 0 }

/** Names have up to 249 characters: a few megabytes. */
const MOST_PREFERRED = 10_000

export interface LogCreationParts {
  readonly host: Host
  readonly logger: StorageLogger
  readonly logs: StoredLogs
  readonly directories: LogDirectories
  readonly removal: LogRemoval
  readonly newLog: NewLog
}

/** Creates logs, each in one directory alone, whatever fails meanwhile. */
export class LogCreation {
  readonly #parts: LogCreationParts
  /** Logs whose creation failed, by `topic-0`: retried in the same directory, which may hold a part of their files. */
  readonly #failed = new Map<string, StoredLog>()
  /** Directories that were asked for before the log existed, by `topic-0`. The oldest is forgotten first. */
  readonly #preferred = new Map<string, string>()

  constructor(parts: LogCreationParts) {
    this.#parts = parts
  }

  /**
   * The log of that partition, created if it is missing. One of another topic id is set aside. Throws if the disk fails.
   */
  create(topic: string, partition: number, topicId: string, config: LogConfig): PartitionLog {
    const { logs, removal, directories, newLog } = this.#parts
    const existing = logs.find(topic, partition)
    if (existing !== undefined) {
      directories.check(existing.logDirectory)
      if (existing.topicId === ZERO_UUID) this.#identify(existing, topicId)
      if (existing.topicId === topicId) return existing.serve()
      removal.setAside(existing, otherTopicReason(topic, existing.topicId, topicId))
    }
    const name = partitionDirectoryName(topic, partition)
    const stored = this.#failed.get(name) ?? newLog(topic, partition, this.#directoryFor(name), NEW_LOG)
    return this.#make(stored, topicId, config)
  }

  /** Source: LogManager.getOrCreateLog. Kafka creates no log if the directory that was asked for has failed meanwhile. */
  #directoryFor(name: string): Directory {
    const { directories } = this.#parts
    const path = this.#preferred.get(name)
    const preferred = path === undefined ? undefined : directories.at(path)
    const isUsable = preferred?.isLoaded === true && preferred.failure === undefined
    return isUsable ? preferred : directories.emptiest()
  }

  /** The log of that partition will be created in that directory. Source: LogManager.maybeUpdatePreferredLogDir. */
  prefer(topic: string, partition: number, directory: string): void {
    const name = partitionDirectoryName(topic, partition)
    this.#preferred.delete(name)
    this.#preferred.set(name, directory)
    if (this.#preferred.size > MOST_PREFERRED) this.#preferred.delete(this.#preferred.keys().next().value!)
  }

  #make(stored: StoredLog, topicId: string, config: LogConfig): PartitionLog {
    const { host, logs, removal } = this.#parts
    try {
      removal.clearWayFor(stored)
      const log = stored.create(topicId)
      log.updateConfig(config)
      this.#failed.delete(stored.name)
      this.#preferred.delete(stored.name)
      logs.add(stored)
      removal.claimName(stored)
      return stored.serve()
    } catch (error) {
      throw this.#noteFailed(stored, failureOfPart(host, error))
    }
  }

  /** Another directory is tried only if nothing is left in this one: else there would be two logs of one name. */
  #noteFailed(stored: StoredLog, error: Error): Error {
    if (!mayPass(error) && !stored.mayHaveFiles) this.#failed.delete(stored.name)
    else this.#failed.set(stored.name, stored)
    return this.#parts.directories.noteFailure(stored.logDirectory, error)
  }

  /** The directory failed: logs that could not be created in it are retried by the next start alone. */
  takeOffline(logDirectory: string, error: Error): void {
    for (const stored of this.#failed.values()) if (stored.logDirectory === logDirectory) stored.takeOffline(error)
  }

  /** True if a part of the partition's log may be in a directory that failed. */
  isOffline(topic: string, partition: number): boolean {
    return this.#failed.get(partitionDirectoryName(topic, partition))?.failure !== undefined
  }

  /**
   * The log is no longer wanted: its topic was deleted. What a failed creation left must not stand beside the next log of
   * its name. If the disk does not let it be removed, that log is made in the same directory.
   */
  forget(topic: string, partition: number): void {
    const { host, directories } = this.#parts
    const name = partitionDirectoryName(topic, partition)
    const stored = this.#failed.get(name)
    if (stored === undefined) return
    const { logDirectory } = stored
    try {
      if (stored.mayHaveFiles && directories.at(logDirectory).failure === undefined) {
        host.files.remove(stored.directory)
        host.files.syncDirectory(logDirectory)
      }
      this.#failed.delete(name)
    } catch (error) {
      directories.noteFailure(logDirectory, failureOfPart(host, error))
    }
  }

  /** Directories of Kafka 2.7 and older have no partition.metadata. If the file is there, it is damaged. */
  #identify(stored: StoredLog, topicId: string): void {
    const { host, logger } = this.#parts
    const isDamaged = host.files.exists(host.files.join(stored.directory, PARTITION_METADATA_FILE))
    logger[isDamaged ? 'warn' : 'info'](
      { partition: stored.name },
      `${stored.directory} has no topic id in partition.metadata and gets that of the topic with its name, ${topicId}`,
    )
    stored.writeTopicId(topicId)
  }
}
