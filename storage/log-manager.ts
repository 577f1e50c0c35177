import { BufferPool } from '../protocol/buffer-pool.ts'
import { type Rejection, reject } from '../protocol/error-codes.ts'
import { ZERO_UUID } from '../protocol/schema.ts'
import type { ConcurrencyLimit } from './concurrency-limit.ts'
import { Disks } from './disk.ts'
import { type DirectoryFailedError, eachAlone, failureOfPart, isSystemError } from './failure-policy.ts'
import type { Host } from './host/host.ts'
import type { SharedServices } from './log/log-services.ts'
import { type CheckpointServices, LogCheckpoints } from './log-checkpoints.ts'
import { LogCleaner } from './log-cleaner.ts'
import { LogCreation } from './log-creation.ts'
import { type Directory, type GivenDirectory, LogDirectories } from './log-directories.ts'
import { LogLoading } from './log-loading.ts'
import { type LogMoveSettings, LogMoves } from './log-moves.ts'
import { LogRemoval } from './log-removal.ts'
import {
  type AssignDirectory,
  type FailedDirectory,
  failedDirectoryLine,
  type LogDirectory,
  type LogStore,
  type StoredPartition,
} from './log-store.ts'
import { LogTasks } from './log-tasks.ts'
import { LogUpkeep, type LogUpkeepSettings } from './log-upkeep.ts'
import { OpenFiles } from './open-files.ts'
import { isOpenLimitError, OpenLimitWarning } from './open-limits.ts'
import type { LogConfig, PartitionLog } from './partition-log.ts'
import { IndexCache } from './segment/index-cache.ts'
import { SlicedWork } from './sliced-work.ts'
import { type StorageLogger, silentStorageLogger } from './storage-logger.ts'
import { type NewLog, StoredLog } from './stored-log.ts'
import { StoredLogs } from './stored-logs.ts'
import { otherTopicReason } from './stray-directories.ts'
import { TailMemory } from './tail.ts'

/** Logs closed at a time. */
const CLOSES_AT_ONCE = 32
/** No topic has this name, so its settings are the defaults of topics. */
const NO_TOPIC = ''

/** Broker settings that storage uses, under their Kafka names in camel case. The broker's settings satisfy it. */
export interface LogManagerSettings extends LogUpkeepSettings, LogMoveSettings {
  readonly producerIdExpirationMs: number
}

export interface LogManagerParts {
  readonly host: Host
  /** At least one. Their identity is in meta.properties, which the broker reads. */
  readonly directories: readonly GivenDirectory[]
  readonly settings: LogManagerSettings
  readonly logger?: StorageLogger
  /** Left out: a new pool. */
  readonly pool?: BufferPool
  /** Places for decompressed contents in memory. Left out: new ones. */
  readonly largeContents?: ConcurrencyLimit
  /** True: no new log is created in that directory while there is another one. Left out: none is cordoned. */
  readonly isCordoned?: (directory: string) => boolean
  /**
   * Called once all logs of a directory that failed are offline, in the turn of the failure, and not during a stop. It
   * must tell the user. Left out: the failure is logged.
   */
  readonly onDirectoryFailed?: (failed: FailedDirectory) => void
  /** Called for a directory that cannot be read at the start. It is skipped, unless this throws. Left out: throws. */
  readonly onUnusable?: (directory: string, error: Error) => void
}

/**
 * All logs of a broker, on local disks. After a clean stop a log is opened when it is first asked for; after any other
 * end all of them are recovered first. Its parts load, create, remove and look after the logs; they share the list of
 * logs and that of the directories. Source: LogManager.
 */
