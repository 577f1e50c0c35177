import { InvariantError } from '../protocol/invariant.ts'
import type { Host } from './host/host.ts'

/*
 * WHAT A FAILURE DOES. The whole broker follows these rules.
 *
 * FATAL: the process ends at once through `host.fatal`; the next start recovers from the files.
 * - A broken invariant (InvariantError), wherever it is thrown or caught. Memory cannot be trusted any more.
 * - An error in work that nobody waits for (`inBackground`), and one that a timer's callback throws. It may have left
 *   memory half changed, and nobody else would hear of it.
 * - The failure of the metadata directory, or of the last data directory (StorageLostError).
 *
 * FAILS A PART: its clients get Kafka's error, one line names file, offset and remedy, and everything else goes on.
 * - A request, by an unexpected error: UNKNOWN_SERVER_ERROR, and the stack in the log.
 * - A connection, by bytes that are no request: it is closed.
 * - A data directory, by any disk error in it that does not pass (LogDirectories): all its logs are closed at once and
 *   answer KAFKA_STORAGE_ERROR until the next start, and nothing in it is read or written. Source: LogDirFailureChannel.
 * - A data directory that cannot be used at the start: the same (BrokerDirectories). Without the metadata directory, or
 *   without any, the start ends.
 * - A log on a full disk (LogAvailability): appends get KAFKA_STORAGE_ERROR until there is room. Reads go on.
 * - A file that was removed (ENOENT) while its directory is there: the log alone that met it.
 * - A log that cannot be opened while its directory can be read: KAFKA_STORAGE_ERROR for it alone. A log that cannot be
 *   recovered at the start is left alone until the next one, and its directory gets no new logs.
 * - A move to another data directory: the partition is served where it is, and the next start goes on with the move.
 * - Damaged bytes are no disk error: the batch that cannot be read answers CORRUPT_MESSAGE.
 * - A coordinator's shard whose log cannot be read: NOT_COORDINATOR, and COORDINATOR_NOT_AVAILABLE for FindCoordinator.
 * - One log, directory, listener or step among many: it is left out, the loop goes on (`eachAlone`).
 *
 * RETRIED:
 * - Disk errors that may pass: opening a log, loading a shard. After 1 s, then twice as long each time,
 *   up to a minute (`Backoff`); a second each time where only room or handles are short. Damaged bytes are not read again: they do not change before the next start.
 * - A log without room: the first append after one second is tried.
 * - A move to another data directory, while its disk is full or slow (LogMoves).
 * - Recurring tasks (retention, flushes, checkpoints, compaction): at their next time.
 */

/** Code of the system error that caused it, for errors that stand for one. */
function codeOf(cause: Error): string {
  return isSystemError(cause) ? cause.code : 'EIO'
}

/**
 * A data directory failed: nothing in it is read or written until the next start. It is logged once, for all its logs,
 * so whoever meets this error does not log it again. Source: KafkaStorageException.
 */
export class DirectoryFailedError extends Error {
  override readonly name = 'DirectoryFailedError'
  /** As a system error, it is answered with KAFKA_STORAGE_ERROR. */
  readonly code: string
  readonly directory: string

  constructor(directory: string, cause: Error) {
    super(`the data directory ${directory} failed: ${cause.message}`, { cause })
    this.directory = directory
    this.code = codeOf(cause)
  }
}

/** The broker cannot run without a data directory that failed. The message tells the user what to do; it is no bug. */
export class StorageLostError extends Error {
  override readonly name = 'StorageLostError'
}

/** True for a failure that ends the process. */
export function isFatal(error: unknown): error is InvariantError {
  return error instanceof InvariantError
}

/** Error code of the operating system: EIO, ENOSPC, EMFILE. Bugs have no such code. */
export function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && /^E[A-Z0-9]+$/.test((error as NodeJS.ErrnoException).code ?? '')
}

/** A failure for a log line: the message if the disk failed, the stack if it is a bug. */
export function reasonOf(error: Error): string {
  return isSystemError(error) ? error.message : (error.stack ?? error.message)
}

/** No disk space, or no file handles: failures that may pass while the broker runs. */
const PASSING: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EMFILE', 'ENFILE'])

/** True for a failure that may pass while the broker runs; after any other a disk is not trusted until the next start. */
export function mayPass(error: unknown): boolean {
  return isSystemError(error) && PASSING.has(error.code)
}

/**
 * The error that a part caught and fails with. Rethrows a broken invariant, which ends the process.
 */
export function failureOfPart(host: Pick<Host, 'fatal'>, error: unknown): Error {
  if (!isFatal(error)) return error instanceof Error ? error : new Error(String(error))
  host.fatal(error)
  throw error
}

/** Does the task for each part. Reports and skips a part that fails. */
export function eachAlone<T>(
  host: Pick<Host, 'fatal'>,
  parts: Iterable<T>,
  task: (part: T) => void,
  onFailure: (part: T, error: Error) => void,
): void {
  for (const part of parts) {
    try {
      task(part)
    } catch (error) {
      onFailure(part, failureOfPart(host, error))
    }
  }
}

/** Work that nobody waits for. An error that it throws is a bug, and fatal: the work handles expected failures. */
export function inBackground(host: Pick<Host, 'fatal'>, work: Promise<unknown>): void {
  work.catch((error) => host.fatal(error as Error))
}

const FIRST_DELAY_MS = 1000
const LONGEST_DELAY_MS = 60_000

/** How long to wait before something is tried again: twice as long after each failure in a row. */
export class Backoff {
  #nextMs = FIRST_DELAY_MS

  /** Counts a failure. Returns the milliseconds until the next try. */
  failed(error?: Error): number {
    if (mayPass(error)) return FIRST_DELAY_MS
    const delayMs = this.#nextMs
    this.#nextMs = Math.min(LONGEST_DELAY_MS, delayMs * 2)
    return delayMs
  }

  succeeded(): void {
    this.#nextMs = FIRST_DELAY_MS
  }
}
