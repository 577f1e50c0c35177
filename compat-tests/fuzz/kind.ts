import type { SeededRandom } from '../../storage/host/seeded-random.ts'

/** A kind of invalid input and its target. */
export interface FuzzKind {
  readonly name: string
  /** One line for --help. */
  readonly summary: string
  /** Share of this kind in percent unless one kind is selected. */
  readonly share: number
  /** Cases per subject. To repeat a case exactly, the earlier cases of its round must run first. 1: cases are independent. */
  readonly roundCases: number
  /** Limit of the bytes in buffers that a case may allocate, by the size of its input. */
  readonly allocationLimit: (inputBytes: number) => number
  readonly open: (seed: number) => Subject | Promise<Subject>
}

/** Target of the cases in one round. */
export interface Subject {
  /** Runs one case; calls `input` with the bytes before using them. Throws Finding, or an error of the code under test. */
  run(random: SeededRandom, input: (bytes: Buffer) => void): Counts | Promise<Counts>
  /** Processor time of the longest turn of the event loop since the last call, in milliseconds. */
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
