/** A turn of the event loop that a case took, in milliseconds of processor time. */
export interface LongTurn {
  readonly kind: string
  readonly index: number
  readonly cpuMs: number
}

/** Number of turns kept. */
const COUNT = 5

/** Keeps the longest turns, the longest first. */
export class LongTurns {
  #turns: LongTurn[] = []

  get longest(): readonly LongTurn[] {
    return this.#turns
  }

  add(turn: LongTurn): void {
    const last = this.#turns.at(-1)
    if (this.#turns.length === COUNT && last!.cpuMs >= turn.cpuMs) return
    this.#turns = [...this.#turns, turn].sort((a, b) => b.cpuMs - a.cpuMs).slice(0, COUNT)
  }
}
