import type { SeededRandom } from '../../storage/host/seeded-random.ts'

/**
 * Lets a client that is written as one function wait until the simulation lets it go on. A client that is never let go on
 * again has crashed; its requests under way are served all the same.
 */
export class Turns {
  readonly #random: SeededRandom
  #wake: (() => void) | undefined

  constructor(random: SeededRandom) {
    this.#random = random
  }

  /** Resolves when the client may go on. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  /** Waits in one of two cases. */
  maybe(): Promise<void> | undefined {
    return this.#random.oneIn(2) ? this.next() : undefined
  }

  /** Lets the client go on if it waits. */
  act(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}
