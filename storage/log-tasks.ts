import { failureOfPart, inBackground } from './failure-policy.ts'
import type { Host, Timer } from './host/host.ts'
import type { StorageLogger } from './storage-logger.ts'

/** Delayed and recurring tasks of the log manager, until it stops. */
export class LogTasks {
  readonly #host: Host
  readonly #logger: StorageLogger
  readonly #timers = new Set<Timer>()
  #isStopped = false

  constructor(host: Host, logger: StorageLogger) {
    this.#host = host
    this.#logger = logger
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Cancels all waiting tasks. */
  stop(): void {
    this.#isStopped = true
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
  }

  /** undefined: the manager has stopped, and nothing is scheduled. */
  after(delayMs: number, task: () => void | Promise<void>): Timer | undefined {
    if (this.#isStopped) return undefined
    const timer = this.#host.timers.after(delayMs, () => {
      this.#timers.delete(timer)
      inBackground(this.#host, this.run(task))
    })
    this.#timers.add(timer)
    return {
      cancel: () => {
        timer.cancel()
        this.#timers.delete(timer)
      },
    }
  }

  /** The interval counts from the end of a run, also of a failed one. */
  every(intervalMs: number, task: () => void | Promise<void>, firstAfterMs = intervalMs): void {
    const again = (delayMs: number): void => {
      this.after(delayMs, () => this.run(task).finally(() => again(intervalMs)))
    }
    again(firstAfterMs)
  }

  /** Logs a failure. A broken invariant is fatal, and rethrown. */
  async run(task: () => void | Promise<void>): Promise<void> {
    try {
      await task()
    } catch (error) {
      const { stack } = failureOfPart(this.#host, error)
      this.#logger.error({ reason: stack }, 'a task of the log manager failed')
    }
  }
}