export class LogManager implements LogStore {
  readonly #host: Host
  readonly #logger: StorageLogger
  readonly #services: SharedServices
  readonly #logs = new StoredLogs()
  readonly #directories: LogDirectories
  readonly #checkpoints: LogCheckpoints
  readonly #tasks: LogTasks
  readonly #cleaner: LogCleaner
  readonly #removal: LogRemoval
  readonly #creation: LogCreation
  readonly #loading: LogLoading
  readonly #moves: LogMoves
  readonly #upkeep: LogUpkeep
  readonly #openLimit: OpenLimitWarning
  readonly #onDirectoryFailed: (failed: FailedDirectory) => void
  #topicIdOf: ((topic: string) => string | undefined) | undefined
  #configOf: (topic: string) => LogConfig = () => {
    throw new Error('the log manager was not started')
  }

  constructor(parts: LogManagerParts) {
    const { host, settings, logger = silentStorageLogger } = parts
    this.#host = host
    this.#logger = logger
    this.#onDirectoryFailed = parts.onDirectoryFailed ?? ((failed) => this.#tell(failed))
    const logs = this.#logs
    const directories = new LogDirectories({
      host,
      directories: parts.directories,
      logs,
      logger,
      isCordoned: parts.isCordoned ?? (() => false),
      onFailed: (directory, error) => this.#takeOffline(directory, error),
    })
    this.#directories = directories
    this.#openLimit = new OpenLimitWarning(host.clock, logger, host.files.openLimit)
    const disks = new Disks(host)
    const withReserve = <T>(path: string, task: () => T): T => directories.at(path).reserve.use(task)
    const withReserveAside = <T>(path: string, task: () => Promise<T>) => directories.at(path).reserve.useAside(task)
    const freeing: CheckpointServices = { host, logger, disks, withReserve, withReserveAside }
    const checkpoints = new LogCheckpoints(freeing, logs)
    this.#checkpoints = checkpoints
    const tasks = new LogTasks(host, logger)
    this.#tasks = tasks
    this.#services = this.#newServices(parts, freeing)
    const isMoving = (stored: StoredLog): boolean => this.#moves.isMoving(stored)
    const cleaner = new LogCleaner({ host, settings, services: this.#services, logs: () => this.#ownLogs(), isMoving })
    this.#cleaner = cleaner
    const removal = new LogRemoval({ host, logger, logs, directories, checkpoints, cleaner, tasks })
    this.#removal = removal
    const newLog = this.#newLog
    const moving = { host, logger, logs, directories, checkpoints, removal, cleaner, disks, tasks, newLog }
    const moves = new LogMoves(moving, settings)
    this.#moves = moves
    const onUnusable = parts.onUnusable ?? rethrow
    this.#creation = new LogCreation({ host, logger, logs, directories, removal, newLog })
    this.#loading = new LogLoading({ ...moving, moves, onUnusable })
    const isOwn = (stored: StoredLog): boolean => this.#isOwn(stored) && !moves.isExchanging(stored)
    const shared = { host, settings, logger, logs, directories, checkpoints, removal, cleaner, tasks }
    this.#upkeep = new LogUpkeep({ ...shared, isOwn })
  }

  /** Services that all logs share. */
  #newServices(
    { host, settings, pool = new BufferPool(), largeContents }: LogManagerParts,
    freeing: CheckpointServices,
  ): SharedServices {
    return {
      ...freeing,
      openFiles: new OpenFiles(host.files, (error) => this.#openLimit.tell(error)),
      indexCache: new IndexCache(),
      tailMemory: new TailMemory(pool),
      pool,
      slicedWork: new SlicedWork(host.timers, largeContents),
      settings,
      saveLogStarts: (directory) => this.#checkpoints.saveStarts(directory),
      saveRecoveryPoints: (directory) => this.#checkpoints.saveRecoveryPoints(directory),
      saveRecoveryPointsAtOnce: (directory) => this.#checkpoints.saveRecoveryPointsAtOnce(directory),
      noteFailure: (directory, error) => this.#directories.noteFailure(directory, error),
      probe: (directory, error) => this.#directories.probe(directory, error),
    }
  }

  readonly #newLog: NewLog = (topic, partition, directory, checkpointed, directoryName) =>
    new StoredLog({
      topic,
      partition,
      logDirectory: directory.path,
      services: this.#services,
      checkpointed,
      configOf: () => this.#configOf(topic),
      ...(directoryName !== undefined && { directoryName }),
    })

  async start(
    settings: (topic: string) => LogConfig,
    topicIdOf?: (topic: string) => string | undefined,
  ): Promise<void> {
    this.#configOf = settings
    this.#topicIdOf = topicIdOf
    this.#loading.loadAll(() => settings(NO_TOPIC).fileDeleteDelayMs)
    this.#upkeep.start()
  }

  /** Applies changed broker settings. Settings of single logs change through updateConfig. */
  settingsChanged(): void {
    this.#upkeep.settingsChanged()
    this.#moves.settingsChanged()
  }

  *list(): Iterable<StoredPartition> {
    yield* this.#logs
  }

  get mayHideLogs(): boolean {
    return this.#directories.hasUnread
  }

  async get(topic: string, partition: number): Promise<PartitionLog | undefined> {
    return this.getNow(topic, partition)
  }
  /** The same without a promise: files are opened in the turn of the call. Throws what the disk says. */
  getNow(topic: string, partition: number): PartitionLog | undefined {
    return this.#logs.find(topic, partition)?.serve()
  }

  async create(topic: string, partition: number, topicId: string, config: LogConfig): Promise<PartitionLog> {
    return this.createNow(topic, partition, topicId, config)
  }
  /** The same without a promise. Throws what the disk says. */
  createNow(topic: string, partition: number, topicId: string, config: LogConfig): PartitionLog {
    try {
      return this.#creation.create(topic, partition, topicId, config)
    } catch (error) {
      if (isOpenLimitError(error)) this.#openLimit.tell(error as Error)
      throw error
    }
  }

  delete(topic: string, partition: number, topicId?: string): void {
    this.#creation.forget(topic, partition)
    const stored = this.#withoutMove(topic, partition)
    if (stored === undefined) return
    const isOffline = this.#directories.at(stored.logDirectory).failure !== undefined
    if (isOffline || topicId === undefined || stored.topicId === ZERO_UUID || stored.topicId === topicId)
      this.#removal.delete(stored, this.#configOf(topic).fileDeleteDelayMs)
    else this.#removal.setAside(stored, otherTopicReason(topic, stored.topicId, topicId))
  }

  setAside(topic: string, partition: number, why: string): void {
    const stored = this.#withoutMove(topic, partition)
    if (stored !== undefined) this.#removal.setAside(stored, why)
  }

  /** The log, which is in one directory alone from now on. */
  #withoutMove(topic: string, partition: number): StoredLog | undefined {
    const stored = this.#logs.find(topic, partition)
    if (stored !== undefined) this.#moves.forget(stored)
    return this.#logs.find(topic, partition)
  }

  move(topic: string, partition: number, directory: string): Rejection | undefined {
    const stored = this.#logs.find(topic, partition)
    if (stored === undefined) return reject('UNKNOWN_TOPIC_OR_PARTITION')
    this.#directories.check(stored.logDirectory)
    return this.#moves.start(stored, this.#directories.at(directory))
  }

  preferDirectory(topic: string, partition: number, directory: string): void {
    this.#creation.prefer(topic, partition, this.#directories.at(directory).path)
  }

  resumeMoves(assign: AssignDirectory): void {
    this.#moves.resume(assign)
  }

  directoryOf(topic: string, partition: number): string | undefined {
    const stored = this.#logs.find(topic, partition)
    if (stored === undefined) return undefined
    return this.#moves.assignedTo(stored) ?? this.#directories.at(stored.logDirectory).directoryId
  }

  updateConfig(topic: string, config: LogConfig): void {
    for (const stored of this.#logs.ofTopic(topic)) {
      stored.nextRetentionMs = 0
      stored.opened?.updateConfig(config)
      this.#logs.future(topic, stored.partition)?.opened?.updateConfig(config)
    }
  }

  directories(): readonly LogDirectory[] {
    return this.#directories.describe()
  }

  isOffline(topic: string, partition: number): boolean {
    if (!this.#directories.hasFailed) return false
    const stored = this.#logs.find(topic, partition)
    if (stored === undefined) return this.#creation.isOffline(topic, partition)
    return this.#directories.at(stored.logDirectory).failure !== undefined
  }

  /** Closes all logs of a directory that failed. During a stop they are closed anyway. */
  #takeOffline({ path }: Directory, error: DirectoryFailedError): void {
    this.#moves.directoryFailed(path)
    const logs = this.#logs.inDirectory(path)
    const hasOther = this.#directories.hasWorking
    const failed = { directory: path, error, hasOther, partitions: logs }
    if (this.#tasks.isStopped) {
      this.#tell(failed)
      return
    }
    const close = (stored: StoredLog) => stored.takeOffline(error)
    eachAlone(this.#host, logs, close, ({ name }, { message }) => {
      this.#logger.warn({ partition: name, reason: message }, 'a file of a log that is offline could not be closed')
    })
    this.#creation.takeOffline(path, error)
    this.#onDirectoryFailed(failed)
  }

  #tell(failed: FailedDirectory): void {
    this.#logger.error({ directory: failed.directory }, failedDirectoryLine(failed))
  }

  /** Ends at once, as a crash would: memory that cannot be trusted must not be written. The next start recovers. */
  halt(): void {
    this.#tasks.stop()
    this.#moves.halt()
    this.#closeCheckpoints()
    for (const { opened } of this.#all()) opened?.abandon()
    this.#services.openFiles.closeAll()
  }

  async stop(): Promise<void> {
    this.#tasks.stop()
    await this.#cleaner.stop()
    await this.#moves.stop()
    const open = [...this.#all()].filter((stored) => stored.opened !== undefined)
    for (let i = 0; i < open.length; i += CLOSES_AT_ONCE) {
      await Promise.all(open.slice(i, i + CLOSES_AT_ONCE).map((stored) => this.#close(stored)))
    }
    // Nothing is served any more that a slow disk could hold up.
    await this.#directories.inEach('closed cleanly', async (directory) => {
      this.#checkpoints.saveRecoveryPointsAtOnce(directory.path)
      this.#checkpoints.saveStartsAtOnce(directory.path)
      if (this.#isInOrder(directory)) this.#checkpoints.markClean(directory.path)
    })
    this.#closeCheckpoints()
    this.#services.openFiles.closeAll()
  }

  /** The files that a late write would replace may belong to another broker by then. */
  #closeCheckpoints(): void {
    this.#checkpoints.close()
    this.#cleaner.closeCheckpoints()
  }

  /** A log that cannot be closed leaves its directory without the mark of a clean stop: the next start recovers. */
  async #close(stored: StoredLog): Promise<void> {
    try {
      await stored.opened!.close()
    } catch (error) {
      stored.failure = failureOfPart(this.#host, error)
      this.#logger.error({ partition: stored.name, reason: stored.failure.stack }, 'a log could not be closed')
    }
  }

  #isInOrder({ path, failure }: Directory): boolean {
    const isInOrder = (stored: StoredLog) => stored.failure === undefined && stored.opened?.failure === undefined
    return failure === undefined && [...this.#logs.inDirectory(path), ...this.#logs.futuresIn(path)].every(isInOrder)
  }

  *#all(): Generator<StoredLog> {
    yield* this.#logs
    yield* this.#logs.futures
  }

  *#ownLogs(): Generator<StoredLog> {
    for (const stored of this.#logs) if (this.#isOwn(stored)) yield stored
  }

  /**
   * False for a log with another topic id than the topic of its name: that topic's settings remove nothing from it. It
   * is set aside when the partition is requested. Directories of Kafka 2.7 and older have no topic id.
   */
  #isOwn(stored: StoredLog): boolean {
    if (this.#topicIdOf === undefined) return true
    try {
      return stored.topicId === ZERO_UUID || stored.topicId === this.#topicIdOf(stored.topic)
    } catch (error) {
      // Reported when the log is requested. Until then nothing of it is removed.
      if (isSystemError(error)) return false
      throw error
    }
  }
}

function rethrow(_: string, error: Error): never {
  throw error
}
