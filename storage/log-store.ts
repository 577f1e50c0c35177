import type { Rejection } from '../protocol/error-codes.ts'
import type { DirectoryFailedError } from './failure-policy.ts'
import type { LogConfig, PartitionLog } from './partition-log.ts'

/** All partition logs of one broker: finds them at start, creates and deletes them. Implemented by log-manager.ts. */
export interface LogStore {
  /** Opens what is on disk; each log itself opens on first use after a clean stop. Recovers after an unclean one. */
  start(settings: (topic: string) => LogConfig, topicIdOf?: (topic: string) => string | undefined): Promise<void>
  /** Partitions found on disk or created since, whether opened or not. */
  list(): Iterable<StoredPartition>
  /** The log, opened if necessary, which may take time; undefined if there is none. Rejects with what the disk says. */
  get(topic: string, partition: number): Promise<PartitionLog | undefined>
  /**
   * Creates the directory with its partition.metadata. An existing log of the same topic id is opened. Rejects with what
   * the disk says; that too many files are open (isOpenLimitError) is told to the log here, once for all logs.
   */
  create(topic: string, partition: number, topicId: string, config: LogConfig): Promise<PartitionLog>
  /**
   * Removes the log for readers at once, and its files after file.delete.delay.ms. topicId: id of the deleted topic; a log
   * of another topic with that name is set aside. Left out: the log is deleted whatever its topic is.
   */
  delete(topic: string, partition: number, topicId?: string): void
  /** Renames the directory of a log that the cluster does not know, and logs the reason; its files are kept. */
  setAside(topic: string, partition: number, why: string): void
  /** Uuid of the data directory that a log is in, or about to be after a move; undefined where there is no log. */
  directoryOf(topic: string, partition: number): string | undefined
  /**
   * Begins to move a log to another data directory, or ends a move if it is in that directory. The log stays the same
   * for those who have it. Returns KAFKA_STORAGE_ERROR while any directory is offline. Throws what the disk says.
   * directory: path of a directory that works.
   */
  move(topic: string, partition: number, directory: string): Rejection | undefined
  /** A log that does not exist yet is to be created in that directory. Forgotten at the end of the process. */
  preferDirectory(topic: string, partition: number, directory: string): void
  /** Goes on with the moves that the last end of the broker interrupted. To be called when all logs are there. */
  resumeMoves(assign: AssignDirectory): void
  /** Applies a new config to the logs of one topic. */
  updateConfig(topic: string, config: LogConfig): void
  /** True: a data directory cannot be looked into, and a log that is not found may be in it. */
  readonly mayHideLogs: boolean
  /** True: the partition's log is in a data directory that failed, and cannot be used before the next start. */
  isOffline(topic: string, partition: number): boolean
  /** Directories with their uuid, size, free space and partitions, for DescribeLogDirs. */
  directories(): readonly LogDirectory[]
  /** Flushes, writes checkpoints and the clean stop mark, closes. */
  stop(): Promise<void>
}

/** Records in the metadata which data directory a partition is in. Resolves when that is durable. */
export type AssignDirectory = (topic: string, partition: number, directoryId: string) => Promise<void>

/** A data directory that failed while the broker was running. */
export interface FailedDirectory {
  readonly directory: string
  readonly error: DirectoryFailedError
  /** Whether another data directory works. */
  readonly hasOther: boolean
  /** Partitions with a log in it. */
  readonly partitions: readonly { readonly topic: string; readonly partition: number }[]
}

/** Tells the user of a failed data directory, while others are served. */
export function failedDirectoryLine({ error, partitions }: Pick<FailedDirectory, 'error' | 'partitions'>): string {
  const count = partitions.length
  const these = count === 1 ? 'the partition in it answers' : `the ${count} partitions in it answer`
  return (
    `${error.message}; ${these} KAFKA_STORAGE_ERROR, and nothing in it is read or written, until the next start; the ` +
    'other directories are served; mend its disk or permissions, and start the broker again'
  )
}

export interface StoredPartition {
  readonly topic: string
  readonly partition: number
  /** Zero uuid where partition.metadata is missing (directories of Kafka 2.7 and older). */
  readonly topicId: string
}

export interface LogDirectory {
  readonly path: string
  readonly directoryId: string
  /** The failure that took it offline; undefined while it is usable. */
  readonly failure: Error | undefined
  readonly freeBytes: number
  readonly totalBytes: number
  /** Can be read once, also over several turns. */
  readonly partitions: Iterable<PartitionSize>
}

export interface PartitionSize {
  readonly topic: string
  readonly partition: number
  /** Of a log that is not open, read from the disk; throws the disk's error. */
  readonly sizeBytes: number
  /** Set if this is the copy of a log that is moving there, and not its log. */
  readonly future?: FutureReplica
}

export interface FutureReplica {
  /** Number of offsets that the copy lacks; -1 if not known. */
  readonly offsetLag: number
}
