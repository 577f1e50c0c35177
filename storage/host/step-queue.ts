import { runInSlices, type Slices } from './turn-slices.ts'

/**
 * Work that builds on the work before it, done one after the other. Short work is done at once; long work takes slices of
 * several turns, and what comes later waits for it.
 */
export class StepQueue {
  /** Resolves when all current work is done, and never rejects; undefined: all is done. */
  #last: Promise<void> | undefined

  /** The result of `begin`, which is called when all earlier work is done. Rejects with the error of its steps. */
  run<T>(begin: () => Iterator<unknown, T>, slices: Slices): T | Promise<T> {
    const start = () => runInSlices(begin(), slices)
    const outcome = this.#last === undefined ? start() : this.#last.then(start)
    if (outcome instanceof Promise) this.#waitFor(outcome)
    return outcome
  }

  #waitFor(outcome: Promise<unknown>): void {
    const done = () => {
      if (this.#last === last) this.#last = undefined
    }
    const last: Promise<void> = outcome.then(done, done)
    this.#last = last
  }

  /** Resolves when no work is left. */
  async idle(): Promise<void> {
    while (this.#last !== undefined) await this.#last
  }
}
