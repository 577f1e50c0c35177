import type { Steps } from '../protocol/steps.ts'

/** Large contents in memory at a time. Each takes up to four times the limit of decompressed records. */
const MOST_LARGE_CONTENTS = 2

/** Places for decompressed contents that must be in memory as a whole. */
export function placesForLargeContents(): ConcurrencyLimit {
  return new ConcurrencyLimit(() => MOST_LARGE_CONTENTS)
}

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
    if (this.#hasPlace) this.#underWay++
    else await this.#enter()
    try {
      return await work()
    } finally {
      this.#leave()
    }
  }

  /** The same for work in steps, which may end while it waits for its place. */
  *steps<T>(work: Steps<T>): Steps<T> {
    const entered = this.#enter()
    let isIn = false
    try {
      yield entered.then(() => {
        isIn = true
      })
      return yield* work
    } finally {
      if (isIn) this.#leave()
      else entered.then(() => this.#leave())
    }
  }

  get #hasPlace(): boolean {
    return this.#waiting.length === 0 && this.#underWay < this.#limit()
  }

  #enter(): Promise<void> {
    return new Promise<void>((start) => {
      this.#waiting.push(start)
      this.#startMore()
    })
  }

  #leave(): void {
    this.#underWay--
    this.#startMore()
  }

  #startMore(): void {
    while (this.#waiting.length > 0 && this.#underWay < this.#limit()) {
      this.#underWay++
      this.#waiting.shift()!()
    }
  }
}
