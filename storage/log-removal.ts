import { DirectoryFailedError, failureOfPart, isSystemError } from './failure-policy.ts'
import type { Host } from './host/host.ts'
import type { LogCheckpoints } from './log-checkpoints.ts'
import type { LogCleaner } from './log-cleaner.ts'
import type { LogDirectories } from './log-directories.ts'
import type { LogTasks } from './log-tasks.ts'
import { deletedDirectoryName, strayDirectoryName } from './segment/file-names.ts'
import type { StorageLogger } from './storage-logger.ts'
import type { StoredLog } from './stored-log.ts'
import type { StoredLogs } from './stored-logs.ts'
import { setAsideLine } from './stray-directories.ts'

/** Errors of Windows when a directory cannot be renamed because a file in it is open for a read or a sync. */
const IN_USE_CODES: ReadonlySet<string> = new Set(['EPERM', 'EACCES', 'EBUSY'])
const IN_USE_RETRY_MS = 100
/**
 * How long after a deletion the checkpoints forget it, off the loop. A name that is used again before has to wait for the
 * disk on the loop.
 */
const FORGET_AFTER_MS = 1000

export interface LogRemovalParts {
  readonly host: Host
  readonly logger: StorageLogger
  readonly logs: StoredLogs
  readonly directories: LogDirectories
  readonly checkpoints: LogCheckpoints
  readonly cleaner: LogCleaner
  readonly tasks: LogTasks
}

/**
 * Logs that go: deleted ones, and those set aside because they are of another topic. Their directories are renamed at
 * once, so that nothing of them becomes part of a new log of the same name.
 */
export class LogRemoval {
  readonly #parts: LogRemovalParts
  /** Directories of deleted logs that could not be renamed, by the names that they still have: `topic-0`. */
  readonly #leftBehind = new Map<string, StoredLog>()
  /**
   * Names (`topic-0`) of deleted logs that the checkpoints may still contain, by log directory. A number tells apart
   * deletions of logs of one name.
   */
  readonly #staleCheckpointNames = new Map<string, Map<string, number>>()
  #deletions = 0
  /** Log directories whose checkpoints are about to forget deleted logs. */
  readonly #forgettingSoon = new Set<string>()

  constructor(parts: LogRemovalParts) {
    this.#parts = parts
  }

  /**
   * Removes a log for readers at once, and its files after the delay. In a directory that is offline the files stay: the
   * next start finds that their topic is gone. Throws if the disk fails.
   */
  delete(stored: StoredLog, delayMs: number): void {
    const { host, logs, directories, tasks } = this.#parts
    if (directories.at(stored.logDirectory).failure !== undefined) {
      stored.opened?.abandon()
      if (logs.has(stored)) logs.delete(stored)
      return
    }
    const uniqueId = host.random.bytes(16).toString('hex')
    try {
      const moved = this.#moveAway(stored, deletedDirectoryName(stored.topic, stored.partition, uniqueId))
      this.removeAfter(delayMs, moved)
    } catch (error) {
      if (!isInUse(error)) throw error
      tasks.after(IN_USE_RETRY_MS, () => {
        if (this.#leftBehind.get(stored.name) === stored) this.delete(stored, delayMs)
      })
    }
  }

  /** Renames a log with another topic id than the topic of its name; its files are kept. Throws if the disk fails. */
  setAside(stored: StoredLog, why: string): void {
    const { host, logger } = this.#parts
    const uniqueId = host.random.bytes(16).toString('hex')
    const moved = this.#moveAway(stored, strayDirectoryName(stored.topic, stored.partition, uniqueId))
    logger.warn({ partition: stored.name }, setAsideLine(stored.directory, why, moved))
  }

  /** Renames the directory to free its name for a new log; returns the new path. */
  #moveAway(stored: StoredLog, name: string): string {
    const { host, logs, directories } = this.#parts
    stored.opened?.abandon()
    logs.delete(stored)
    this.#staleNames(stored.logDirectory).set(stored.name, ++this.#deletions)
    const moved = host.files.join(stored.logDirectory, name)
    this.#leftBehind.set(stored.name, stored)
    try {
      host.files.rename(stored.directory, moved)
    } catch (error) {
      throw isInUse(error) ? error : directories.noteFailure(stored.logDirectory, failureOfPart(host, error))
    }
    this.#leftBehind.delete(stored.name)
    this.#forgetSoon(stored.logDirectory)
    return moved
  }

