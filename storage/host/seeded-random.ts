import type { Random } from './host.ts'
import { uuidText } from './uuid-text.ts'

/** The same numbers for the same seed, on every machine (xoshiro128**, seeded by splitmix32). */
export class SeededRandom implements Random {
  readonly #state: Uint32Array

  constructor(seed: number) {
    this.#state = new Uint32Array(4)
    let mixed = seed | 0
    for (let i = 0; i < 4; i++) {
      mixed = (mixed + 0x9e3779b9) | 0
      let word = mixed ^ (mixed >>> 16)
      word = Math.imul(word, 0x21f0aaad)
      word ^= word >>> 15
      word = Math.imul(word, 0x735a2d97)
      this.#state[i] = word ^ (word >>> 15)
    }
  }

  bytes(size: number): Buffer {
    const bytes = Buffer.alloc(size)
    for (let i = 0; i < size; i++) bytes[i] = this.#next() & 0xff
    return bytes
  }

  below(bound: number): number {
    return Math.floor((this.#next() / 2 ** 32) * bound)
  }

  /** True once in `one` times on average. */
  oneIn(one: number): boolean {
    return this.below(one) === 0
  }

  /** One of the items. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!
  }

  uuid(): string {
    return uuidText(this)
  }

  #next(): number {
    const s = this.#state
    const product = Math.imul(s[1]!, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9)
    const shifted = s[1]! << 9
    s[2] = s[2]! ^ s[0]!
    s[3] = s[3]! ^ s[1]!
    s[1] = s[1]! ^ s[2]!
    s[0] = s[0]! ^ s[3]!
    s[2] = s[2]! ^ shifted
    s[3] = (s[3]! << 11) | (s[3]! >>> 21)
    return result >>> 0
  }
}
