import type { SeededRandom } from '../../storage/host/seeded-random.ts'

/** A kind of invalid input and its target. */
export interface FuzzKind {
  readonly name: string
  /** One line for --help. */
  readonly summary: string
  /** Share of this kind in percent unless one kind is selected. */
  readonly share: number
  /** Cases that one subject lives for: a case repeats exactly only after those before it in its round. 1: it stands alone. */
  readonly roundCases: number
  /** What a case may allocate in buffers, for an input of so many bytes. */
  readonly allocationLimit: (inputBytes: number) => number
  readonly open: (seed: number) => Subject | Promise<Subject>
}

/** Target of the cases in one round. */
export interface Subject {
  /** One case; `input` is told the bytes before they are used. Throws Finding, or whatever the code under test throws. */
  run(random: SeededRandom, input: (bytes: Buffer) => void): Counts | Promise<Counts>
  /** Processor time of the longest turn of the event loop since it was last asked for, in milliseconds. */
  takeLongestTurnMs?(): number
  close?(): Promise<void>
}

/** Number of each outcome in a case: 'answered', 'closed', 'decoded', 'refused', ... */
export type Counts = Readonly<Record<string, number>>

/** A rule that the code under test has broken. */
export class Finding extends Error {
  override readonly name = 'Finding'
}

/** 32-bit hash of all parts: the seed of a case. */
export function mixed(...parts: readonly (number | string)[]): number {
  let hash = 0x811c9dc5
  for (const part of parts) {
    for (const character of `${part}/`) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193)
    hash ^= hash >>> 15
  }
  return hash | 0
}
