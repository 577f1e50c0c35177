import { BufferPool } from '../protocol/buffer-pool.ts'
import { invariant } from '../protocol/invariant.ts'
import { ZERO_UUID } from '../protocol/schema.ts'
import {
  CLEAN_SHUTDOWN_FILE,
  CLEANER_OFFSET_FILE,
  formatCleanShutdown,
  formatOffsets,
  LOG_START_FILE,
  type PartitionOffset,
  parseOffsets,
  RECOVERY_POINT_FILE,
} from './checkpoint-files.ts'
import type { Host, Timer } from './host/host.ts'
import type { LogServices } from './log/log-services.ts'
import { LogCleaner, type LogCleanerSettings } from './log-cleaner.ts'
import type { LogDirectory, LogStore, StoredPartition } from './log-store.ts'
import { OpenFiles } from './open-files.ts'
import type { LogConfig, PartitionLog } from './partition-log.ts'
import {
  deletedDirectoryName,
  isDeletedDirectory,
  parsePartitionDirectory,
  partitionDirectoryName,
  strayDirectoryName,
} from './segment/file-names.ts'
import { IndexCache } from './segment/index-cache.ts'
import { type StorageLogger, silentStorageLogger } from './storage-logger.ts'
import { type Checkpointed, StoredLog } from './stored-log.ts'
import { TailMemory } from './tail.ts'

/** Logs looked at in one turn of the event loop. */
const LOGS_PER_TURN = 16
/** Logs closed at a time. */
const CLOSES_AT_ONCE = 32
/** Its log is in a directory like those of partitions, but belongs to the metadata quorum. */
const METADATA_TOPIC = '__cluster_metadata'
/** What Windows says of a directory that cannot be renamed as long as a file in it is open: a read or a sync is under way. */
const IN_USE_CODES: ReadonlySet<string> = new Set(['EPERM', 'EACCES', 'EBUSY'])
const IN_USE_RETRY_MS = 100
/** No topic has this name: its settings are those of a topic without any of its own. */
const NO_TOPIC = ''

/** Settings of the broker that storage goes by, under their Kafka names in camel case. The broker's own satisfy it. */
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
  /** At least one. Their identity is in meta.properties, which the broker reads. */
  readonly directories: readonly { readonly path: string; readonly directoryId: string }[]
  readonly settings: LogManagerSettings
  readonly logger?: StorageLogger
  /** Left out: a pool of its own. */
  readonly pool?: BufferPool
  /** True: no new log is to be put into that directory, as long as there is another. Left out: none is cordoned. */
  readonly isCordoned?: (directory: string) => boolean
  /** Told when a disk fails under a log. */
  readonly onDiskFailure?: (directory: string, error: Error) => void
}

interface Directory {
  readonly path: string
  readonly directoryId: string
  failure: Error | undefined
}

/**
 * All logs of a broker, on local disks. After a clean stop a log is opened when it is first asked for; after any other
 * end all of them are recovered first. Source: LogManager.
 */
