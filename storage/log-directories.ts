import { invariant } from '../protocol/invariant.ts'
import {
  DirectoryFailedError,
  failureOfPart,
  inBackground,
  isSystemError,
  mayPass,
  reasonOf,
} from './failure-policy.ts'
import type { Host } from './host/host.ts'
import { LogGoneError } from './log-files.ts'
import type { FutureReplica, LogDirectory, PartitionSize } from './log-store.ts'
import { SpaceReserve } from './space-reserve.ts'
import type { StorageLogger } from './storage-logger.ts'
import type { StoredLog } from './stored-log.ts'
import type { StoredLogs } from './stored-logs.ts'

/** Kafka's UNKNOWN_VOLUME_BYTES. */
const UNKNOWN_BYTES = -1
/** Kafka's INVALID_OFFSET_LAG. */
const UNKNOWN_LAG = -1
const UNKNOWN_CONTENT = { freeBytes: UNKNOWN_BYTES, totalBytes: UNKNOWN_BYTES, partitions: [] }

/** A data directory and its uuid, from its meta.properties. `failure`: it must not be used. */
export interface GivenDirectory {
  readonly path: string
  readonly directoryId: string
  readonly failure?: Error
}

/** A data directory in use. */
export interface Directory {
  readonly path: string
  readonly directoryId: string
  readonly reserve: SpaceReserve
  /** Why it is offline: nothing in it is used until the next start. */
  failure: Error | undefined
  /** A log in it could not be recovered: it gets no new logs while there is another directory. */
  isSuspect: boolean
  /** Its logs are known. False: it could not be read at the start, and nothing in it is touched. */
  isLoaded: boolean
}

export interface LogDirectoriesParts {
  readonly host: Host
  /** At least one. */
  readonly directories: readonly GivenDirectory[]
  readonly logs: StoredLogs
  readonly logger: StorageLogger
  readonly isCordoned: (directory: string) => boolean
  /** Called once for a directory that fails after it was loaded, in the turn of the failure. */
  readonly onFailed: (directory: Directory, error: DirectoryFailedError) => void
}

/** The data directories of a broker: which can be used, which failed, and which gets the next log. */
export class LogDirectories implements Iterable<Directory> {
  readonly #parts: LogDirectoriesParts
  readonly #all: readonly Directory[]
  /** The last failure logged for each directory. */
  readonly #loggedFailures = new Map<Directory, string>()

