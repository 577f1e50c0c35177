import { type Rejection, reject } from '../../protocol/error-codes.ts'
import { DirectoryFailedError, failureOfPart, mayPass, reasonOf } from '../failure-policy.ts'
import { isOpenLimitError } from '../open-limits.ts'
import type { LogServices } from './log-services.ts'
import type { LogLocation } from './recovery.ts'

/** Interval at which appends are retried after the disk was full. */
const RETRY_AFTER_MS = 1000

/** A full disk is logged again only after an append was refused last so long ago: small ones may fit in between. */
const QUIET_MS = 60_000

/** Why appends are refused. A full disk may get room again; any other failure needs a restart. */
interface Refusal {
  readonly error: Error
  readonly retryAtMs: number
}

/**
 * Whether a log takes appends, and if not, because of which failure. Without room, or after a bug, reads still work. A
 * disk error that does not pass takes the directory of the log offline, and all logs in it are closed.
 */
export class LogAvailability {
  readonly #location: LogLocation
  readonly #services: LogServices
  readonly #onOffline: (error: Error) => void
  #refusal: Refusal | undefined
  #lastFullMs = Number.NEGATIVE_INFINITY

  /** onOffline: called when nothing may be written any more. */
  constructor(location: LogLocation, services: LogServices, onOffline: (error: Error) => void) {
    this.#location = location
    this.#services = services
    this.#onOffline = onOffline
  }

  /** The failure because of which appends are refused; undefined if they are not. */
  get failure(): Error | undefined {
    return this.#refusal?.error
  }

  /** undefined: an append may be tried. */
  check(): Rejection | undefined {
    if (this.#refusal === undefined) return undefined
    if (this.#services.host.clock.monotonicMs() < this.#refusal.retryAtMs) return storageError()
    this.#refusal = undefined
    return undefined
  }

  /** Handles a failed write. Rethrows a broken invariant. */
  refuse(caught: unknown): void {
    const error = failureOfPart(this.#services.host, caught)
    if (!mayPass(error)) {
      this.goOffline(error)
      return
    }
    const nowMs = this.#services.host.clock.monotonicMs()
    // Too many open files are logged once for all logs.
    if (!isOpenLimitError(error)) this.#tellFull(error, nowMs)
    this.#refusal = { error, retryAtMs: nowMs + RETRY_AFTER_MS }
  }

  #tellFull(error: Error, nowMs: number): void {
    const wasQuiet = nowMs - this.#lastFullMs >= QUIET_MS
    this.#lastFullMs = nowMs
    if (!wasQuiet) return
    const { partition, logDirectory } = this.#location
    this.#services.logger.error(
      { partition, directory: logDirectory, reason: error.message },
      'the disk is full: appends are refused until there is free space',
    )
  }

  /** Refuses appends until the next start. */
  goOffline(caught: unknown): void {
    const error = failureOfPart(this.#services.host, caught)
    if (this.isOffline) return
    const { partition, directory } = this.#location
    this.#refusal = { error, retryAtMs: Number.POSITIVE_INFINITY }
    this.#onOffline(error)
    if (this.#services.noteFailure(error) instanceof DirectoryFailedError) return
    this.#services.logger.error(
      { partition, directory, reason: reasonOf(error) },
      'the log failed: appends are refused until the broker is restarted',
    )
  }

  /**
   * The files are about to be removed, and new files may get their names; or their directory failed. Pending work must
   * not touch them any more.
   */
  abandon(why: Error): void {
    this.#refusal = { error: why, retryAtMs: Number.POSITIVE_INFINITY }
  }

  /** Clears a failure that may have passed. */
  tryAgain(): void {
    if (!this.isOffline) this.#refusal = undefined
  }

  /** True if nothing is written until the next start. */
  get isOffline(): boolean {
    return this.#refusal?.retryAtMs === Number.POSITIVE_INFINITY
  }
}

export function storageError(): Rejection {
  return reject('KAFKA_STORAGE_ERROR')
}
