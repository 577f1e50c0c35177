import { runInSlices, type Slices } from './turn-slices.ts'

/**
 * Work that builds on the work before it, done one after the other. Short work is done at once; long work takes slices of
 * several turns, and what comes later waits for it.
 */
export class StepQueue {
  /** Settles with the last work that is not done yet, and never rejects; undefined: all is done. */
  #last: Promise<void> | undefined

  /** The outcome of `begin`, called when all work before is done. Rejects with what its steps throw. */
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

  /** Resolves when nothing is left to do. */
  async idle(): Promise<void> {
    while (this.#last !== undefined) await this.#last
  }
}
