import type { ForwardBitWriter } from './forward-bit-writer.ts'
import { buildFseTable } from './fse-table.ts'

/**
 * Encodes symbols by finite state entropy. Encode the last symbol first, because the reader goes backwards. Uses the
 * same probabilities as the reader's table.
 */
export class FseEncoder {
  readonly #accuracyLog: number
  /** The states of each symbol, from starts[symbol] on, in rising order; each plus the size of the table. */
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

  /** Starts with the symbol that the reader decodes last. Writes nothing. */
  begin(symbol: number): void {
    this.#state = this.#states[this.#starts[symbol]!]!
  }

  /** Writes the bits that take the reader from this symbol's state to the state of the symbol encoded before it. */
  encode(symbol: number, writer: ForwardBitWriter): void {
    const count = this.#counts[symbol]!
    let bits = 0
    while (this.#state >> bits >= 2 * count) bits++
    writer.write(this.#state, bits)
    this.#state = this.#states[this.#starts[symbol]! + (this.#state >> bits) - count]!
  }

  /** Writes the state in which the reader starts. */
  finish(writer: ForwardBitWriter): void {
    writer.write(this.#state, this.#accuracyLog)
  }
}