  #forgetSoon(logDirectory: string): void {
    if (this.#forgettingSoon.has(logDirectory)) return
    this.#forgettingSoon.add(logDirectory)
    this.#parts.tasks.after(FORGET_AFTER_MS, () => {
      this.#forgettingSoon.delete(logDirectory)
      return this.#tryToForget(logDirectory)
    })
  }

  /** If the disk fails, the next checkpoint or the next start forgets them. */
  async #tryToForget(logDirectory: string): Promise<void> {
    const { host, directories } = this.#parts
    if (directories.at(logDirectory).failure !== undefined) return
    try {
      await this.forgetDeleted(logDirectory)
    } catch (error) {
      const failure = directories.noteFailure(logDirectory, failureOfPart(host, error))
      if (!(failure instanceof DirectoryFailedError)) throw failure
    }
  }

  /** Removes the directory of a deleted log after the delay. If the disk fails, the next start tries again. */
  removeAfter(delayMs: number, path: string): void {
    this.#parts.tasks.after(delayMs, () => this.#remove(path))
  }

  async #remove(path: string): Promise<void> {
    const { host, logger } = this.#parts
    try {
      await host.files.removeAside(path)
    } catch (error) {
      logger.warn({ path, reason: (error as Error).message }, 'a deleted log could not be removed')
    }
  }

  /** Files left of a deleted log must not become part of a new log of the same name. Throws if the disk fails. */
  clearWayFor(stored: StoredLog): void {
    const left = this.#leftBehind.get(stored.name)
    const isOffline = left !== undefined && this.#parts.directories.at(left.logDirectory).failure !== undefined
    if (left !== undefined && !isOffline) this.setAside(left, 'was left by a deleted topic')
    if (this.#staleNames(stored.logDirectory).has(stored.name)) this.#forgetDeletedAtOnce(stored.logDirectory)
  }

  /**
   * Call for a new log before its first append. If a directory still has a deleted log of its name in its checkpoints,
   * the next start would take the new one for that log, moved. So its own directory names it at once. What a directory
   * that failed has is not known.
   */
  claimName({ name, logDirectory }: StoredLog): void {
    const { checkpoints, directories } = this.#parts
    const isStale = [...this.#staleCheckpointNames.values()].some((names) => names.has(name))
    const hasFailed = [...directories].some(({ failure }) => failure !== undefined)
    if (isStale || hasFailed) checkpoints.saveRecoveryPointsAtOnce(logDirectory)
  }

  /** Notes names of deleted logs that the checkpoints of the directory contained at the start. */
  noteStale(logDirectory: string, names: Iterable<string>): void {
    this.#staleCheckpointNames.set(logDirectory, new Map([...names].map((name) => [name, this.#deletions])))
  }

  /** Removes deleted logs from the checkpoints of their directory. Until then their names are remembered. */
  async forgetDeleted(logDirectory: string): Promise<void> {
    const { checkpoints, cleaner } = this.#parts
    const stale = this.#staleNames(logDirectory)
    const found = [...stale]
    if (found.length === 0) return
    await checkpoints.saveRecoveryPoints(logDirectory)
    await checkpoints.saveStarts(logDirectory)
    // Meanwhile a name may have been used again, and its log deleted as well.
    const isStill = ([name, deletion]: [string, number]): boolean => stale.get(name) === deletion
    const names = found.filter(isStill).map(([name]) => name)
    await cleaner.forget(names, logDirectory)
    for (const each of found) if (isStill(each)) stale.delete(each[0])
  }

  /** The same on the loop: one of the names is about to be used again. */
  #forgetDeletedAtOnce(logDirectory: string): void {
    const { checkpoints, cleaner } = this.#parts
    const stale = this.#staleNames(logDirectory)
    checkpoints.saveRecoveryPointsAtOnce(logDirectory)
    checkpoints.saveStartsAtOnce(logDirectory)
    cleaner.forgetAtOnce([...stale.keys()], logDirectory)
    stale.clear()
  }

  #staleNames(logDirectory: string): Map<string, number> {
    const known = this.#staleCheckpointNames.get(logDirectory)
    if (known !== undefined) return known
    const names = new Map<string, number>()
    this.#staleCheckpointNames.set(logDirectory, names)
    return names
  }
}

/** True if a directory could not be renamed because a file in it is open, on Windows. */
export function isInUse(error: unknown): boolean {
  return isSystemError(error) && IN_USE_CODES.has(error.code)
}
