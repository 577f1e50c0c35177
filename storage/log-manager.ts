import { BufferPool } from '../protocol/buffer-pool.ts'
import { invariant } from '../protocol/invariant.ts'
import { ZERO_UUID } from '../protocol/schema.ts'
import { PARTITION_METADATA_FILE } from './checkpoint-files.ts'
import { Disks } from './disk.ts'
import { eachAlone, failureOfPart, isSystemError, mayPass, reasonOf } from './failure-policy.ts'
import { findPartitions } from './found-partitions.ts'
import type { Host, Timer } from './host/host.ts'
import type { SharedServices } from './log/log-services.ts'
import { checkpointedOf, LogCheckpoints, type TakenCheckpoints } from './log-checkpoints.ts'
import { LogCleaner, type LogCleanerSettings } from './log-cleaner.ts'
import type { LogDirectory, LogStore, StoredPartition } from './log-store.ts'
import { LogTasks } from './log-tasks.ts'
import { OpenFiles } from './open-files.ts'
import { isOpenLimitError, OpenLimitWarning } from './open-limits.ts'
import type { LogConfig, PartitionLog } from './partition-log.ts'
import {
  deletedDirectoryName,
  isDeletedDirectory,
  partitionDirectoryName,
  strayDirectoryName,
} from './segment/file-names.ts'
import { IndexCache } from './segment/index-cache.ts'
import { SlicedWork } from './sliced-work.ts'
import { SpaceReserve } from './space-reserve.ts'
import { type StorageLogger, silentStorageLogger } from './storage-logger.ts'
import { type Checkpointed, StoredLog } from './stored-log.ts'
import { StoredLogs } from './stored-logs.ts'
import { TailMemory } from './tail.ts'

/** Logs handled in one turn of the event loop. */
const LOGS_PER_TURN = 16
/** Logs closed at a time. */
const CLOSES_AT_ONCE = 32
/** Errors of Windows when a directory cannot be renamed because a file in it is open for a read or a sync. */
const IN_USE_CODES: ReadonlySet<string> = new Set(['EPERM', 'EACCES', 'EBUSY'])
const IN_USE_RETRY_MS = 100
/** Kafka's UNKNOWN_VOLUME_BYTES. */
const UNKNOWN_BYTES = -1
/** No topic has this name, so its settings are the defaults of topics. */
const NO_TOPIC = ''

/** Broker settings that storage uses, under their Kafka names in camel case. The broker's settings satisfy it. */
export interface LogManagerSettings extends LogCleanerSettings {
  /** Passes after the start before retention first looks for old segments. */
  readonly logInitialTaskDelayMs: number
  readonly logRetentionCheckIntervalMs: number
  readonly logFlushSchedulerIntervalMs: number
  readonly logFlushOffsetCheckpointIntervalMs: number
  readonly logFlushStartOffsetCheckpointIntervalMs: number
  readonly producerIdExpirationMs: number
  readonly producerIdExpirationCheckIntervalMs: number
}

export interface LogManagerParts {
  readonly host: Host
  /** At least one. Their identity is in meta.properties, which the broker reads. `failure`: it must not be used. */
  readonly directories: readonly { readonly path: string; readonly directoryId: string; readonly failure?: Error }[]
  readonly settings: LogManagerSettings
  readonly logger?: StorageLogger
  /** Left out: a new pool. */
  readonly pool?: BufferPool
  /** True: no new log is created in that directory while there is another one. Left out: none is cordoned. */
  readonly isCordoned?: (directory: string) => boolean
  /** Called when a disk fails under a log. */
  readonly onDiskFailure?: (directory: string, error: Error) => void
  /** Called for a directory that cannot be read at the start. It is skipped, unless this throws. Left out: throws. */
  readonly onUnusable?: (directory: string, error: Error) => void
}

interface Directory {
  readonly path: string
  readonly directoryId: string
  readonly reserve: SpaceReserve
  failure: Error | undefined
  /** Its logs are known. False: it could not be read at the start, and nothing in it is touched. */
  isLoaded: boolean
}

/**
 * All logs of a broker, on local disks. After a clean stop a log is opened when it is first asked for; after any other
 * end all of them are recovered first. Source: LogManager.
 */
