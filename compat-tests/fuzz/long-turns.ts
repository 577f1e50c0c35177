/** A turn of the event loop that a case took, in milliseconds of processor time. */
export interface LongTurn {
  readonly kind: string
  readonly index: number
  readonly cpuMs: number
}

/** How many are told. */
const TOLD = 5

/** The longest turns of many, the longest first. */
export class LongTurns {
  #turns: LongTurn[] = []

  get longest(): readonly LongTurn[] {
    return this.#turns
  }

  add(turn: LongTurn): void {
    const last = this.#turns.at(-1)
    if (this.#turns.length === TOLD && last!.cpuMs >= turn.cpuMs) return
    this.#turns = [...this.#turns, turn].sort((a, b) => b.cpuMs - a.cpuMs).slice(0, TOLD)
  }
}
