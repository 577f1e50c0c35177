import { isRejection, type Rejection } from '../protocol/error-codes.ts'
import { eachAlone, failureOfPart } from './failure-policy.ts'
import type { Log } from './log/log.ts'
import type { Directory } from './log-directories.ts'
import type { LogMoveServices } from './log-move-services.ts'
import { futureDirectoryName } from './segment/file-names.ts'
import type { StoredLog } from './stored-log.ts'

/** Kafka's default of replica.fetch.max.bytes, in which it copies. Kept in memory once for each move. */
const LARGEST_SLICE_BYTES = 1024 * 1024

/** The move was cancelled, or the broker is stopping. */
export class MoveEnded extends Error {
  override readonly name = 'MoveEnded'
}

/** The log cannot be copied because of its own records. */
export class UnmovableError extends Error {
  override readonly name = 'UnmovableError'
}

/** What had to wait did not come in time; it is tried again. */
export class MoveDelayed extends Error {
  override readonly name = 'MoveDelayed'
}

/**
 * The copy of a log in another data directory, which will replace it: the future log. It is filled like a follower, in
 * slices, while the log is used. Source: ReplicaAlterLogDirsThread.
 */
export class LogMove {
  readonly stored: StoredLog
  readonly target: Directory
  readonly #services: LogMoveServices
  #future: StoredLog
  #isEnded = false
  #isHalted = false
  /** That of the log when the copy began. */
  #truncationCount: number
  /** The metadata names the target, or is about to. */
  isAssigned = false
  /** Number of times that it had to wait for appends or compaction. */
  delays = 0
  /** Why it does not go on by itself: the log has damaged records. */
  fault: Error | undefined

  constructor(services: LogMoveServices, stored: StoredLog, target: Directory, future: StoredLog) {
    this.#services = services
    this.stored = stored
    this.target = target
    this.#future = future
    this.#truncationCount = stored.open().truncationCount
  }

  get future(): StoredLog {
    return this.#future
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Ends it before its next step. */
  end(): void {
    this.#isEnded = true
  }

  get isHalted(): boolean {
    return this.#isHalted
  }

  /** The same for a process that counts as crashed: also an exchange that cannot be cancelled stops where it is. */
  halt(): void {
    this.#isHalted = true
    this.end()
  }

  /** Throws if it has to end. To be called after each pause. */
  check(): void {
    const { directories } = this.#services
    if (this.#isEnded) throw new MoveEnded('the move has ended')
    directories.check(this.stored.logDirectory)
    directories.check(this.target.path)
  }

  get source(): Log {
    return this.stored.open()
  }

  /** Copies until nothing is missing below the high watermark of now. */
  async copy({ isThrottled = true } = {}): Promise<void> {
    for (;;) {
      this.check()
      const { source } = this
      if (this.#isOutdated(source)) this.#beginAnew(source)
      const copy = this.#copied
      const start = Math.min(source.logStartOffset, copy.flushedEndOffset)
      copy.moveStartTo(start)
      const upToOffset = source.flushedEndOffset
      if (copy.logEndOffset >= upToOffset) return
      await this.#copySlice(source, copy, { upToOffset, isThrottled })
    }
  }

  /** True if records that the copy needs next are deleted, or some that it has. */
  #isOutdated(source: Log): boolean {
    return source.logStartOffset > this.#copied.logEndOffset || source.truncationCount !== this.#truncationCount
  }

  get #copied(): Log {
    return this.#future.open()
  }

  async #copySlice(
    source: Log,
    copy: Log,
    { upToOffset, isThrottled }: { readonly upToOffset: number; readonly isThrottled: boolean },
  ): Promise<void> {
    const from = Math.max(copy.logEndOffset, source.logStartOffset)
    const maxBytes = Math.min(LARGEST_SLICE_BYTES, source.config.segmentBytes)
    const found = await source.read(from, { maxBytes, minOneBatch: true, upToOffset })
    if (isRejection(found)) return this.#meet(found)
    if (found.sizeBytes === 0) {
      found.release()
      // Compaction removed all records up to there.
      copy.skipTo(upToOffset)
      return
    }
    // The memory of a read goes back to the pool, although a write of a log that was given up may be under way.
    const records = Buffer.concat(found.slices)
    found.release()
    if (isThrottled) await this.#services.throttle.pass(records.length)
    this.check()
    const { clock } = this.#services.host
    const appended = await copy.append(records, { origin: 'replication', leaderEpoch: -1, nowMs: clock.nowMs() })
    if (!isRejection(appended)) return
    if (copy.failure !== undefined) throw copy.failure
    this.#meet(appended)
  }

  /** The start of the log may have moved meanwhile: then the caller looks again. */
  #meet({ error, message }: Rejection): void {
    if (error === 'OFFSET_OUT_OF_RANGE') return
    this.check()
    if (error === 'CORRUPT_MESSAGE') throw new UnmovableError(message ?? error)
    throw new MoveDelayed(message ?? error)
  }

  /** Source: AbstractFetcherThread.fetchOffsetAndApplyFun, truncateFullyAndStartAt. */
  #beginAnew(source: Log): void {
    const { removal, logs } = this.#services
    const before = this.#future
    this.#truncationCount = source.truncationCount
    removal.delete(before, before.config.fileDeleteDelayMs)
    this.#future = newFuture(this.#services, this.stored, this.target)
    logs.addFuture(this.#future)
  }

  /** Removes the copy. */
  discard(): void {
    this.end()
    const { removal, logs, host, directories } = this.#services
    try {
      removal.delete(this.#future, this.#future.config.fileDeleteDelayMs)
    } catch (error) {
      // The next start finds it, and goes on with the move or removes it.
      directories.noteFailure(this.target.path, failureOfPart(host, error))
      logs.delete(this.#future)
    }
  }
}

/** Creates an empty future log. Throws the disk's error. The name of the topic must not be too long. */
export function newFuture(services: LogMoveServices, stored: StoredLog, target: Directory): StoredLog {
  const { host, removal, newLog } = services
  const { topic, partition } = stored
  const uniqueId = host.random.bytes(16).toString('hex')
  const logStartOffset = stored.open().firstBaseOffset
  const checkpointed = { wasCleanStop: true, recoveryPoint: 0, logStartOffset, compactedUpTo: undefined }
  const future = newLog(topic, partition, target, checkpointed, futureDirectoryName(topic, partition, uniqueId))
  // Checkpoints of the target may name an older log of this name.
  removal.clearWayFor(future)
  try {
    future.create(stored.topicId)
  } catch (error) {
    // The next start would go on with a move that was refused.
    eachAlone(
      host,
      [future.directory],
      (path) => host.files.remove(path),
      () => {},
    )
    throw error
  }
  return future
}
