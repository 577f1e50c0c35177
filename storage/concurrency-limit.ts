/** Work that waits for a thread. */
type Start = () => void

/**
 * Work off the loop, a limited number of pieces at a time, in order. All of it shares the few threads of the process:
 * without a bound, one slow disk would occupy them all.
 */
export class ConcurrencyLimit {
  readonly #limit: () => number
  readonly #waiting: Start[] = []
  #underWay = 0

  /** limit: evaluated whenever a piece could begin; at least 1. */
  constructor(limit: () => number) {
    this.#limit = limit
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    await new Promise<void>((start) => {
      this.#waiting.push(start)
      this.#startMore()
    })
    try {
      return await work()
    } finally {
      this.#underWay--
      this.#startMore()
    }
  }

  #startMore(): void {
    while (this.#waiting.length > 0 && this.#underWay < this.#limit()) {
      this.#underWay++
      this.#waiting.shift()!()
    }
  }
}
