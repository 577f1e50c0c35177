import { type Rejection, reject } from '../protocol/error-codes.ts'
import { ConcurrencyLimit } from './concurrency-limit.ts'
import { Backoff, DirectoryFailedError, eachAlone, failureOfPart, inBackground, reasonOf } from './failure-policy.ts'
import type { Directory } from './log-directories.ts'
import { LogExchange } from './log-exchange.ts'
import { LogMove, MoveDelayed, newFuture, UnmovableError } from './log-move.ts'
import type { LogMoveParts, LogMoveServices } from './log-move-services.ts'
import type { AssignDirectory } from './log-store.ts'
import type { StoredLog } from './stored-log.ts'
import { otherTopicReason } from './stray-directories.ts'
import { Throttle } from './throttle.ts'

const DELAYED_RETRY_MS = 100
/** Delays before they are logged: about a minute. */
const DELAYS_TOLD = 600

/** Broker settings that moves use, under their Kafka names in camel case. */
export interface LogMoveSettings {
  readonly replicaAlterLogDirsIoMaxBytesPerSecond: number
  /** Moves at a time; null: as many as there are data directories. */
  readonly numReplicaAlterLogDirsThreads: number | null
}

interface LostMove {
  readonly topic: string
  readonly partition: number
  readonly target: Directory
}

/** A move with its exchange, which is there from the first try on. */
interface Running {
  readonly move: LogMove
  exchange: LogExchange | undefined
  /** Settles when nothing is done for it any more. */
  done: Promise<void>
}

/**
 * Logs that move to another data directory of the broker, while they are used. Each is copied into a future log, a few
 * at a time, and replaced by it. Source: ReplicaAlterLogDirsManager, ReplicaManager.alterReplicaLogDirs.
 */
export class LogMoves {
  readonly #services: LogMoveServices
  readonly #limit: ConcurrencyLimit
  /** By `topic-0`. */
  readonly #running = new Map<string, Running>()
  /** Directories that were asked for too late for the move under way, by `topic-0`. */
  readonly #next = new Map<string, string>()
  /** Future logs of the last run, and up to which offset they may be used. */
  readonly #found = new Map<StoredLog, number>()
  /** Moves of the last run that begin anew. */
  readonly #lost: LostMove[] = []
  readonly #wake = new Set<() => void>()
  #assign: AssignDirectory = () => Promise.resolve()

