import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import type { Disk } from '../disk.ts'
import { DirectoryFailedError, failureOfPart, isSystemError } from '../failure-policy.ts'
import type { ReadContext, ReadResult, TimestampAndOffset } from '../partition-log.ts'
import type { Segment } from '../segment/segment.ts'
import type { Sliced } from '../sliced-work.ts'
import type { Tail } from '../tail.ts'
import { storageError } from './log-availability.ts'
import { type BatchesRead, CorruptLogError, emptyRead, readFileRange, readTail } from './log-reader.ts'
import type { LogServices } from './log-services.ts'
import type { LogState } from './log-state.ts'
import { type ContentAccess, slicedAccess } from './scan-records.ts'
import type { SegmentList } from './segment-list.ts'
import { findLatestTimestamp, findTimestamp } from './timestamp-search.ts'

/** Reads this close to the end are sure to hit the page cache. */
const HOT_BYTES = 64 * 1024 * 1024
/** Number of sequential readers whose next position is remembered. */
const MOST_HINTS = 8

/** Kinds of damage that are remembered as logged. */
const MOST_LOGGED = 100
const DAMAGE =
  'a log file is damaged: reads of its damaged part are answered CORRUPT_MESSAGE; restore the file from a copy, or let consumers seek past it'

/** Start of a batch, as found by the last read. */
interface PositionHint {
  readonly offset: number
  readonly segment: Segment
  readonly position: number
}

/** Parts of a log that a read uses. */
interface ReadParts {
  readonly state: LogState
  readonly segments: SegmentList
  readonly tail: Tail
  readonly disk: Disk
}

/** Reads a log: from the tail in memory if it has the offset, else from files. */
export class LogReads {
  readonly #state: LogState
  readonly #segments: SegmentList
  readonly #tail: Tail
  readonly #disk: Disk
  readonly #services: LogServices
  readonly #access: ContentAccess
  #hints: PositionHint[] = []
  /** Incremented by every change that invalidates positions in files. */
  #layout = 0
  /** The files are removed or about to be, and new files may get their names. */
  #isClosed = false
  /** Damage that is in the log already: a consumer asks for the same offset again and again. */
  readonly #loggedDamage = new Set<string>()
  /** Set while segments wait for their readers to finish. No read from files may start. */
  #pause: Promise<void> | undefined

  constructor(parts: ReadParts, services: LogServices) {
    this.#state = parts.state
    this.#segments = parts.segments
    this.#tail = parts.tail
    this.#disk = parts.disk
    this.#services = services
    this.#access = slicedAccess(services.host.offload, services.slicedWork)
  }

  /** Files are about to be truncated, replaced or removed. Reads in progress must be retried. */
  noteLayoutChange(): void {
    this.#layout++
    this.#hints = []
    this.#loggedDamage.clear()
  }

  /** Refuses all reads, including those in progress. */
  close(): void {
    this.#isClosed = true
    this.noteLayoutChange()
  }

  forget(segment: Segment): void {
    this.#hints = this.#hints.filter((hint) => hint.segment !== segment)
  }