  constructor(parts: LogDirectoriesParts) {
    const { host, directories } = parts
    invariant(directories.length > 0, 'a broker needs a directory for its logs')
    this.#parts = parts
    this.#all = directories.map((each) => ({
      ...each,
      failure: each.failure,
      isSuspect: false,
      isLoaded: false,
      reserve: new SpaceReserve(host.files, each.path),
    }))
  }

  [Symbol.iterator](): Iterator<Directory> {
    return this.#all[Symbol.iterator]()
  }

  /** The directory with that path. */
  at(path: string): Directory {
    const directory = this.#all.find((each) => each.path === path)
    invariant(directory !== undefined, `${path} is no data directory`)
    return directory
  }

  /** True: a directory could not be read at the start, and a log that is not found may be in it. */
  get hasUnread(): boolean {
    return this.#all.some(({ isLoaded }) => !isLoaded)
  }

  /** False: all directories failed. */
  get hasWorking(): boolean {
    return this.#all.some(({ failure }) => failure === undefined)
  }

  get hasFailed(): boolean {
    return this.#all.some(({ failure }) => failure !== undefined)
  }

  /**
   * Where a new log goes: the directory with the fewest logs that works, is not cordoned and has room, if there is one.
   * Kafka does not look at the room. Throws if all directories failed. Source: LogManager.nextLogDirs.
   */
  emptiest(): Directory {
    const { logs, isCordoned } = this.#parts
    const online = this.#all.filter(({ isLoaded, failure }) => isLoaded && failure === undefined)
    if (online.length === 0) throw this.#all[0]!.failure
    const sound = online.filter(({ isSuspect }) => !isSuspect)
    const open = sound.filter(({ path }) => !isCordoned(path))
    const candidates = [open, sound].find((each) => each.length > 0) ?? online
    const roomy = candidates.length === 1 ? candidates : candidates.filter(({ reserve }) => reserve.hasRoom)
    return (roomy.length === 0 ? candidates : roomy).reduce((best, each) =>
      logs.countIn(each.path) < logs.countIn(best.path) ? each : best,
    )
  }

  /**
   * Something in that directory failed. If that is a disk error that does not pass, the directory goes offline, and
   * DirectoryFailedError is returned. Else the error is: it concerns what met it alone.
   */
  noteFailure(path: string, error: Error): Error {
    if (!isSystemError(error) || mayPass(error) || error instanceof LogGoneError) return error
    // Says nothing of the disk: some file systems allow shorter names than Kafka does.
    if (error.code === 'ENAMETOOLONG') return error
    // A file was removed meanwhile: its log alone is concerned, as long as the directory is there.
    if (error.code === 'ENOENT' && this.#parts.host.files.exists(path)) return error
    if (error instanceof DirectoryFailedError) return error
    const directory = this.at(path)
    if (directory.failure instanceof DirectoryFailedError) return directory.failure
    const failure = new DirectoryFailedError(path, error)
    directory.failure = failure
    // What met the error must end first: it may be in the middle of a change of its log.
    inBackground(
      this.#parts.host,
      Promise.resolve().then(() => this.#parts.onFailed(directory, failure)),
    )
    return failure
  }

  /** A log in that directory could not be opened. That is the directory's failure if it cannot be listed either. */
  probe(path: string, error: Error): Error {
    try {
      this.#parts.host.files.list(path)
      return error
    } catch (second) {
      const failure = this.noteFailure(path, failureOfPart(this.#parts.host, second))
      return failure instanceof DirectoryFailedError ? failure : error
    }
  }

  /** Throws if the directory is offline. */
  check(path: string): void {
    const { failure } = this.at(path)
    if (failure !== undefined) throw failure
  }

  /**
   * Does the task for all directories online, at the same time: a slow one holds up no other. Logs a failing directory once for
   * each reason. `what`: 'a directory cannot be ...'
   */
  async inEach(what: string, task: (directory: Directory) => Promise<void>): Promise<void> {
    const inOne = async (directory: Directory): Promise<void> => {
      try {
        await task(directory)
      } catch (error) {
        this.#logFailure(directory, what, failureOfPart(this.#parts.host, error))
      }
    }
    const online = this.#all.filter(({ isLoaded, failure }) => isLoaded && failure === undefined)
    await Promise.all(online.map(inOne))
  }

  #logFailure(directory: Directory, what: string, error: Error): void {
    if (this.noteFailure(directory.path, error) instanceof DirectoryFailedError) return
    const message = `${what}: ${error.message}`
    if (this.#loggedFailures.get(directory) === message) return
    this.#loggedFailures.set(directory, message)
    const fields = { directory: directory.path, reason: reasonOf(error) }
    this.#parts.logger.error(fields, `a data directory cannot be ${what}`)
  }

  fillReserves(): void {
    for (const { reserve, failure } of this.#all) if (failure === undefined) reserve.fill()
  }

  /** For DescribeLogDirs. */
  describe(): LogDirectory[] {
    return this.#all.map((directory) => {
      if (directory.failure !== undefined) return { ...directory, ...UNKNOWN_CONTENT }
      try {
        return { ...directory, ...this.#contentOf(directory) }
      } catch (error) {
        const failure = this.noteFailure(directory.path, failureOfPart(this.#parts.host, error))
        return { ...directory, failure, ...UNKNOWN_CONTENT }
      }
    })
  }

  #contentOf({ path }: Directory): Pick<LogDirectory, 'freeBytes' | 'totalBytes' | 'partitions'> {
    const { host } = this.#parts
    return { ...host.files.space(path), partitions: this.#partitionsIn(path) }
  }

  *#partitionsIn(path: string): Generator<PartitionSize> {
    const { logs } = this.#parts
    yield* logs.eachInDirectory(path)
    for (const stored of logs.futuresIn(path)) yield new FutureSize(stored, logs)
  }
}

/** The size of a future log, read when it is asked for. */
class FutureSize implements PartitionSize {
  readonly #stored: StoredLog
  readonly future: FutureReplica

  constructor(stored: StoredLog, logs: StoredLogs) {
    this.#stored = stored
    const current = logs.find(stored.topic, stored.partition)?.opened
    const copied = stored.opened
    const isKnown = current !== undefined && copied !== undefined
    this.future = { offsetLag: isKnown ? current.logEndOffset - copied.logEndOffset : UNKNOWN_LAG }
  }

  get topic(): string {
    return this.#stored.topic
  }
  get partition(): number {
    return this.#stored.partition
  }
  get sizeBytes(): number {
    return this.#stored.sizeBytes
  }
}
