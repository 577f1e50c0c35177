import type { ForwardBitWriter } from './forward-bit-writer.ts'
import { buildFseTable } from './fse-table.ts'

/**
 * Encodes symbols by finite state entropy, the last one first, as its reader goes backwards. Made from the same
 * probabilities as the reader's table.
 */
export class FseEncoder {
  readonly #accuracyLog: number
  /** The states that stand for each symbol, from starts[symbol] on, in rising order; each plus the size of the table. */
  readonly #states: Uint16Array
  readonly #starts: number[] = []
  readonly #counts: number[]
  #state = 0

  constructor(probabilities: readonly number[], accuracyLog: number) {
    const table = buildFseTable(probabilities, accuracyLog)
    this.#accuracyLog = accuracyLog
    this.#counts = probabilities.map((probability) => Math.abs(probability))
    let start = 0
    for (const count of this.#counts) {
      this.#starts.push(start)
      start += count
    }
    this.#states = new Uint16Array(1 << accuracyLog)
    const next = [...this.#starts]
    for (const [state, symbol] of table.symbol.entries()) this.#states[next[symbol]!++] = state + table.symbol.length
  }

  /** Begins with the symbol that the reader decodes last; writes nothing. */
  begin(symbol: number): void {
    this.#state = this.#states[this.#starts[symbol]!]!
  }

  /** Writes the bits that lead the reader from this symbol's state to the one that was encoded before. */
  encode(symbol: number, writer: ForwardBitWriter): void {
    const count = this.#counts[symbol]!
    let bits = 0
    while (this.#state >> bits >= 2 * count) bits++
    writer.write(this.#state, bits)
    this.#state = this.#states[this.#starts[symbol]! + (this.#state >> bits) - count]!
  }

  /** Writes the state that the reader begins with. */
  finish(writer: ForwardBitWriter): void {
    writer.write(this.#state, this.#accuracyLog)
  }
}
