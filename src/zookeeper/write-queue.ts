/** A value, at once or later. */
export type MaybePromise<T> = T | Promise<T>

/** Calls `next` with the value when it is there. */
export function whenThere<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** Runs one task after the other. A task that waits for nothing is done at once if no other is under way. */
export class WriteQueue {
  #last: Promise<unknown> | undefined
  #isStopped = false

  /** The result of the task. Once the queue is stopped, what waits never runs and its promise stays open. */
  run<T>(task: () => MaybePromise<T>): MaybePromise<T> {
    const start = (): MaybePromise<T> => (this.#isStopped ? new Promise<T>(() => {}) : task())
    const outcome = this.#last === undefined ? start() : this.#last.then(start)
    if (outcome instanceof Promise) {
      const done = () => {
        if (this.#last === last) this.#last = undefined
      }
      const last: Promise<void> = outcome.then(done, done)
      this.#last = last
    }
    return outcome
  }

  /** Drops what waits. */
  stop(): void {
    this.#isStopped = true
  }
}