export class LogManager implements LogStore {
  readonly #host: Host
  readonly #settings: LogManagerSettings
  readonly #logger: StorageLogger
  readonly #services: SharedServices
  readonly #cleaner: LogCleaner
  readonly #directories: readonly Directory[]
  readonly #logs = new StoredLogs()
  readonly #checkpoints: LogCheckpoints
  readonly #tasks: LogTasks
  readonly #openLimit: OpenLimitWarning
  /** Directories of deleted logs that could not be renamed, by the names that they still have: `topic-0`. */
  readonly #leftBehind = new Map<string, StoredLog>()
  /** Logs whose creation failed, by `topic-0`: retried in the same directory, which may hold a part of their files. */
  readonly #failedCreations = new Map<string, StoredLog>()
  /** Names (`topic-0`) of deleted logs that the checkpoints may still contain, by log directory. */
  readonly #staleCheckpointNames = new Map<string, Set<string>>()
  /** Timer of the next compaction run; undefined: a run is under way. */
  #cleanerTimer: Timer | undefined
  /** The last failure logged for each directory. */
  readonly #toldFailures = new Map<Directory, string>()
  readonly #isCordoned: (directory: string) => boolean
  readonly #onDiskFailure: (directory: string, error: Error) => void
  readonly #onUnusable: (directory: string, error: Error) => void
  #topicIdOf: ((topic: string) => string | undefined) | undefined
  #configOf: (topic: string) => LogConfig = () => {
    throw new Error('the log manager was not started')
  }

  constructor(parts: LogManagerParts) {
    invariant(parts.directories.length > 0, 'a broker needs a directory for its logs')
    const { host, settings } = parts
    this.#host = host
    this.#settings = settings
    this.#logger = parts.logger ?? silentStorageLogger
    this.#isCordoned = parts.isCordoned ?? (() => false)
    this.#onDiskFailure = parts.onDiskFailure ?? (() => {})
    this.#onUnusable =
      parts.onUnusable ??
      ((_, error) => {
        throw error
      })
    this.#directories = parts.directories.map((each) => ({
      ...each,
      failure: each.failure,
      isLoaded: false,
      reserve: new SpaceReserve(host.files, each.path),
    }))
    this.#openLimit = new OpenLimitWarning(host.clock, this.#logger, host.files.openLimit)
    this.#checkpoints = new LogCheckpoints(host, this.#logger, this.#logs, (directory, task) =>
      this.#directoryOf(directory).reserve.use(task),
    )
    this.#tasks = new LogTasks(host, this.#logger)
    const pool = parts.pool ?? new BufferPool()
    this.#services = {
      host,
      openFiles: new OpenFiles(host.files, (error) => this.#openLimit.tell(error)),
      disks: new Disks(host),
      indexCache: new IndexCache(),
      tailMemory: new TailMemory(pool),
      pool,
      logger: this.#logger,
      slicedWork: new SlicedWork(host.timers),
      settings,
      saveLogStarts: (directory) => this.#checkpoints.saveStarts(directory),
      saveRecoveryPoints: (directory) => this.#checkpoints.writeRecoveryPoints(directory),
      withReserve: (directory, task) => this.#directoryOf(directory).reserve.use(task),
      onDiskFailure: (directory, error) => this.#noteFailure(directory, error),
    }
    this.#cleaner = new LogCleaner({ host, settings, services: this.#services, logs: () => this.#ownLogs() })
  }

  async start(
    settings: (topic: string) => LogConfig,
    topicIdOf?: (topic: string) => string | undefined,
  ): Promise<void> {
    this.#configOf = settings
    this.#topicIdOf = topicIdOf
    this.#loadAll()
    const tasks = this.#tasks
    const own = this.#settings
    tasks.every(own.logRetentionCheckIntervalMs, () => this.#deleteOldSegments(), own.logInitialTaskDelayMs)
    tasks.every(own.logFlushSchedulerIntervalMs, () => this.#flushOverdue())
    this.#fillReserves()
    tasks.every(own.logFlushOffsetCheckpointIntervalMs, () => {
      this.#inEachDirectory('checkpointed', ({ path }) => {
        this.#checkpoints.writeRecoveryPoints(path)
        this.#forgetDeleted(path)
      })
      this.#fillReserves()
    })
    tasks.every(own.logFlushStartOffsetCheckpointIntervalMs, () =>
      this.#inEachDirectory('checkpointed', ({ path }) => this.#checkpoints.writeStarts(path)),
    )
    tasks.every(own.producerIdExpirationCheckIntervalMs, () => this.#expireProducers())
    this.#awaitCleaner()
  }

  #fillReserves(): void {
    for (const { reserve, failure } of this.#directories) if (failure === undefined) reserve.fill()
  }

  /** Applies changed broker settings. Settings of single logs change through updateConfig. */
  settingsChanged(): void {
    this.#cleaner.settingsChanged()
    // Not during a run: the pause after it uses the new settings.
    if (this.#cleanerTimer !== undefined) this.#awaitCleaner()
  }

  *list(): Iterable<StoredPartition> {
    yield* this.#logs
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#logs.find(topic, partition)?.open()
  }

  create(topic: string, partition: number, topicId: string, config: LogConfig): PartitionLog {
    try {
      return this.#create(topic, partition, topicId, config)
    } catch (error) {
      if (isOpenLimitError(error)) this.#openLimit.tell(error as Error)
      throw error
    }
  }

  #create(topic: string, partition: number, topicId: string, config: LogConfig): PartitionLog {
    const existing = this.#logs.find(topic, partition)
    if (existing !== undefined) {
      if (existing.topicId === ZERO_UUID) this.#identify(existing, topicId)
      if (existing.topicId === topicId) return existing.open()
      this.#setAside(existing, `is of another topic ${topic}, with the id ${existing.topicId} instead of ${topicId}`)
    }
    const name = partitionDirectoryName(topic, partition)
    const stored =
      this.#failedCreations.get(name) ??
      this.#newLog(topic, partition, this.#emptiestDirectory(), {
        wasCleanStop: true,
        recoveryPoint: 0,
        logStartOffset: 0,
        compactedUpTo: 0,
      })
    try {
      this.#clearWayFor(stored)
      const log = stored.create(topicId)
      log.updateConfig(config)
      this.#failedCreations.delete(name)
      this.#logs.add(stored)
      return log
    } catch (error) {
      this.#noteFailedCreation(stored, failureOfPart(this.#host, error))
      throw error
    }
  }

  /** Another directory is tried only if nothing is left in this one: else there would be two logs of one name. */
  #noteFailedCreation(stored: StoredLog, error: Error): void {
    if (!mayPass(error)) this.#noteFailure(stored.logDirectory, error)
    const hasOther = this.#directories.some(({ failure }) => failure === undefined)
    const mayMove = !mayPass(error) && hasOther && !this.#host.files.exists(stored.directory)
    if (mayMove) this.#failedCreations.delete(stored.name)
    else this.#failedCreations.set(stored.name, stored)
  }

  /** Directories of Kafka 2.7 and older have no partition.metadata. If the file is there, it is damaged. */
  #identify(stored: StoredLog, topicId: string): void {
    const isDamaged = this.#host.files.exists(this.#host.files.join(stored.directory, PARTITION_METADATA_FILE))
    const level = isDamaged ? 'warn' : 'info'
    this.#logger[level](
      { partition: stored.name },
      `${stored.directory} does not say of which topic it is; it is taken for that of the topic of its name, ${topicId}`,
    )
    stored.writeTopicId(topicId)
  }

  delete(topic: string, partition: number): void {
    const stored = this.#logs.find(topic, partition)
    this.#failedCreations.delete(partitionDirectoryName(topic, partition))
    if (stored === undefined) return
    this.#delete(stored, this.#configOf(topic).fileDeleteDelayMs)
  }

  setAside(topic: string, partition: number, why: string): void {
    const stored = this.#logs.find(topic, partition)
    if (stored !== undefined) this.#setAside(stored, why)
  }

  directoryOf(topic: string, partition: number): string | undefined {
    const path = this.#logs.find(topic, partition)?.logDirectory
    return this.#directories.find((each) => each.path === path)?.directoryId
  }

  updateConfig(topic: string, config: LogConfig): void {
    for (const stored of this.#logs.ofTopic(topic)) {
      stored.nextRetentionMs = 0
      stored.opened?.updateConfig(config)
    }
  }

  directories(): readonly LogDirectory[] {
    return this.#directories.map((directory) => {
      try {
        return { ...directory, ...this.#contentOf(directory) }
      } catch (error) {
        const failure = failureOfPart(this.#host, error)
        return { ...directory, failure, freeBytes: UNKNOWN_BYTES, totalBytes: UNKNOWN_BYTES, partitions: [] }
      }
    })
  }

  #contentOf({ path }: Directory): Pick<LogDirectory, 'freeBytes' | 'totalBytes' | 'partitions'> {
    const partitions = this.#logs
      .inDirectory(path)
      .map(({ topic, partition, sizeBytes }) => ({ topic, partition, sizeBytes }))
    return { ...this.#host.files.space(path), partitions }
  }

  /** Ends at once, as a crash would: memory that cannot be trusted must not be written. The next start recovers. */
  halt(): void {
    this.#tasks.stop()
    for (const { opened } of this.#logs) opened?.abandon()
    this.#services.openFiles.closeAll()
  }

  async stop(): Promise<void> {
    this.#tasks.stop()
    await this.#cleaner.stop()
    const open = [...this.#logs].filter((stored) => stored.opened !== undefined)
    for (let i = 0; i < open.length; i += CLOSES_AT_ONCE) {
      await Promise.all(open.slice(i, i + CLOSES_AT_ONCE).map((stored) => this.#close(stored)))
    }
    this.#inEachDirectory('left in order', (directory) => {
      this.#checkpoints.writeRecoveryPoints(directory.path)
      this.#checkpoints.writeStarts(directory.path)
      if (this.#isInOrder(directory)) this.#checkpoints.markClean(directory.path)
    })
    this.#services.openFiles.closeAll()
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
    return failure === undefined && this.#logs.inDirectory(path).every(isInOrder)
  }

  /** Logs a failing directory once for each reason; the others go on. `what`: 'a directory cannot be ...' */
  #inEachDirectory(what: string, task: (directory: Directory) => void): void {
    const loaded = this.#directories.filter(({ isLoaded }) => isLoaded)
    eachAlone(this.#host, loaded, task, (directory, error) => {
      if (!mayPass(error)) this.#noteFailure(directory.path, error)
      const reason = reasonOf(error)
      const told = `${what}: ${error.message}`
      if (this.#toldFailures.get(directory) === told) return
      this.#toldFailures.set(directory, told)
      this.#logger.error({ directory: directory.path, reason }, `a data directory cannot be ${what}`)
    })
  }

  // Start.

  #loadAll(): void {
    const found = new Map<Directory, TakenCheckpoints>()
    const unusable = (directory: Directory, error: Error): void => {
      this.#unload(directory)
      directory.failure = error
      this.#onUnusable(directory.path, error)
    }
    const usable = this.#directories.filter(({ failure }) => failure === undefined)
    eachAlone(this.#host, usable, (directory) => found.set(directory, this.#look(directory)), unusable)
    const all = [...found.values()]
    eachAlone(
      this.#host,
      found,
      ([directory, own]) => this.#load(directory, own, all),
      ([each], error) => unusable(each, error),
    )
  }

  #unload(directory: Directory): void {
    directory.isLoaded = false
    for (const stored of this.#logs.inDirectory(directory.path)) {
      stored.opened?.abandon()
      this.#logs.delete(stored)
    }
  }

  get mayHideLogs(): boolean {
    return this.#directories.some(({ isLoaded }) => !isLoaded)
  }

  /** What the directory's checkpoints say about its logs. */
  #look(directory: Directory): TakenCheckpoints {
    const { files } = this.#host
    files.makeDirectory(directory.path)
    // An earlier start may have created it and then crashed.
    files.syncDirectory(files.join(directory.path, '..'))
    const names = files.list(directory.path)
    const found = this.#checkpoints.take(directory.path)
    const present = new Set(names)
    const stale = [...found.names].filter((name) => !present.has(name))
    this.#staleCheckpointNames.set(directory.path, new Set(stale))
    for (const name of names) {
      const path = files.join(directory.path, name)
      if (isDeletedDirectory(name))
        this.#tasks.after(this.#configOf(NO_TOPIC).fileDeleteDelayMs, () => this.#removeFile(path))
    }
    return found
  }

  #load(directory: Directory, own: TakenCheckpoints, all: readonly TakenCheckpoints[]): void {
    const partitions = findPartitions(this.#host.files, [directory.path])
    directory.isLoaded = true
    for (const { name, topic, partition } of partitions)
      this.#logs.add(this.#newLog(topic, partition, directory, checkpointedOf(name, own, all)))
    if (!own.wasCleanStop) this.#recover(directory)
  }

  #recover(directory: Directory): void {
    const startMs = this.#host.clock.monotonicMs()
    const logs = this.#logs.inDirectory(directory.path)
    for (const stored of logs) {
      try {
        stored.open()
      } catch (error) {
        const failure = failureOfPart(this.#host, error)
        this.#logger.error(
          { partition: stored.name, directory: directory.path, reason: failure.message },
          'a log cannot be recovered: it is left alone until the next start',
        )
        stored.failure = failure
        if (isSystemError(failure)) directory.failure ??= failure
      }
    }
    if (logs.length === 0) return
    // Records written from now on below the checkpointed recovery point would not be recovered.
    if (logs.some((stored) => stored.hasLostSynced)) this.#checkpoints.writeRecoveryPoints(directory.path)
    const tookMs = Math.round(this.#host.clock.monotonicMs() - startMs)
    this.#logger.info({ directory: directory.path, logs: logs.length, tookMs }, 'recovered after an unclean stop')
  }

  #newLog(topic: string, partition: number, directory: Directory, checkpointed: Checkpointed): StoredLog {
    return new StoredLog({
      topic,
      partition,
      logDirectory: directory.path,
      services: this.#services,
      checkpointed,
      configOf: () => this.#configOf(topic),
    })
  }

  // Tasks that recur.

  /** A log that is being compacted comes later: compaction uses its segments. */
  #deleteOldSegments(isMeant: (stored: StoredLog) => boolean = () => true): Promise<void> {
    return this.#forEachInTurns((stored) => {
      if (!isMeant(stored) || this.#cleaner.isCleaning(stored) || !this.#isOwn(stored)) return
      const nowMs = this.#host.clock.nowMs()
      if (stored.opened === undefined && nowMs < stored.nextRetentionMs) return
      const wasOpen = stored.opened !== undefined
      const log = stored.open()
      log.deleteOldSegments(nowMs)
      stored.nextRetentionMs = log.nextRetentionMs
      if (!wasOpen) stored.closeIfUntouched()
    })
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

  #flushOverdue(): Promise<void> {
    return this.#forEachInTurns(({ opened }) => {
      if (opened === undefined || opened.recoveryPoint === opened.logEndOffset) return
      if (this.#host.clock.nowMs() - opened.lastFlushMs >= opened.config.flushMs) return opened.flush()
    })
  }

  #expireProducers(): Promise<void> {
    return this.#forEachInTurns(({ opened }) => opened?.removeExpiredProducers(this.#host.clock.nowMs()))
  }

  /** Lets other work run in between: there may be ten thousand logs. A failing log does not stop the others. */
  async #forEachInTurns(task: (stored: StoredLog) => void | Promise<void>): Promise<void> {
    let count = 0
    for (const stored of [...this.#logs]) {
      if (this.#tasks.isStopped) return
      if (stored.failure !== undefined || !this.#logs.has(stored)) continue
      try {
        await task(stored)
      } catch (error) {
        this.#tellFailedTask(stored, failureOfPart(this.#host, error))
      }
      if (++count % LOGS_PER_TURN === 0) await new Promise<void>((resolve) => this.#host.timers.atTurnEnd(resolve))
    }
  }

  /** The failure to open a log is already logged. */
  #tellFailedTask(stored: StoredLog, error: Error): void {
    if (error === stored.openFailure) return
    this.#logger.error(
      { partition: stored.name, reason: reasonOf(error) },
      'a task failed for one log: it is tried again next time',
    )
  }

  /** The cleaner applies retention to compacted logs at its own pace. Source: LogCleaner.CleanerThread. */
  #awaitCleaner(): void {
    this.#cleanerTimer?.cancel()
    this.#cleanerTimer = this.#tasks.after(this.#settings.logCleanerBackoffMs, () => {
      this.#cleanerTimer = undefined
      this.#tasks.run(() => this.#clean()).finally(() => this.#awaitCleaner())
    })
  }

  async #clean(): Promise<void> {
    await this.#cleaner.run()
    await this.#deleteOldSegments((stored) => stored.config.cleanupPolicy.includes('compact'))
  }

  // Logs that go.

  #delete(stored: StoredLog, delayMs: number): void {
    const uniqueId = this.#host.random.bytes(16).toString('hex')
    try {
      const moved = this.#moveAway(stored, deletedDirectoryName(stored.topic, stored.partition, uniqueId))
      this.#tasks.after(delayMs, () => this.#removeFile(moved))
    } catch (error) {
      if (!isSystemError(error) || !IN_USE_CODES.has(error.code)) throw error
      this.#tasks.after(IN_USE_RETRY_MS, () => {
        if (this.#leftBehind.get(stored.name) === stored) this.#delete(stored, delayMs)
      })
    }
  }

  /** Renames the directory to free its name for a new log; returns the new path. */
  #moveAway(stored: StoredLog, name: string): string {
    stored.opened?.abandon()
    this.#logs.delete(stored)
    this.#staleNames(stored.logDirectory).add(stored.name)
    const { files } = this.#host
    const moved = files.join(stored.logDirectory, name)
    this.#leftBehind.set(stored.name, stored)
    files.rename(stored.directory, moved)
    this.#leftBehind.delete(stored.name)
    return moved
  }

  /** The next start tries again. */
  async #removeFile(path: string): Promise<void> {
    try {
      await this.#host.files.removeAside(path)
    } catch (error) {
      this.#logger.warn({ path, reason: (error as Error).message }, 'a deleted log could not be removed')
    }
  }

  /** Files left of a deleted log must not become part of a new log of the same name. Throws if the disk fails. */
  #clearWayFor(stored: StoredLog): void {
    const left = this.#leftBehind.get(stored.name)
    if (left !== undefined) this.#setAside(left, 'is left of a topic that was deleted')
    if (this.#staleNames(stored.logDirectory).has(stored.name)) this.#forgetDeleted(stored.logDirectory)
  }

  /** Removes deleted logs from the checkpoints of their directory. Until then their names are remembered. */
  #forgetDeleted(logDirectory: string): void {
    const stale = this.#staleNames(logDirectory)
    if (stale.size === 0) return
    this.#checkpoints.writeRecoveryPoints(logDirectory)
    this.#checkpoints.writeStarts(logDirectory)
    this.#cleaner.forget(stale, logDirectory)
    stale.clear()
  }

  #staleNames(logDirectory: string): Set<string> {
    const known = this.#staleCheckpointNames.get(logDirectory)
    if (known !== undefined) return known
    const names = new Set<string>()
    this.#staleCheckpointNames.set(logDirectory, names)
    return names
  }

  /** Renames a log with another topic id than the topic of its name; its files are kept. */
  #setAside(stored: StoredLog, why: string): void {
    const uniqueId = this.#host.random.bytes(16).toString('hex')
    const moved = this.#moveAway(stored, strayDirectoryName(stored.topic, stored.partition, uniqueId))
    this.#logger.warn(
      { partition: stored.name },
      `${stored.directory} ${why}: it is set aside as ${moved}, where nothing reads or removes it; move it away, or remove it if nobody misses it`,
    )
  }

  #emptiestDirectory(): Directory {
    const working = this.#directories.filter((directory) => directory.failure === undefined)
    const open = working.filter(({ path }) => !this.#isCordoned(path))
    const usable = open.length > 0 ? open : working
    const candidates = usable.length === 0 ? this.#directories.filter(({ isLoaded }) => isLoaded) : usable
    return candidates.reduce((best, each) =>
      this.#logs.countIn(each.path) < this.#logs.countIn(best.path) ? each : best,
    )
  }

  #noteFailure(logDirectory: string, error: Error): void {
    const directory = this.#directoryOf(logDirectory)
    directory.failure ??= error
    this.#onDiskFailure(logDirectory, error)
  }

  #directoryOf(logDirectory: string): Directory {
    const directory = this.#directories.find(({ path }) => path === logDirectory)
    invariant(directory !== undefined, `${logDirectory} is no data directory`)
    return directory
  }
}
