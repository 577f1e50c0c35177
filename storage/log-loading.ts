import { eachAlone, failureOfPart, isSystemError } from './failure-policy.ts'
import { findPartitions, hasRecords } from './found-partitions.ts'
import { FutureLoading, type LookedInto, namesOfFutures } from './future-loading.ts'
import type { Host } from './host/host.ts'
import { checkpointedOf, type LogCheckpoints } from './log-checkpoints.ts'
import type { Directory, LogDirectories } from './log-directories.ts'
import type { LogMoves } from './log-moves.ts'
import type { LogRemoval } from './log-removal.ts'
import { isDeletedDirectory } from './segment/file-names.ts'
import type { StorageLogger } from './storage-logger.ts'
import type { NewLog } from './stored-log.ts'
import type { StoredLogs } from './stored-logs.ts'

export interface LogLoadingParts {
  readonly host: Host
  readonly logger: StorageLogger
  readonly logs: StoredLogs
  readonly directories: LogDirectories
  readonly checkpoints: LogCheckpoints
  readonly removal: LogRemoval
  readonly moves: LogMoves
  readonly newLog: NewLog
  /** Called for a directory that cannot be read. It is skipped, unless this throws. */
  readonly onUnusable: (directory: string, error: Error) => void
}

/** Finds the logs of the data directories at the start. Recovers those of a directory without a clean stop. */
export class LogLoading {
  readonly #parts: LogLoadingParts

  readonly #futures: FutureLoading

  constructor(parts: LogLoadingParts) {
    this.#parts = parts
    this.#futures = new FutureLoading(parts)
  }

  /** deleteDelayMs: when to remove the files of logs that were deleted before; asked for where there are some. */
  loadAll(deleteDelayMs: () => number): void {
    const { host, directories } = this.#parts
    const found = new Map<Directory, LookedInto>()
    const unusable = (directory: Directory, error: Error): void => {
      this.#unload(directory)
      directory.failure = error
      this.#parts.onUnusable(directory.path, error)
    }
    const usable = [...directories].filter(({ failure }) => failure === undefined)
    eachAlone(host, usable, (directory) => found.set(directory, this.#look(directory, deleteDelayMs)), unusable)
    this.#futures.finishExchanges(found, deleteDelayMs, unusable)
    const all = [...found.values()]
    const own = (directory: Directory) => found.get(directory)!
    const load = (directory: Directory) => this.#load(directory, own(directory), all)
    const loadFutures = (directory: Directory) => this.#futures.load(directory, found, deleteDelayMs)
    for (const step of [load, loadFutures])
      eachAlone(
        host,
        [...found.keys()].filter(({ failure }) => failure === undefined),
        step,
        unusable,
      )
  }

  #unload(directory: Directory): void {
    const { logs } = this.#parts
    directory.isLoaded = false
    for (const stored of [...logs.inDirectory(directory.path), ...logs.futuresIn(directory.path)]) {
      stored.opened?.abandon()
      logs.delete(stored)
    }
  }

  /** What the directory's checkpoints say about its logs. */
  #look({ path }: Directory, deleteDelayMs: () => number): LookedInto {
    const { host, checkpoints, removal } = this.#parts
    const { files } = host
    files.makeDirectory(path)
    // An earlier start may have created it and then crashed.
    files.syncDirectory(files.join(path, '..'))
    const names = files.list(path)
    const found = checkpoints.take(path)
    const present = new Set([...names, ...namesOfFutures(names)])
    removal.noteStale(
      path,
      [...found.names].filter((name) => !present.has(name)),
    )
    for (const name of names.filter(isDeletedDirectory)) removal.removeAfter(deleteDelayMs(), files.join(path, name))
    return { ...found, entries: names }
  }

  #load(directory: Directory, own: LookedInto, all: readonly LookedInto[]): void {
    const { host, logs, newLog } = this.#parts
    const partitions = findPartitions(host.files, [directory.path])
    directory.isLoaded = true
    for (const { name, topic, partition } of partitions)
      logs.add(
        newLog(
          topic,
          partition,
          directory,
          checkpointedOf(name, own, all, () => hasRecords(host.files, host.files.join(directory.path, name))),
        ),
      )
    if (!own.wasCleanStop) this.#recover(directory)
  }

  #recover(directory: Directory): void {
    const { host, logger, checkpoints } = this.#parts
    const startMs = host.clock.monotonicMs()
    const logs = this.#parts.logs.inDirectory(directory.path)
    for (const stored of logs) {
      try {
        stored.open()
      } catch (error) {
        const failure = failureOfPart(host, error)
        logger.error(
          { partition: stored.name, directory: directory.path, reason: failure.message },
          'a log cannot be recovered and is not used until the next start',
        )
        stored.failure = failure
        if (isSystemError(failure)) directory.isSuspect = true
      }
    }
    if (logs.length === 0) return
    // Records written from now on below the checkpointed recovery point would not be recovered.
    if (logs.some((stored) => stored.hasLostSynced)) checkpoints.saveRecoveryPointsAtOnce(directory.path)
    const tookMs = Math.round(host.clock.monotonicMs() - startMs)
    logger.info({ directory: directory.path, logs: logs.length, tookMs }, 'recovered after an unclean stop')
  }
}
