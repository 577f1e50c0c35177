import type { Clock } from '../../storage/host/host.ts'
import type { Logger } from '../observe/logger.ts'

const EVERY_MS = 60_000

/** Warnings that requests cause: each at most once a minute, so that clients cannot fill the log. */
export class RepeatedWarnings {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #lastMs = new Map<string, number>()

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** `message` is one of a few: it must not contain what a client sent. */
  warn(fields: object, message: string): void {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - (this.#lastMs.get(message) ?? Number.NEGATIVE_INFINITY) < EVERY_MS) return
    this.#lastMs.set(message, nowMs)
    this.#logger.warn(fields, message)
  }
}
