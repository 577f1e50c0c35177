import { SeededRandom } from '../../storage/host/seeded-random.ts'
import { type Counts, type FuzzKind, mixed } from './kind.ts'

/** Number of the faulty case; the seed is 1. */
const CULPRIT = 3
const fine: Counts = { fine: 1 }

function planted(name: string, misdeed: () => Counts | Promise<Counts>): FuzzKind {
  const sign = new SeededRandom(mixed(1, name, CULPRIT)).below(1 << 30)
  return {
    name,
    summary: '',
    share: 0,
    roundCases: 1,
    allocationLimit: () => 1 << 20,
    open: () => ({
      run(random, input) {
        const isCulprit = random.below(1 << 30) === sign
        input(Buffer.from([isCulprit ? CULPRIT : 0]))
        return isCulprit ? misdeed() : fine
      },
    }),
  }
}

function forever(): never {
  for (;;) performance.now()
}

/** Planted bugs, one per kind, to test that the fuzzer finds them. */
export const kinds: readonly FuzzKind[] = [
  planted('throws', () => {
    throw new RangeError('a bug')
  }),
  planted('rejects', async () => {
    throw new RangeError('a late bug')
  }),
  planted('rejects aside', async () => {
    void Promise.reject(new RangeError('a bug that nobody awaits'))
    await new Promise((resolve) => setImmediate(resolve))
    return fine
  }),
  planted('hangs', forever),
  planted('believes lengths', () => {
    Buffer.alloc(1 << 28)
    return fine
  }),
  planted('eats memory', () => {
    const eaten: number[][] = []
    for (;;) eaten.push(new Array<number>(1 << 16).fill(1.5))
  }),
]
