import { failureOfPart, mayPass } from './failure-policy.ts'
import type { Log } from './log/log.ts'
import { type LogMove, MoveDelayed } from './log-move.ts'
import type { LogMoveServices } from './log-move-services.ts'
import { isInUse } from './log-removal.ts'
import { formatMovedFrom, MOVED_FROM_FILE, movedFrom } from './moved-from.ts'
import { replaceAside } from './saved-file.ts'
import type { ServedLog } from './served-log.ts'
import type { StoredLog } from './stored-log.ts'

/** Appends wait at most this long for those before them and for the rest of the copy, on a disk that keeps up. */
const LONGEST_WAIT_MS = 1000
const LOOK_AGAIN_MS = 1

/** What must not change between the copy and the exchange. */
interface Facts {
  readonly endOffset: number
  readonly startOffset: number
  readonly cutCount: number
}

/**
 * Replaces a log by its copy in another directory, while appends wait:
 *  1. The copy gets the last records, and is closed: all of it is on the disk then, and in the checkpoints.
 *  2. A file in the copy says what it replaces (moved-from.ts).
 *  3. The copy gets the name of its partition. From now on the exchange takes place, whatever happens.
 *  4. Once that is on the disk, the old log is renamed, and appends go to the new one.
 *  5. Once that is on the disk as well, the file is removed.
 * A crash before 3 leaves the old log and a future one, with which the next start goes on. After it both may have the
 * name, with the same content, and the file says which one counts. Source: LogManager.replaceCurrentWithFutureLog.
 */
export class LogExchange {
  readonly #services: LogMoveServices
  readonly #move: LogMove
  #served: ServedLog | undefined
  /** The log in its new directory; undefined: not yet renamed. */
  #next: StoredLog | undefined
  #isOver = false

  constructor(services: LogMoveServices, move: LogMove) {
    this.#services = services
    this.#move = move
  }

  /** True while appends wait. */
  get isUnderWay(): boolean {
    return this.#served !== undefined
  }

  /** True: the exchange cannot be cancelled any more. */
  get isCommitted(): boolean {
    return this.#next !== undefined
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Does it. Throws what kept it from it, unless it is committed. */
  async run(): Promise<void> {
    const { stored } = this.#move
    const served = stored.serve()
    served.hold()
    this.#served = served
    try {
      await this.#untilQuiet()
      const facts = await this.#finishCopy()
      // At the same time: each waits for the disk, and appends wait for all of them.
      await Promise.all([this.#saveCheckpoints(), this.#note()])
      this.#commit(facts)
      await this.#syncTarget()
      if (this.#move.isHalted) return
      this.finish()
      await this.#open()
    } finally {
      this.#served = undefined
      served.resume()
    }
    await this.#forgetSource()
  }

  async #untilQuiet(): Promise<void> {
    const { clock } = this.#services.host
    const deadlineMs = clock.monotonicMs() + LONGEST_WAIT_MS
    while (!this.#move.source.isQuiet || this.#services.cleaner.isCleaning(this.#move.stored)) {
      if (clock.monotonicMs() > deadlineMs) throw new MoveDelayed('appends or compaction take too long')
      await this.#pause(LOOK_AGAIN_MS)
      this.#move.check()
    }
  }

  #pause(durationMs: number): Promise<void> {
    return new Promise<void>((resolve) => this.#services.host.timers.after(durationMs, resolve))
  }

  /** Step 1. */
  async #finishCopy(): Promise<Facts> {
    const { source } = this.#move
    await this.#move.copy({ isThrottled: false })
    const facts = factsOf(source)
    if (this.#move.future.open().logEndOffset !== facts.endOffset) throw new MoveDelayed('the log changed meanwhile')
    const copy = this.#move.future.open()
    await copy.takeOver(source)
    await this.#move.future.closeWhole()
    return facts
  }

  /** The rest of step 1. */
  async #saveCheckpoints(): Promise<void> {
    const { checkpoints, cleaner } = this.#services
    const { stored, target } = this.#move
    const { path } = target
    await Promise.all([
      cleaner.copyEntry(stored, path),
      checkpoints.saveStarts(path),
      checkpoints.saveRecoveryPoints(path),
    ])
  }

  /** Step 2. */
  async #note(): Promise<void> {
    this.#move.check()
    const { host, directories, disks } = this.#services
    const { stored, target, future } = this.#move
    const { files } = host
    const { directoryId } = directories.at(stored.logDirectory)
    const content = formatMovedFrom(movedFrom(files, stored.directory, directoryId))
    const file = files.join(future.directory, MOVED_FROM_FILE)
    await this.#inTarget(() =>
      disks.of(target.path).sync(() => replaceAside(files, file, content, () => this.#move.isEnded)),
    )
  }

  async #inTarget<T>(task: () => T | Promise<T>): Promise<T> {
    const { host, directories } = this.#services
    try {
      return await task()
    } catch (error) {
      throw directories.noteFailure(this.#move.target.path, failureOfPart(host, error))
    }
  }

  /** Step 3, in one turn with the check. Throws if nothing was renamed. */
  #commit(facts: Facts): void {
    this.#move.check()
    const { host, removal, newLog } = this.#services
    const { stored, target, future, source } = this.#move
    const { topic, partition } = stored
    if (!isSame(facts, factsOf(source))) throw new MoveDelayed('the log changed meanwhile')
    const checkpointed = {
      wasCleanStop: true,
      recoveryPoint: facts.endOffset,
      logStartOffset: facts.startOffset,
      compactedUpTo: undefined,
    }
    const next = newLog(topic, partition, target, checkpointed)
    removal.clearWayFor(next)
    try {
      host.files.rename(future.directory, next.directory)
    } catch (error) {
      // Of any other error nobody knows whether the disk has the new name.
      if (isInUse(error) || mayPass(error)) throw failureOfPart(host, error)
      this.#next = next
      this.#loseTarget(error)
    }
    this.#next = next
  }

  /** The disk of the target fails now that the exchange is committed: the log fails with its new directory. */
  #loseTarget(error: unknown): void {
    const { host, directories } = this.#services
    directories.noteFailure(this.#move.target.path, failureOfPart(host, error))
    // In this turn: the directory takes its logs offline in the next one.
    this.finish()
  }

  /** Half of step 4. If the disk fails, the log is in a directory that failed. */
  async #syncTarget(): Promise<void> {
    const { host, disks } = this.#services
    const { path } = this.#move.target
    try {
      await disks.of(path).sync(() => host.files.syncDirectoryAside(path))
    } catch (error) {
      this.#loseTarget(error)
    }
  }

