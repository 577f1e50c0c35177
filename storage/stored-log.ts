import { ZERO_UUID } from '../protocol/schema.ts'
import { formatPartitionMetadata, PARTITION_METADATA_FILE } from './checkpoint-files.ts'
import { Backoff, DirectoryFailedError, failureOfPart, reasonOf } from './failure-policy.ts'
import type { Files } from './host/host.ts'
import { Log } from './log/log.ts'
import type { SharedServices } from './log/log-services.ts'
import type { StoredPartition } from './log-store.ts'
import { isOpenLimitError } from './open-limits.ts'
import type { LogConfig } from './partition-log.ts'
import { LOG_SUFFIX, partitionDirectoryName } from './segment/file-names.ts'
import { ServedLog } from './served-log.ts'
import { topicIdIn } from './stray-directories.ts'

/** A log's entries in the checkpoints of its directory. */
export interface Checkpointed {
  readonly wasCleanStop: boolean
  readonly recoveryPoint: number
  readonly logStartOffset: number
  /** As recovery has it. */
  readonly compactedUpTo: number | undefined
}

/** Makes the object of a log, without looking at the disk. directoryName: left out: `topic-0`. */
export type NewLog = (
  topic: string,
  partition: number,
  directory: { readonly path: string },
  checkpointed: Checkpointed,
  directoryName?: string,
) => StoredLog

/** A log in its directory, opened when it is first asked for. */
export class StoredLog implements StoredPartition {
  readonly topic: string
  readonly partition: number
  /** `<log directory>/topic-0`; of a future log `<log directory>/topic-0.<unique id>-future` */
  readonly directory: string
  readonly logDirectory: string
  /** Retention finds nothing to delete before this time, as long as nothing is appended. */
  nextRetentionMs = 0
  readonly #files: Files
  readonly #services: SharedServices
  readonly #configOf: () => LogConfig
  #checkpointed: Checkpointed
  #topicId: string | undefined
  #log: Log | undefined
  /** The open log, as the broker has it. */
  #served: ServedLog | undefined
  /** Why the last try to open it failed. */
  #refusal: { readonly error: Error; readonly retryAtMs: number } | undefined
  readonly #backoff = new Backoff()
  /**
   * Why it is left alone until the next start: recovery failed, or its directory. Its entries in the checkpoints stay
   * valid.
   */
  failure: Error | undefined
  #mayHaveFiles = false

  constructor(parts: {
    readonly topic: string
    readonly partition: number
    readonly logDirectory: string
    readonly services: SharedServices
    readonly checkpointed: Checkpointed
    readonly configOf: () => LogConfig
    /** Left out: `topic-0` */
    readonly directoryName?: string
  }) {
    this.topic = parts.topic
    this.partition = parts.partition
    this.logDirectory = parts.logDirectory
    this.#services = parts.services
    this.#files = parts.services.openFiles.files
    this.#checkpointed = parts.checkpointed
    this.#configOf = parts.configOf
    this.directory = this.#files.join(this.logDirectory, parts.directoryName ?? this.name)
  }

  /** `topic-0`, also of a future log: so it is named in checkpoints. */
  get name(): string {
    return partitionDirectoryName(this.topic, this.partition)
  }

  /** Read on first use. The zero uuid if the file is missing or torn. */
  get topicId(): string {
    this.#topicId ??= this.#readTopicId()
    return this.#topicId
  }

  #readTopicId(): string {
    try {
      return topicIdIn(this.#files, this.directory) ?? ZERO_UUID
    } catch (error) {
      throw this.#services.probe(this.logDirectory, error as Error)
    }
  }

  writeTopicId(topicId: string): void {
    const handle = this.#files.open(this.#files.join(this.directory, PARTITION_METADATA_FILE), 'a+')
    try {
      // When a truncated file is closed, ext4 writes it to the disk at once.
      if (handle.size() > 0) handle.truncate(0)
      handle.writeSync([Buffer.from(formatPartitionMetadata(topicId))], 0)
    } finally {
      handle.close()
    }
    this.#topicId = topicId
  }

  get config(): LogConfig {
    return this.#log?.config ?? this.#configOf()
  }

  /** The log if it is open. */
  get opened(): Log | undefined {
    return this.#log
  }