  /** Delays new reads from files until the task is over. */
  async pauseWhile(task: () => Promise<void>): Promise<void> {
    let resume = (): void => {}
    this.#pause = new Promise((resolve) => {
      resume = resolve
    })
    try {
      await task()
    } finally {
      this.#pause = undefined
      resume()
    }
  }

  async read(offset: number, read: ReadContext): Promise<ReadResult | Rejection> {
    const found = await this.#read(offset, read)
    return isRejection(found) ? found : { isBehind: this.#segments.areApart(offset, read.upToOffset), ...found }
  }

  async #read(offset: number, read: ReadContext): Promise<BatchesRead | Rejection> {
    for (;;) {
      const refusal = this.#checkOffset(offset)
      if (refusal !== undefined) return refusal
      if (this.#segments.isTorn || this.#isClosed) return storageError()
      if (offset >= read.upToOffset) return emptyRead(offset)
      const tailStart = this.#tail.startOffset
      if (tailStart !== undefined && offset >= tailStart) return readTail(this.#tail, offset, read, this.#services.pool)
      const layout = this.#layout
      const result = await this.#readFiles(offset, read)
      // Truncation or compaction may have changed the files during the read.
      if (layout === this.#layout) return result
      if (!isRejection(result)) result.release()
    }
  }

  async offsetForTimestamp(timestampMs: number, upToOffset: number): Promise<TimestampAndOffset | undefined> {
    const found = await this.#search(() =>
      findTimestamp(this.#segments.all, timestampMs, this.#state.logStartOffset, this.#access),
    )
    return found !== undefined && found.offset < upToOffset ? found : undefined
  }

  maxTimestamp(): Promise<TimestampAndOffset | undefined> {
    return this.#search(() => findLatestTimestamp(this.#segments.all, this.#access))
  }

  /** Runs a search in slices. It starts anew if the files changed meanwhile. Throws the disk's error. */
  async #search<T>(begin: () => Sliced<T>): Promise<T> {
    for (;;) {
      while (this.#pause !== undefined) await this.#pause
      if (this.#segments.isTorn || this.#isClosed) throw new NoReadsError(this.#state.name)
      const layout = this.#layout
      try {
        const outcome = await this.#services.slicedWork.soon(whileTrue(() => layout === this.#layout, begin()))
        if (outcome !== undefined) return outcome.result
      } catch (error) {
        // A file removed meanwhile is no failure of the disk.
        if (layout === this.#layout) throw this.#services.noteFailure(failureOfPart(this.#services.host, error))
        if (!isSystemError(error)) throw error
      }
    }
  }

  #checkOffset(offset: number): Rejection | undefined {
    const { name, logStartOffset, logEndOffset } = this.#state
    if (offset < logStartOffset) {
      return reject(
        'OFFSET_OUT_OF_RANGE',
        `Received request for offset ${offset} for partition ${name}, but we only have log segments starting from offset: ${logStartOffset}.`,
      )
    }
    if (offset <= logEndOffset) return undefined
    return reject(
      'OFFSET_OUT_OF_RANGE',
      `Received request for offset ${offset} for partition ${name}, but we only have log segments upto ${logEndOffset}.`,
    )
  }

  async #readFiles(offset: number, asked: ReadContext): Promise<BatchesRead | Rejection> {
    while (this.#pause !== undefined) await this.#pause
    const read = { ...asked, upToOffset: Math.min(asked.upToOffset, this.#state.writtenEndOffset) }
    const { openFiles, pool } = this.#services
    const access = { openFiles, pool, disk: this.#disk }
    const layout = this.#layout
    try {
      for (const segment of this.#segments.from(offset)) {
        // This segment is above upToOffset, and may not be written yet.
        if (segment.baseOffset >= read.upToOffset) break
        const hint = this.#takeHint(offset, segment)
        const entry = hint === undefined ? segment.indexEntryFor(offset) : undefined
        const position = hint?.position ?? entry?.position ?? 0
        const range = {
          path: segment.logPath,
          position,
          endPosition: segment.sizeBytes,
          isExact: hint !== undefined,
          isHot: this.#isHot(segment, position),
          baseOffset: segment.baseOffset,
          nextBaseOffset: this.#segments.after(segment)?.baseOffset ?? this.#state.logEndOffset,
          indexedOffset: entry?.isOwn === false ? entry.offset : undefined,
        }
        let found = await readFileRange(access, range, offset, read)
        if (found === 'elsewhere' && layout === this.#layout) {
          segment.indexIsWrong(entry!)
          const whole = { ...range, position: segment.positionFor(offset), indexedOffset: undefined }
          found = await readFileRange(access, whole, offset, read)
        }
        if (found === 'elsewhere') return storageError()
        if (found === undefined) continue
        this.#addHint({ offset: found.result.nextOffset, segment, position: found.nextPosition })
        return found.result
      }
      return emptyRead(offset)
    } catch (error) {
      // A file removed meanwhile is no failure: the caller reads again.
      return layout === this.#layout ? this.#answerFailure(error as Error, offset) : storageError()
    }
  }

  #isHot(segment: Segment, position: number): boolean {
    // A slow disk may have evicted the data from the page cache, and would block the event loop.
    if (this.#disk.isSlow) return false
    return segment === this.#segments.active && position >= segment.sizeBytes - HOT_BYTES
  }

  #takeHint(offset: number, segment: Segment): PositionHint | undefined {
    const index = this.#hints.findIndex((hint) => hint.offset === offset && hint.segment === segment)
    return index < 0 ? undefined : this.#hints.splice(index, 1)[0]
  }

  #addHint(hint: PositionHint): void {
    if (this.#hints.length === MOST_HINTS) this.#hints.shift()
    this.#hints.push(hint)
  }

  #answerFailure(error: Error, offset: number): Rejection {
    const { logger } = this.#services
    const fields = { partition: this.#state.name, offset, reason: error.message }
    if (error instanceof CorruptLogError) {
      if (this.#loggedDamage.has(error.message)) return reject('CORRUPT_MESSAGE', error.message)
      if (this.#loggedDamage.size === MOST_LOGGED) this.#loggedDamage.clear()
      this.#loggedDamage.add(error.message)
      logger.error(fields, DAMAGE)
      return reject('CORRUPT_MESSAGE', error.message)
    }
    if (!isSystemError(error)) throw error
    if (!(this.#services.noteFailure(error) instanceof DirectoryFailedError))
      logger.error(fields, 'the log cannot be read')
    return storageError()
  }
}

/** The log is closed or deleted, or an exchange of its segments failed. A system error, as that of a file that is gone. */
class NoReadsError extends Error {
  override readonly name = 'NoReadsError'
  readonly code = 'ENOENT'

  constructor(log: string) {
    super(`the log of ${log} cannot be read until it is opened again`)
  }
}

/** Ends the work with undefined, before its next step, once the condition is false. */
function* whileTrue<T>(condition: () => boolean, work: Sliced<T>): Sliced<{ readonly result: T } | undefined> {
  try {
    for (;;) {
      const { value, done } = work.next()
      if (done === true) return { result: value }
      yield value
      if (!condition()) return undefined
    }
  } finally {
    work.return(undefined as T)
  }
}
