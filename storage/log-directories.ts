import { invariant } from '../protocol/invariant.ts'
import { failureOfPart, mayPass, reasonOf } from './failure-policy.ts'
import type { Host } from './host/host.ts'
import type { LogDirectory } from './log-store.ts'
import { SpaceReserve } from './space-reserve.ts'
import type { StorageLogger } from './storage-logger.ts'
import type { StoredLogs } from './stored-logs.ts'

/** Kafka's UNKNOWN_VOLUME_BYTES. */
const UNKNOWN_BYTES = -1

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
  failure: Error | undefined
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
  readonly onDiskFailure: (directory: string, error: Error) => void
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

  get hasWorking(): boolean {
    return this.#all.some(({ failure }) => failure === undefined)
  }

  /**
   * Where a new log goes: the directory with the fewest logs that works, is not cordoned and has room, if there is one.
   * Kafka does not look at the room. Source: LogManager.nextLogDirs.
   */
  emptiest(): Directory {
    const { logs, isCordoned } = this.#parts
    const working = this.#all.filter((directory) => directory.failure === undefined)
    const open = working.filter(({ path }) => !isCordoned(path))
    const usable = open.length > 0 ? open : working
    const candidates = usable.length === 0 ? this.#all.filter(({ isLoaded }) => isLoaded) : usable
    const roomy = candidates.length === 1 ? candidates : candidates.filter(({ reserve }) => reserve.hasRoom)
    return (roomy.length === 0 ? candidates : roomy).reduce((best, each) =>
      logs.countIn(each.path) < logs.countIn(best.path) ? each : best,
    )
  }

  /** The disk failed under a log or a file of that directory. */
  noteFailure(path: string, error: Error): void {
    this.at(path).failure ??= error
    this.#parts.onDiskFailure(path, error)
  }

  /**
   * Does the task for all directories at the same time: a slow one holds up no other. Logs a failing directory once for
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
    await Promise.all(this.#all.filter(({ isLoaded }) => isLoaded).map(inOne))
  }

  #logFailure(directory: Directory, what: string, error: Error): void {
    if (!mayPass(error)) this.noteFailure(directory.path, error)
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
      try {
        return { ...directory, ...this.#contentOf(directory) }
      } catch (error) {
        const failure = failureOfPart(this.#parts.host, error)
        return { ...directory, failure, freeBytes: UNKNOWN_BYTES, totalBytes: UNKNOWN_BYTES, partitions: [] }
      }
    })
  }

  #contentOf({ path }: Directory): Pick<LogDirectory, 'freeBytes' | 'totalBytes' | 'partitions'> {
    const { host, logs } = this.#parts
    return { ...host.files.space(path), partitions: logs.eachInDirectory(path) }
  }
}
