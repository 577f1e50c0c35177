const HASH_BITS = 15
const MIN_MATCH = 5
/** Longest match per sequence. The format allows longer ones, but a block has no more than twice this size. */
const MAX_MATCH = 65538

/** The parts of a block: sequences of literals and a match, then the last literals. */
export interface Sequences {
  readonly count: number
  /** Three numbers per sequence: literal length, match length, offset. */
  readonly values: Uint32Array
  /** The literals of all sequences, then the last ones. */
  readonly literals: Uint8Array
}

/** Finds matches in content, block by block. A match may reach back to the beginning of the content. */
export class MatchFinder {
  readonly #content: Uint8Array
  /** Latest position for each hash, plus one. */
  readonly #positions = new Int32Array(1 << HASH_BITS)

  constructor(content: Uint8Array) {
    this.#content = content
  }

  /** Greedy: takes the first match found, and searches less often the longer it finds none. */
  sequencesOf(start: number, end: number): Sequences {
    const content = this.#content
    const values = new Uint32Array(3 * Math.ceil((end - start) / MIN_MATCH))
    const literals = new Uint8Array(end - start)
    const last = end - 8
    let literalCount = 0
    let count = 0
    let anchor = start
    let position = start
    while (position < last) {
      const candidate = this.#latest(position)
      const length = candidate < 0 ? 0 : this.#matchLength(candidate, position, end)
      if (length < MIN_MATCH) {
        position += 1 + ((position - anchor) >> 7)
        continue
      }
      literals.set(content.subarray(anchor, position), literalCount)
      literalCount += position - anchor
      values[3 * count] = position - anchor
      values[3 * count + 1] = length
      values[3 * count + 2] = position - candidate
      count++
      position += length
      anchor = position
      if (position < last) this.#latest(position - 2)
    }
    literals.set(content.subarray(anchor, end), literalCount)
    return { count, values, literals: literals.subarray(0, literalCount + end - anchor) }
  }

  /**
   * Records the position under the hash of its five bytes and returns the previous one with that hash; negative: none.
   */
  #latest(position: number): number {
    const content = this.#content
    const word =
      content[position]! |
      (content[position + 1]! << 8) |
      (content[position + 2]! << 16) |
      (content[position + 3]! << 24)
    const hash = (Math.imul(word, 0x9e3779b1) ^ Math.imul(content[position + 4]!, 0x85ebca6b)) >>> (32 - HASH_BITS)
    const latest = this.#positions[hash]! - 1
    this.#positions[hash] = position + 1
    return latest
  }

  #matchLength(candidate: number, position: number, end: number): number {
    const content = this.#content
    const most = Math.min(end - position, MAX_MATCH)
    let length = 0
    while (length < most && content[candidate + length] === content[position + length]) length++
    return length
  }
}
