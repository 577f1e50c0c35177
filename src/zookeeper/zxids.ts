/** Numbers the changes of the tree. */
export class Zxids {
  #last: number

  /** last: the newest number that is taken. */
  constructor(last: number) {
    this.#last = last
  }

  /** Number of the newest change. */
  get last(): number {
    return this.#last
  }

  /** Number of the next change, not yet taken. */
  get next(): number {
    return this.#last + 1
  }

  take(): number {
    return ++this.#last
  }
}