  constructor(parts: LogMoveParts, settings: LogMoveSettings) {
    this.#services = {
      ...parts,
      throttle: new Throttle(parts.host, () => settings.replicaAlterLogDirsIoMaxBytesPerSecond),
    }
    const most = () => settings.numReplicaAlterLogDirsThreads ?? [...parts.directories].length
    this.#limit = new ConcurrencyLimit(() => Math.max(1, most()))
  }

  /** True if the log is being copied, or will be: it is not compacted meanwhile. Source: abortAndPauseCleaning. */
  isMoving({ topic, partition }: StoredLog): boolean {
    return this.#services.logs.future(topic, partition) !== undefined
  }

  /** True while the log is exchanged: nothing is removed from it. */
  isExchanging({ name }: StoredLog): boolean {
    return this.#running.get(name)?.exchange?.isUnderWay === true
  }

  /** Uuid of the directory that the metadata names already, or is about to; undefined: that which the log is in. */
  assignedTo({ name }: StoredLog): string | undefined {
    const move = this.#running.get(name)?.move
    return move?.isAssigned === true ? move.target.directoryId : undefined
  }

  /**
   * Begins to move a log. A move of it to another directory ends; one back to the directory that it is in only does
   * that. Returns KAFKA_STORAGE_ERROR while any directory is offline: it may have a future log of an earlier move. Throws the
   * disk's error. Source: ReplicaManager.alterReplicaLogDirs.
   */
  start(stored: StoredLog, target: Directory): Rejection | undefined {
    const running = this.#running.get(stored.name)
    if (running?.exchange?.isCommitted === true) {
      this.#next.set(stored.name, target.path)
      return undefined
    }
    if (running?.move.target === target && running.move.fault === undefined) return undefined
    this.#cancel(stored)
    if (stored.logDirectory === target.path) return undefined
    const { directories, logs, host } = this.#services
    if (directories.hasFailed) return reject('KAFKA_STORAGE_ERROR')
    stored.open()
    try {
      const future = newFuture(this.#services, stored, target)
      logs.addFuture(future)
      this.#run(new LogMove(this.#services, stored, target, future))
    } catch (error) {
      throw directories.noteFailure(target.path, failureOfPart(host, error))
    }
    return undefined
  }

  /** Ends a move before its exchange, and removes the copy. */
  #cancel(stored: StoredLog): void {
    const running = this.#running.get(stored.name)
    if (running === undefined) this.#removeFuture(stored)
    else this.#discard(running.move)
    if (running?.move.isAssigned !== true) return
    const { directoryId } = this.#services.directories.at(stored.logDirectory)
    const assigned = this.#assign(stored.topic, stored.partition, directoryId)
    const tell = (error: Error) => {
      const { logger } = this.#services
      const line =
        'the directory of a partition whose move was cancelled could not be recorded; the next start tries again'
      logger.warn({ partition: stored.name, reason: error.message }, line)
    }
    inBackground(this.#services.host, assigned.catch(tell))
  }

  #discard(move: LogMove): void {
    this.#running.delete(move.stored.name)
    move.discard()
    this.#wakeAll()
  }

  /** Removes the future log of a move that does not go on. */
  #removeFuture({ topic, partition }: StoredLog): void {
    const { logs, removal, directories, host } = this.#services
    const future = logs.future(topic, partition)
    if (future === undefined) return
    try {
      removal.delete(future, future.config.fileDeleteDelayMs)
    } catch (error) {
      // The next start finds that it is of no use.
      directories.noteFailure(future.logDirectory, failureOfPart(host, error))
      logs.delete(future)
    }
  }

  /** The log is about to be deleted or set aside. Its move is over afterwards, so that its log must be looked up again. */
  forget(stored: StoredLog): void {
    const running = this.#running.get(stored.name)
    this.#next.delete(stored.name)
    if (running?.exchange?.isCommitted === true) running.exchange.finish()
    else if (running !== undefined) this.#discard(running.move)
    else this.#removeFuture(stored)
  }

  /** Notes a future log of the last run. upToOffset: what is above may not be on the disk, or not in the log. */
  noteFound(future: StoredLog, upToOffset: number): void {
    this.#found.set(future, upToOffset)
  }

  /** Notes that a future log of the last run could not be used. */
  noteLost({ topic, partition }: StoredLog, target: Directory): void {
    this.#lost.push({ topic, partition, target })
  }

  /** Goes on with the moves of the last run. assign: records the directory of a partition before it is exchanged. */
  resume(assign: AssignDirectory): void {
    this.#assign = assign
    const { logs, host } = this.#services
    eachAlone(
      host,
      this.#found,
      ([future, upToOffset]) => this.#resumeOne(future, upToOffset),
      ([{ name }], error) => this.#tellStuck(name, error),
    )
    const again = ({ topic, partition, target }: LostMove): void => {
      const stored = logs.find(topic, partition)
      if (stored !== undefined) this.start(stored, target)
    }
    eachAlone(host, this.#lost, again, ({ topic, partition }, error) => this.#tellStuck(`${topic}-${partition}`, error))
    this.#found.clear()
    this.#lost.length = 0
  }

  #resumeOne(future: StoredLog, upToOffset: number): void {
    const { logs, removal, directories } = this.#services
    const { topic, partition } = future
    if (logs.future(topic, partition) !== future) return
    const stored = logs.find(topic, partition)
    // It may be in a directory that cannot be read now.
    if (stored === undefined && directories.hasUnread) return
    const why =
      stored === undefined
        ? 'is the copy of a partition that is gone'
        : otherTopicReason(topic, future.topicId, stored.topicId)
    if (stored === undefined || stored.topicId !== future.topicId) {
      removal.setAside(future, why)
      return
    }
    const target = directories.at(future.logDirectory)
    const isAhead = Math.min(future.open().logEndOffset, upToOffset) > stored.open().logEndOffset
    if (!isAhead) {
      this.#run(new LogMove(this.#services, stored, target, future), upToOffset)
      return
    }
    removal.setAside(future, 'is a copy with more records than its partition')
    this.start(stored, target)
  }

  #run(move: LogMove, upToOffset = Number.POSITIVE_INFINITY): void {
    const running: Running = { move, exchange: undefined, done: Promise.resolve() }
    this.#running.set(move.stored.name, running)
    running.done = this.#limit.run(() => this.#untilDone(running, upToOffset))
    inBackground(this.#services.host, running.done)
  }

  async #untilDone(running: Running, upToOffset: number): Promise<void> {
    const { move } = running
    const { host, tasks } = this.#services
    const backoff = new Backoff()
    const told = new Set<string>()
    let isCut = upToOffset === Number.POSITIVE_INFINITY
    while (!move.isEnded && !tasks.isStopped) {
      try {
        // What is above may differ from the log.
        if (!isCut) await move.future.open().truncateTo(upToOffset)
        isCut = true
        await this.#try(running)
      } catch (caught) {
        const error = failureOfPart(host, caught)
        if (move.isEnded || !this.#mayGoOn(move, error, told)) break
        await this.#pause(error instanceof MoveDelayed ? DELAYED_RETRY_MS : backoff.failed(error))
      }
    }
    if (move.fault === undefined) this.#forgetRunning(running)
  }

  async #try(running: Running): Promise<void> {
    const { move } = running
    await move.copy()
    // Nearly all of it is on the disk before appends have to wait.
    await move.future.open().flush()
    // Before the exchange, as in Kafka (KIP-858): a start that finds only the future log knows that it may be used.
    move.isAssigned = true
    await this.#assign(move.stored.topic, move.stored.partition, move.target.directoryId)
    await move.copy()
    running.exchange = new LogExchange(this.#services, move)
    await running.exchange.run()
    const { logger } = this.#services
    logger.info(
      { partition: move.stored.name, directory: move.target.path },
      'moved a partition to another data directory',
    )
  }

  #mayGoOn(move: LogMove, error: Error, told: Set<string>): boolean {
    const { logger, directories } = this.#services
    const fields = { partition: move.stored.name, directory: move.target.path, reason: reasonOf(error) }
    if (error instanceof UnmovableError) {
      move.fault = error
      logger.error(fields, 'a partition cannot be moved to another data directory, and stays where it is')
      return false
    }
    // The next start goes on.
    const hasFailed = [directories.at(move.stored.logDirectory), move.target].some(
      ({ failure }) => failure !== undefined,
    )
    if (error instanceof DirectoryFailedError || hasFailed) return false
    const isTold = told.has(error.message) || (error instanceof MoveDelayed && ++move.delays < DELAYS_TOLD)
    if (!isTold) {
      told.add(error.message)
      logger.warn(fields, 'a move to another data directory failed and will be tried again')
    }
    return true
  }

  #forgetRunning(running: Running): void {
    const { name, topic, partition } = running.move.stored
    if (this.#running.get(name) === running) this.#running.delete(name)
    const path = this.#next.get(name)
    this.#next.delete(name)
    const stored = this.#services.logs.find(topic, partition)
    if (path === undefined || stored === undefined || this.#services.tasks.isStopped) return
    const again = () => void this.start(stored, this.#services.directories.at(path))
    eachAlone(this.#services.host, [stored], again, (_, error) => this.#tellStuck(name, error))
  }

  #tellStuck(name: string, { message }: Error): void {
    const fields = { partition: name, reason: message }
    this.#services.logger.warn(fields, 'a partition cannot move to another data directory now')
  }

  #pause(durationMs: number): Promise<void> {
    return new Promise<void>((resolve) => {
      const end = (): void => {
        this.#wake.delete(end)
        timer.cancel()
        resolve()
      }
      const timer = this.#services.host.timers.after(durationMs, end)
      this.#wake.add(end)
    })
  }

  #wakeAll(): void {
    for (const end of [...this.#wake]) end()
    this.#services.throttle.wake()
  }

  /** To be called before the logs of the directory are taken offline. */
  directoryFailed(path: string): void {
    const { logs } = this.#services
    for (const { move, exchange } of [...this.#running.values()]) {
      if (move.stored.logDirectory !== path && move.target.path !== path) continue
      if (exchange?.isCommitted === true) exchange.finish()
      move.end()
    }
    for (const future of logs.futuresIn(path)) {
      future.takeOffline(this.#services.directories.at(path).failure!)
      logs.delete(future)
    }
    this.#wakeAll()
  }

  settingsChanged(): void {
    this.#services.throttle.wake()
  }

  /** No move changes anything on the disk from now on: another broker may use it. */
  halt(): void {
    for (const { move } of this.#running.values()) move.halt()
    this.#wakeAll()
  }

  /** Resolves when no move does anything any more. The next start goes on with them. */
  async stop(): Promise<void> {
    const running = [...this.#running.values()]
    for (const { move } of running) move.end()
    this.#wakeAll()
    await Promise.allSettled(running.map(({ done }) => done))
  }
}
