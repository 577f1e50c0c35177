import { corrupt } from './codec.ts'

/** Decoding table of finite state entropy (RFC 8878, 4.1): the meaning of each of its 2^accuracyLog states. */
export interface FseTable {
  readonly accuracyLog: number
  readonly symbol: Uint8Array
  /** The next state is base[state] plus the next bits[state] bits. */
  readonly bits: Uint8Array
  readonly base: Uint16Array
}

/** Table in which every state means the same symbol and consumes no bits. */
export function singleSymbolTable(symbol: number): FseTable {
  return { accuracyLog: 0, symbol: Uint8Array.of(symbol), bits: new Uint8Array(1), base: new Uint16Array(1) }
}

/** Table for probabilities that add up to 2^accuracyLog. -1 means "less than one" and takes one state. */
export function buildFseTable(probabilities: readonly number[], accuracyLog: number): FseTable {
  const size = 1 << accuracyLog
  const table = { accuracyLog, symbol: new Uint8Array(size), bits: new Uint8Array(size), base: new Uint16Array(size) }
  const next = spreadSymbols(probabilities, table.symbol)
  for (let state = 0; state < size; state++) {
    const symbol = table.symbol[state]!
    const successor = next[symbol]!++
    const bits = accuracyLog - (31 - Math.clz32(successor))
    table.bits[state] = bits
    table.base[state] = (successor << bits) - size
  }
  return table
}

/** Assigns a symbol to each state; returns the number of states per symbol. */
function spreadSymbols(probabilities: readonly number[], symbols: Uint8Array): number[] {
  const size = symbols.length
  let last = size - 1
  for (const [symbol, probability] of probabilities.entries()) if (probability === -1) symbols[last--] = symbol
  const step = (size >> 1) + (size >> 3) + 3
  let position = 0
  for (const [symbol, probability] of probabilities.entries()) {
    for (let i = 0; i < probability; i++) {
      symbols[position] = symbol
      do position = (position + step) & (size - 1)
      while (position > last)
    }
  }
  return probabilities.map((probability) => Math.abs(probability))
}

/**
 * Reads the description of a table from bytes[start, end). Throws a DecompressionFault if it is invalid, if its
 * accuracy exceeds maxAccuracyLog, or if it has a symbol above maxSymbol.
 */
export function readFseTable(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxAccuracyLog: number,
  maxSymbol: number,
): { readonly table: FseTable; readonly position: number } {
  const reader = new ForwardBits(bytes, start, end)
  const accuracyLog = reader.read(4) + 5
  if (accuracyLog > maxAccuracyLog) throw corrupt('zstd: accuracy of an entropy table is too high')
  const probabilities = readProbabilities(reader, accuracyLog, maxSymbol)
  return { table: buildFseTable(probabilities, accuracyLog), position: reader.byteAfter() }
}

function readProbabilities(reader: ForwardBits, accuracyLog: number, maxSymbol: number): number[] {
  const probabilities: number[] = []
  let remaining = 1 << accuracyLog
  while (remaining > 0) {
    if (probabilities.length > maxSymbol) throw corrupt('zstd: too many symbols in an entropy table')
    const probability = readProbability(reader, remaining)
    probabilities.push(probability)
    remaining -= Math.abs(probability)
    if (probability === 0) readZeros(reader, probabilities, maxSymbol)
  }
  if (remaining < 0 || probabilities.length > maxSymbol + 1) throw corrupt('zstd: probabilities do not add up')
  return probabilities
}

/** Reads a value from 0 to remaining + 1; small values take one bit less. The probability is the value less one. */
function readProbability(reader: ForwardBits, remaining: number): number {
  const bits = 32 - Math.clz32(remaining + 1)
  const threshold = 1 << (bits - 1)
  const cheapCount = 2 * threshold - 1 - (remaining + 1)
  const low = reader.peek(bits - 1)
  if (low < cheapCount) {
    reader.read(bits - 1)
    return low - 1
  }
  const value = reader.read(bits)
  return (value >= threshold ? value - cheapCount : value) - 1
}

/** After a probability of 0: the number of further zeros, in groups of two bits. 3 means that another group follows. */
function readZeros(reader: ForwardBits, probabilities: number[], maxSymbol: number): void {
  let repeat: number
  do {
    repeat = reader.read(2)
    for (let i = 0; i < repeat; i++) probabilities.push(0)
  } while (repeat === 3 && probabilities.length <= maxSymbol)
}

/** Reads bits from the lowest bit of the first byte upwards. */
class ForwardBits {
  readonly #bytes: Uint8Array
  readonly #start: number
  readonly #end: number
  #bit = 0

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes
    this.#start = start
    this.#end = end
  }

  /** The next count bits, at most 10. Bits beyond the end are 0. */
  peek(count: number): number {
    const i = this.#start + (this.#bit >> 3)
    const word = this.#byte(i) | (this.#byte(i + 1) << 8) | (this.#byte(i + 2) << 16)
    return (word >> (this.#bit & 7)) & ((1 << count) - 1)
  }

  read(count: number): number {
    const value = this.peek(count)
    this.#bit += count
    if (this.byteAfter() > this.#end) throw corrupt('zstd: truncated entropy table')
    return value
  }

  /** Position of the first byte that is entirely unread. */
  byteAfter(): number {
    return this.#start + ((this.#bit + 7) >> 3)
  }

  #byte(position: number): number {
    return position < this.#end ? this.#bytes[position]! : 0
  }
}