  /** Throws if it cannot be opened: the same error until the next try is due. */
  open(): Log {
    if (this.failure !== undefined) throw this.failure
    if (this.#log !== undefined) return this.#log
    return this.#try(() => {
      this.#warnWithoutSegments()
      return this.#load()
    })
  }

  /** The log for the broker, which keeps it when the log moves to another directory. Throws as `open` does. */
  serve(): ServedLog {
    const log = this.open()
    this.#served ??= new ServedLog(log)
    return this.#served
  }

  /** Takes over from a log in another directory, which it is a copy of. Throws as `open` does. */
  serveInstead(served: ServedLog): Log {
    const log = this.open()
    this.#served = served
    served.switchTo(log)
    return log
  }

  /** Closes it with all its state on the disk. Throws if that does not succeed. */
  async closeWhole(): Promise<void> {
    const log = this.open()
    await log.close()
    if (log.failure !== undefined) throw log.failure
    if (this.#log === log) this.#forgetLog()
  }

  /** Every created log has a segment. Recovery reports the loss of synced ones. */
  #warnWithoutSegments(): void {
    if (this.#checkpointed.recoveryPoint > 0) return
    if (this.#files.list(this.directory).some((name) => /\.log(\.swap)?$/.test(name))) return
    this.#services.logger.warn(
      { partition: this.name },
      `${this.directory} holds no segment, so the log starts empty: its records are lost`,
    )
  }

  /** Creates the log and removes the files of an earlier try. Throws as `open` does. */
  create(topicId: string): Log {
    if (this.failure !== undefined) throw this.failure
    return this.#try(() => {
      // Existing files would count as durable.
      if (this.#refusal !== undefined) this.#files.remove(this.directory)
      this.#files.makeDirectory(this.directory)
      this.#mayHaveFiles = true
      this.writeTopicId(topicId)
      return this.#load()
    })
  }

  /** True once a try to create it made its directory. */
  get mayHaveFiles(): boolean {
    return this.#mayHaveFiles
  }

  /** Its directory failed: closes it at once, and refuses it until the next start. Appends under way are refused. */
  takeOffline(failure: Error): void {
    const log = this.#log
    this.failure = failure
    this.#forgetLog()
    log?.abandon(failure)
  }

  /** Why the last try to open or create it failed; already logged. */
  get openFailure(): Error | undefined {
    return this.#refusal?.error
  }

  #try(load: () => Log): Log {
    if (this.#refusal !== undefined && this.#nowMs() < this.#refusal.retryAtMs) throw this.#refusal.error
    try {
      this.#log = load()
    } catch (error) {
      this.#refuse(failureOfPart(this.#services.host, error))
    }
    this.#refusal = undefined
    this.#backoff.succeeded()
    return this.#log
  }

  #load(): Log {
    return new Log(this.topic, this.partition, this.#configOf(), this.#services, {
      partition: this.name,
      directory: this.directory,
      logDirectory: this.logDirectory,
      ...this.#checkpointed,
    })
  }

  #refuse(caught: Error): never {
    const error = this.#services.probe(this.logDirectory, caught)
    // Logged once for all logs: too many open files, or the failure of the directory.
    const isTold = isOpenLimitError(error) || error instanceof DirectoryFailedError
    if (!isTold && error.message !== this.#refusal?.error.message) {
      this.#services.logger.error(
        { partition: this.name, directory: this.logDirectory, reason: reasonOf(error) },
        'a log cannot be opened: its partition answers KAFKA_STORAGE_ERROR; retrying',
      )
    }
    this.#refusal = { error, retryAtMs: this.#nowMs() + this.#backoff.failed(error) }
    throw error
  }

  #nowMs(): number {
    return this.#services.host.clock.monotonicMs()
  }

  /** Closes the log if all its state is on the disk. */
  closeIfUntouched(): void {
    if (this.#log?.closeIfUntouched()) this.#forgetLog()
  }

  /** A checkpoint may still be written, and must not take its offsets back to those of the start. */
  #forgetLog(): void {
    const { recoveryPoint, checkpointedStart } = this
    this.#checkpointed = { ...this.#checkpointed, recoveryPoint, logStartOffset: checkpointedStart ?? 0 }
    this.#log = undefined
    this.#served = undefined
  }

  /** Bytes of all segments. 0 if its files cannot be looked at although its directory can: it alone failed. */
  get sizeBytes(): number {
    try {
      // A log that is open looks at the file of a segment when its size is first asked for.
      return this.#log?.sizeBytes ?? this.#sizeOfFiles()
    } catch (error) {
      const failure = this.#services.probe(this.logDirectory, failureOfPart(this.#services.host, error))
      if (failure instanceof DirectoryFailedError) throw failure
      return 0
    }
  }

  #sizeOfFiles(): number {
    const isLog = (name: string): boolean => name.endsWith(LOG_SUFFIX)
    const sizes = this.#files.list(this.directory).filter(isLog)
    return sizes.reduce((sum, name) => sum + (this.#files.stat(this.#files.join(this.directory, name))?.size ?? 0), 0)
  }

  /** For recovery-point-offset-checkpoint. */
  get recoveryPoint(): number {
    return this.#log?.recoveryPoint ?? this.#checkpointed.recoveryPoint
  }

  /** True if the log ends below the checkpointed recovery point. */
  get hasLostSynced(): boolean {
    return this.recoveryPoint < this.#checkpointed.recoveryPoint
  }

  /** For log-start-offset-checkpoint; undefined if the first segment starts at the same offset. */
  get checkpointedStart(): number | undefined {
    const start = this.#log === undefined ? this.#checkpointed.logStartOffset : this.#log.logStartOffset
    const firstBase = this.#log?.segments[0]?.baseOffset ?? 0
    const isTold = start > firstBase || (start > 0 && this.#log?.mayRegainSegments === true)
    return isTold ? start : undefined
  }
}