export class LogManager implements LogStore {
  readonly #host: Host
  readonly #settings: LogManagerSettings
  readonly #logger: StorageLogger
  readonly #services: LogServices
  readonly #cleaner: LogCleaner
  readonly #directories: readonly Directory[]
  readonly #logs = new Map<string, Map<number, StoredLog>>()
  /** Directories of deleted logs that could not be renamed, by the names that they still have: `topic-0`. */
  readonly #leftBehind = new Map<string, StoredLog>()
  /** Logs that the disk did not let be made: to be tried where they may have a directory already, or there would be two. */
  readonly #halfMade = new Map<string, StoredLog>()
  /** Logs that are gone, but of which the checkpoints on the disk may still tell: `topic-0`. */
  readonly #outlived = new Set<string>()
  readonly #timers = new Set<Timer>()
  /** Until the next look for something to compact; undefined: that is under way. */
  #cleanerTimer: Timer | undefined
  readonly #isCordoned: (directory: string) => boolean
  readonly #onDiskFailure: (directory: string, error: Error) => void
  #configOf: (topic: string) => LogConfig = () => {
    throw new Error('the log manager was not started')
  }
  /** Log starts that are to be written at the end of this turn. */
  #savingStarts: Promise<void> | undefined
  #isStopped = false

  constructor(parts: LogManagerParts) {
    invariant(parts.directories.length > 0, 'a broker needs a directory for its logs')
    const { host, settings } = parts
    this.#host = host
    this.#settings = settings
    this.#logger = parts.logger ?? silentStorageLogger
    this.#isCordoned = parts.isCordoned ?? (() => false)
    this.#onDiskFailure = parts.onDiskFailure ?? (() => {})
    this.#directories = parts.directories.map((each) => ({ ...each, failure: undefined }))
    this.#services = {
      host,
      openFiles: new OpenFiles(host.files),
      indexCache: new IndexCache(),
      tailMemory: new TailMemory(),
      pool: parts.pool ?? new BufferPool(),
      logger: this.#logger,
      settings,
      saveLogStart: () => this.#saveStarts(),
      saveRecoveryPoints: () => this.#writeRecoveryPoints(),
      onDiskFailure: (directory, error) => this.#noteFailure(directory, error),
    }
    this.#cleaner = new LogCleaner({
      host,
      settings,
      services: this.#services,
      logs: () => this.#all(),
    })
  }

  async start(settings: (topic: string) => LogConfig): Promise<void> {
    this.#configOf = settings
    for (const directory of this.#directories) this.#load(directory)
    const { logInitialTaskDelayMs, logRetentionCheckIntervalMs, logFlushSchedulerIntervalMs } = this.#settings
    this.#every(logRetentionCheckIntervalMs, () => this.#deleteOldSegments(), logInitialTaskDelayMs)
    this.#every(logFlushSchedulerIntervalMs, () => this.#flushOverdue())
    this.#every(this.#settings.logFlushOffsetCheckpointIntervalMs, () => this.#writeRecoveryPoints())
    this.#every(this.#settings.logFlushStartOffsetCheckpointIntervalMs, () => this.#writeStarts())
    this.#every(this.#settings.producerIdExpirationCheckIntervalMs, () => this.#expireProducers())
    this.#awaitCleaner()
  }

  /** Settings that the broker's parts share were changed. Those of single logs come by updateConfig. */
  settingsChanged(): void {
    this.#cleaner.settingsChanged()
    // Unless it runs at the moment: the pause after that is as the settings say then.
    if (this.#cleanerTimer !== undefined) this.#awaitCleaner()
  }

  *list(): Iterable<StoredPartition> {
    yield* this.#all()
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#find(topic, partition)?.open()
  }

  create(topic: string, partition: number, topicId: string, config: LogConfig): PartitionLog {
    const existing = this.#find(topic, partition)
    if (existing !== undefined) {
      if (existing.topicId === ZERO_UUID) existing.writeTopicId(topicId)
      if (existing.topicId === topicId) return existing.open()
      this.#setAside(existing)
    }
    const name = partitionDirectoryName(topic, partition)
    this.#clearWayFor(name)
    const half = this.#halfMade.get(name)
    // What is there already would be taken for durable.
    if (half !== undefined) this.#host.files.remove(half.directory)
    const stored =
      half ??
      this.#newLog(topic, partition, this.#emptiestDirectory(), {
        wasCleanStop: true,
        recoveryPoint: 0,
        logStartOffset: 0,
        compactedUpTo: 0,
      })
    this.#halfMade.set(name, stored)
    this.#host.files.makeDirectory(stored.directory)
    stored.writeTopicId(topicId)
    const log = stored.open()
    log.updateConfig(config)
    this.#halfMade.delete(name)
    this.#add(stored)
    return log
  }

  delete(topic: string, partition: number): void {
    const stored = this.#find(topic, partition)
    if (stored === undefined) return
    this.#delete(stored, this.#configOf(topic).fileDeleteDelayMs)
  }

  setAside(topic: string, partition: number): void {
    const stored = this.#find(topic, partition)
    if (stored !== undefined) this.#setAside(stored)
  }

  updateConfig(topic: string, config: LogConfig): void {
    for (const stored of this.#logs.get(topic)?.values() ?? []) {
      stored.nextRetentionMs = 0
      stored.opened?.updateConfig(config)
    }
  }

  directories(): readonly LogDirectory[] {
    return this.#directories.map((directory) => {
      const logs = [...this.#all()].filter((stored) => stored.logDirectory === directory.path)
      const partitions = logs.map(({ topic, partition, sizeBytes }) => ({ topic, partition, sizeBytes }))
      return { ...directory, ...this.#host.files.space(directory.path), partitions }
    })
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    await this.#cleaner.stop()
    const open = [...this.#all()].filter((stored) => stored.opened !== undefined)
    for (let i = 0; i < open.length; i += CLOSES_AT_ONCE) {
      await Promise.all(open.slice(i, i + CLOSES_AT_ONCE).map((stored) => stored.opened!.close()))
    }
    this.#writeRecoveryPoints()
    this.#writeStarts()
    for (const directory of this.#directories) if (this.#isInOrder(directory)) this.#markClean(directory)
    this.#services.openFiles.closeAll()
  }

  // Start.

  #load(directory: Directory): void {
    const { files } = this.#host
    files.makeDirectory(directory.path)
    // An earlier start may have made it and ended right after.
    files.syncDirectory(files.join(directory.path, '..'))
    const names = files.list(directory.path)
    const cleanMark = files.join(directory.path, CLEAN_SHUTDOWN_FILE)
    const wasCleanStop = files.exists(cleanMark)
    if (wasCleanStop) files.remove(cleanMark)
    // A mark that came back after a power loss would hide what happened since; and checkpoints that are read are in force.
    files.syncDirectory(directory.path)
    const recoveryPoints = this.#readOffsets(directory, RECOVERY_POINT_FILE)
    const starts = this.#readOffsets(directory, LOG_START_FILE)
    const compactedUpTo = this.#readOffsets(directory, CLEANER_OFFSET_FILE)
    const present = new Set(names)
    for (const offsets of [recoveryPoints, starts, compactedUpTo]) {
      for (const name of offsets?.keys() ?? []) if (!present.has(name)) this.#outlived.add(name)
    }
    // From now on it says of each log how far it may have been compacted.
    if (recoveryPoints === undefined)
      files.replaceWhole(files.join(directory.path, RECOVERY_POINT_FILE), formatOffsets([]))
    for (const name of names) {
      const path = files.join(directory.path, name)
      if (isDeletedDirectory(name))
        this.#after(this.#configOf(NO_TOPIC).fileDeleteDelayMs, () => this.#removeFile(path))
      const parsed = parsePartitionDirectory(name)
      if (parsed === undefined || parsed.topic === METADATA_TOPIC || !files.stat(path)?.isDirectory) continue
      const checkpointed = {
        wasCleanStop,
        recoveryPoint: recoveryPoints?.get(name) ?? 0,
        logStartOffset: starts?.get(name) ?? 0,
        compactedUpTo: compactedUpTo?.get(name) ?? (recoveryPoints && 0),
      }
      this.#add(this.#newLog(parsed.topic, parsed.partition, directory, checkpointed))
    }
    if (!wasCleanStop) this.#recover(directory)
  }

  #recover(directory: Directory): void {
    const startMs = this.#host.clock.monotonicMs()
    const logs = [...this.#all()].filter((stored) => stored.logDirectory === directory.path)
    for (const stored of logs) {
      try {
        stored.open()
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === undefined) throw error
        this.#logger.error(
          { partition: stored.name, directory: directory.path, reason: (error as Error).message },
          'a log cannot be recovered: its disk fails; it is left alone until the next start',
        )
        stored.failure = error as Error
        directory.failure ??= error as Error
      }
    }
    if (logs.length === 0) return
    // What is written from now on below the checkpointed recovery point would not be recovered.
    if (logs.some((stored) => stored.hasLostSynced)) this.#writeRecoveryPoints()
    const tookMs = Math.round(this.#host.clock.monotonicMs() - startMs)
    this.#logger.info({ directory: directory.path, logs: logs.length, tookMs }, 'recovered after an unclean stop')
  }

  /** By `topic-0`. Undefined where there is no such file, or a corrupt one. */
  #readOffsets({ path }: Directory, file: string): Map<string, number> | undefined {
    const text = this.#host.files.readWhole(this.#host.files.join(path, file))?.toString('utf8')
    if (text === undefined) return undefined
    const entries = parseOffsets(text)
    if (entries === undefined) this.#logger.warn({ directory: path, file }, 'a checkpoint is corrupt and is ignored')
    return entries && new Map(entries.map((entry) => [`${entry.topic}-${entry.partition}`, entry.offset]))
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

  /** A log that is being compacted comes later: compaction holds on to its segments. */
  #deleteOldSegments(isMeant: (stored: StoredLog) => boolean = () => true): Promise<void> {
    return this.#forEachInTurns((stored) => {
      if (!isMeant(stored) || this.#cleaner.isCleaning(stored)) return
      const nowMs = this.#host.clock.nowMs()
      if (stored.opened === undefined && nowMs < stored.nextRetentionMs) return
      const wasOpen = stored.opened !== undefined
      const log = stored.open()
      log.deleteOldSegments(nowMs)
      stored.nextRetentionMs = log.nextRetentionMs
      if (!wasOpen) stored.closeIfUntouched()
    })
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

  /** Lets other work go on in between: there may be ten thousand logs. */
  async #forEachInTurns(task: (stored: StoredLog) => void | Promise<void>): Promise<void> {
    let count = 0
    for (const stored of [...this.#all()]) {
      if (this.#isStopped) return
      if (stored.failure !== undefined || this.#find(stored.topic, stored.partition) !== stored) continue
      await task(stored)
      if (++count % LOGS_PER_TURN === 0) await new Promise<void>((resolve) => this.#host.timers.atTurnEnd(resolve))
    }
  }

  /** Compacted logs are looked after at the pace of the cleaner. Source: LogCleaner.CleanerThread. */
  #awaitCleaner(): void {
    if (this.#cleanerTimer !== undefined) {
      this.#cleanerTimer.cancel()
      this.#timers.delete(this.#cleanerTimer)
    }
    this.#cleanerTimer = this.#after(this.#settings.logCleanerBackoffMs, () => {
      this.#cleanerTimer = undefined
      this.#cleaner
        .run()
        .then(() => this.#deleteOldSegments((stored) => stored.config.cleanupPolicy.includes('compact')))
        .catch((error: Error) => this.#tellFailedTask(error))
        .finally(() => this.#awaitCleaner())
    })
  }

  #tellFailedTask(error: Error): void {
    this.#logger.error({ reason: error.stack }, 'a task of the log manager failed')
  }

  #every(intervalMs: number, task: () => void | Promise<void>, firstAfterMs = intervalMs): void {
    const again = (delayMs: number): void => {
      this.#after(delayMs, () => {
        Promise.resolve()
          .then(task)
          .catch((error: Error) => this.#tellFailedTask(error))
          .finally(() => again(intervalMs))
      })
    }
    again(firstAfterMs)
  }

  /** undefined: the manager has stopped, and nothing will come any more. */
  #after(delayMs: number, task: () => void): Timer | undefined {
    if (this.#isStopped) return undefined
    const timer = this.#host.timers.after(delayMs, () => {
      this.#timers.delete(timer)
      task()
    })
    this.#timers.add(timer)
    return timer
  }

  // Checkpoints.

  #saveStarts(): Promise<void> {
    this.#savingStarts ??= new Promise((resolve, reject) => {
      this.#host.timers.atTurnEnd(() => {
        this.#savingStarts = undefined
        try {
          this.#writeStarts()
          resolve()
        } catch (error) {
          reject(error)
        }
      })
    })
    return this.#savingStarts
  }

  #writeRecoveryPoints(): void {
    this.#writeOffsets(RECOVERY_POINT_FILE, (stored) => stored.recoveryPoint)
  }

  #writeStarts(): void {
    this.#writeOffsets(LOG_START_FILE, (stored) => stored.checkpointedStart)
  }

  #writeOffsets(file: string, offsetOf: (stored: StoredLog) => number | undefined): void {
    const entries = new Map<string, PartitionOffset[]>(this.#directories.map(({ path }) => [path, []]))
    for (const stored of this.#all()) {
      const offset = offsetOf(stored)
      const { topic, partition } = stored
      if (offset !== undefined) entries.get(stored.logDirectory)!.push({ topic, partition, offset })
    }
    const { files } = this.#host
    for (const [path, offsets] of entries) files.replaceWhole(files.join(path, file), formatOffsets(offsets))
  }

  #isInOrder(directory: Directory): boolean {
    const logs = [...this.#all()].filter((stored) => stored.logDirectory === directory.path)
    return directory.failure === undefined && logs.every((stored) => stored.opened?.failure === undefined)
  }

  #markClean({ path }: Directory): void {
    const { files } = this.#host
    files.replaceWhole(files.join(path, CLEAN_SHUTDOWN_FILE), formatCleanShutdown(0))
  }

  // Which logs there are.

  *#all(): Generator<StoredLog> {
    for (const partitions of this.#logs.values()) yield* partitions.values()
  }

  #find(topic: string, partition: number): StoredLog | undefined {
    return this.#logs.get(topic)?.get(partition)
  }

  #add(stored: StoredLog): void {
    const partitions = this.#logs.get(stored.topic)
    if (partitions === undefined) this.#logs.set(stored.topic, new Map([[stored.partition, stored]]))
    else partitions.set(stored.partition, stored)
  }

  #forget(stored: StoredLog): void {
    const partitions = this.#logs.get(stored.topic)
    partitions?.delete(stored.partition)
    if (partitions?.size === 0) this.#logs.delete(stored.topic)
  }

  #delete(stored: StoredLog, delayMs: number): void {
    const uniqueId = this.#host.random.bytes(16).toString('hex')
    try {
      const moved = this.#moveAway(stored, deletedDirectoryName(stored.topic, stored.partition, uniqueId))
      this.#after(delayMs, () => this.#removeFile(moved))
    } catch (error) {
      if (!IN_USE_CODES.has((error as NodeJS.ErrnoException).code ?? '')) throw error
      this.#after(IN_USE_RETRY_MS, () => {
        if (this.#leftBehind.get(stored.name) === stored) this.#delete(stored, delayMs)
      })
    }
  }

  /** Renames the directory out of the way of a log to come; answers its new path. */
  #moveAway(stored: StoredLog, name: string): string {
    stored.opened?.abandon()
    this.#forget(stored)
    this.#outlived.add(stored.name)
    const { files } = this.#host
    const moved = files.join(stored.logDirectory, name)
    this.#leftBehind.set(stored.name, stored)
    files.rename(stored.directory, moved)
    this.#leftBehind.delete(stored.name)
    return moved
  }

  /** The next start tries again. */
  #removeFile(path: string): void {
    try {
      this.#host.files.remove(path)
    } catch (error) {
      this.#logger.warn({ path, reason: (error as Error).message }, 'a deleted log could not be removed')
    }
  }

  /** What is left of a log that is gone must not become part of the one that gets its name. Throws where the disk fails. */
  #clearWayFor(name: string): void {
    const left = this.#leftBehind.get(name)
    if (left !== undefined) this.#setAside(left)
    if (!this.#outlived.has(name)) return
    this.#writeRecoveryPoints()
    this.#writeStarts()
    for (const { path } of this.#directories) this.#cleaner.forget(this.#outlived, path)
    this.#outlived.clear()
  }

  /** A log of another topic of the same name, or of nobody knows which: kept for whoever may miss it. */
  #setAside(stored: StoredLog): void {
    const uniqueId = this.#host.random.bytes(16).toString('hex')
    const moved = this.#moveAway(stored, strayDirectoryName(stored.topic, stored.partition, uniqueId))
    this.#logger.warn(
      { partition: stored.name, moved },
      'a log that is not that of the topic of its name was set aside',
    )
  }

  #emptiestDirectory(): Directory {
    const working = this.#directories.filter((directory) => directory.failure === undefined)
    const open = working.filter(({ path }) => !this.#isCordoned(path))
    const usable = open.length > 0 ? open : working
    const counts = new Map<string, number>()
    if (usable.length > 1) {
      for (const { logDirectory } of this.#all()) counts.set(logDirectory, (counts.get(logDirectory) ?? 0) + 1)
    }
    const candidates = usable.length === 0 ? this.#directories : usable
    return candidates.reduce((best, each) =>
      (counts.get(each.path) ?? 0) < (counts.get(best.path) ?? 0) ? each : best,
    )
  }

  #noteFailure(partitionDirectory: string, error: Error): void {
    const directory = this.#directories.find(({ path }) => partitionDirectory.startsWith(path))
    if (directory !== undefined) directory.failure ??= error
    this.#onDiskFailure(partitionDirectory, error)
  }
}
