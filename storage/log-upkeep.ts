import { DirectoryFailedError, failureOfPart, reasonOf } from './failure-policy.ts'
import type { Host, Timer } from './host/host.ts'
import type { LogCheckpoints } from './log-checkpoints.ts'
import type { LogCleaner, LogCleanerSettings } from './log-cleaner.ts'
import type { LogDirectories } from './log-directories.ts'
import type { LogRemoval } from './log-removal.ts'
import type { LogTasks } from './log-tasks.ts'
import type { StorageLogger } from './storage-logger.ts'
import type { StoredLog } from './stored-log.ts'
import type { StoredLogs } from './stored-logs.ts'

/** Logs handled in one turn of the event loop. */
const LOGS_PER_TURN = 16

/** Settings of the recurring tasks, under their Kafka names in camel case. */
export interface LogUpkeepSettings extends LogCleanerSettings {
  /** Passes after the start before retention first looks for old segments. */
  readonly logInitialTaskDelayMs: number
  readonly logRetentionCheckIntervalMs: number
  readonly logFlushSchedulerIntervalMs: number
  readonly logFlushOffsetCheckpointIntervalMs: number
  readonly logFlushStartOffsetCheckpointIntervalMs: number
  readonly producerIdExpirationCheckIntervalMs: number
}

export interface LogUpkeepParts {
  readonly host: Host
  readonly settings: LogUpkeepSettings
  readonly logger: StorageLogger
  readonly logs: StoredLogs
  readonly directories: LogDirectories
  readonly checkpoints: LogCheckpoints
  readonly removal: LogRemoval
  readonly cleaner: LogCleaner
  readonly tasks: LogTasks
  /** False: nothing may be removed from the log. */
  readonly isOwn: (stored: StoredLog) => boolean
}

/** The recurring tasks: retention, flushes, checkpoints, compaction, expiry of producers. Source: LogManager.startup. */
export class LogUpkeep {
  readonly #parts: LogUpkeepParts
  /** Timer of the next compaction run; undefined: a run is under way. */
  #cleanerTimer: Timer | undefined

  constructor(parts: LogUpkeepParts) {
    this.#parts = parts
  }

  start(): void {
    const { tasks, settings, directories, checkpoints, removal } = this.#parts
    tasks.every(settings.logRetentionCheckIntervalMs, () => this.#deleteOldSegments(), settings.logInitialTaskDelayMs)
    tasks.every(settings.logFlushSchedulerIntervalMs, () => this.#flushOverdue())
    directories.fillReserves()
    tasks.every(settings.logFlushOffsetCheckpointIntervalMs, async () => {
      await directories.inEach('checkpointed', async ({ path }) => {
        await checkpoints.saveRecoveryPoints(path)
        await removal.forgetDeleted(path)
      })
      directories.fillReserves()
    })
    tasks.every(settings.logFlushStartOffsetCheckpointIntervalMs, () =>
      directories.inEach('checkpointed', ({ path }) => checkpoints.saveStarts(path)),
    )
    tasks.every(settings.producerIdExpirationCheckIntervalMs, () => this.#expireProducers())
    this.#awaitCleaner()
  }

  settingsChanged(): void {
    this.#parts.cleaner.settingsChanged()
    // Not during a run: the pause after it uses the new settings.
    if (this.#cleanerTimer !== undefined) this.#awaitCleaner()
  }

  /** A log that is being compacted comes later: compaction uses its segments. */
  #deleteOldSegments(isMeant: (stored: StoredLog) => boolean = () => true): Promise<void> {
    const { host, cleaner, isOwn } = this.#parts
    return this.#forEachInTurns((stored) => {
      if (!isMeant(stored) || cleaner.isCleaning(stored) || !isOwn(stored)) return
      const nowMs = host.clock.nowMs()
      if (stored.opened === undefined && nowMs < stored.nextRetentionMs) return
      const wasOpen = stored.opened !== undefined
      const log = stored.open()
      log.deleteOldSegments(nowMs)
      stored.nextRetentionMs = log.nextRetentionMs
      if (!wasOpen) stored.closeIfUntouched()
    })
  }

  #flushOverdue(): Promise<void> {
    const { clock } = this.#parts.host
    return this.#forEachInTurns(({ opened }) => {
      if (opened === undefined || opened.recoveryPoint === opened.logEndOffset) return
      if (clock.nowMs() - opened.lastFlushMs >= opened.config.flushMs) return opened.flush()
    })
  }

  #expireProducers(): Promise<void> {
    const { clock } = this.#parts.host
    return this.#forEachInTurns(({ opened }) => opened?.removeExpiredProducers(clock.nowMs()))
  }

  /** Lets other work run in between: there may be ten thousand logs. A failing log does not stop the others. */
  async #forEachInTurns(task: (stored: StoredLog) => void | Promise<void>): Promise<void> {
    const { host, logs, tasks } = this.#parts
    let count = 0
    for (const stored of [...logs]) {
      if (tasks.isStopped) return
      if (stored.failure !== undefined || !logs.has(stored)) continue
      try {
        await task(stored)
      } catch (error) {
        this.#tellFailedTask(stored, failureOfPart(host, error))
      }
      if (++count % LOGS_PER_TURN === 0) await new Promise<void>((resolve) => host.timers.atTurnEnd(resolve))
    }
  }

  /** The failure to open a log is already logged. */
  #tellFailedTask(stored: StoredLog, error: Error): void {
    if (error === stored.openFailure) return
    const { directories, logger } = this.#parts
    if (directories.noteFailure(stored.logDirectory, error) instanceof DirectoryFailedError) return
    logger.error(
      { partition: stored.name, reason: reasonOf(error) },
      'a task failed for one log and will be tried again',
    )
  }

  /** The cleaner applies retention to compacted logs at its own pace. Source: LogCleaner.CleanerThread. */
  #awaitCleaner(): void {
    const { tasks, settings } = this.#parts
    this.#cleanerTimer?.cancel()
    this.#cleanerTimer = tasks.after(settings.logCleanerBackoffMs, () => {
      this.#cleanerTimer = undefined
      tasks.run(() => this.#clean()).finally(() => this.#awaitCleaner())
    })
  }

  async #clean(): Promise<void> {
    await this.#parts.cleaner.run()
    await this.#deleteOldSegments((stored) => stored.config.cleanupPolicy.includes('compact'))
  }
}