  /** The rest of step 4, in one turn. May be called while the target is being synced, if the log is about to be deleted. */
  finish(): void {
    const next = this.#next
    if (next === undefined || this.#isOver) return
    this.#isOver = true
    this.#move.end()
    const { host, logs, directories, removal } = this.#services
    const { stored, target, future } = this.#move
    try {
      if (target.failure === undefined) removal.delete(stored, stored.config.fileDeleteDelayMs)
      // Its records stay, in case that the disk of the target is lost.
      else stored.opened?.abandon()
    } catch (error) {
      // The next start finds what it replaces, and removes it.
      directories.noteFailure(stored.logDirectory, failureOfPart(host, error))
    }
    logs.delete(stored)
    logs.delete(future)
    logs.add(next)
  }

  /** Opens the log in its new directory. Too many open files may pass; appends wait for it. */
  async #open(): Promise<void> {
    const { logs, host, tasks } = this.#services
    const next = this.#next!
    const { latestEpoch } = this.#served!
    for (;;) {
      // Its topic may be deleted, or the broker stopped.
      if (!logs.has(next) || tasks.isStopped) return
      try {
        const log = next.serveInstead(this.#served!)
        if (latestEpoch !== undefined && (log.latestEpoch ?? -1) < latestEpoch) log.assignEpoch(latestEpoch)
        return
      } catch (error) {
        // It was logged. A directory that failed answers for all its logs.
        if (!mayPass(failureOfPart(host, error))) return
      }
      await this.#pause(LONGEST_WAIT_MS)
    }
  }

  /** Step 5. Until the old log is renamed for good, the file stays. */
  async #forgetSource(): Promise<void> {
    const { host, logs, directories, disks } = this.#services
    const { stored } = this.#move
    const next = this.#next!
    try {
      await disks.of(stored.logDirectory).sync(() => host.files.syncDirectoryAside(stored.logDirectory))
      if (this.#move.isHalted || !logs.has(next) || host.files.exists(stored.directory)) return
    } catch (error) {
      directories.noteFailure(stored.logDirectory, failureOfPart(host, error))
      return
    }
    try {
      host.files.remove(host.files.join(next.directory, MOVED_FROM_FILE))
    } catch (error) {
      directories.noteFailure(next.logDirectory, failureOfPart(host, error))
    }
  }
}

function factsOf({ logEndOffset, logStartOffset, cutCount }: Log): Facts {
  return { endOffset: logEndOffset, startOffset: logStartOffset, cutCount }
}

function isSame(a: Facts, b: Facts): boolean {
  return a.endOffset === b.endOffset && a.startOffset === b.startOffset && a.cutCount === b.cutCount
}
