import { expect } from 'chai'
import type { Trace } from './trace.ts'

type Simulate<C extends object> = (seed: number, trace?: Trace) => Promise<C>

/** Runs each of these seeds. Returns the sums of their counts; a failure names its seed. */
export async function sumsOf<C extends object>(
  part: string,
  seeds: Iterable<number>,
  simulate: Simulate<C>,
): Promise<Map<string, number>> {
  const sums = new Map<string, number>()
  for (const seed of seeds) {
    const counts = await simulate(seed).catch((error) => {
      throw new Error(`seed ${seed} (npm run simulate -- ${part} --seed ${seed})`, { cause: error })
    })
    for (const [name, count] of Object.entries(counts)) sums.set(name, (sums.get(name) ?? 0) + count)
  }
  return sums
}

/** Seeds from 1. */
export function firstSeeds(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}

/** Fails unless two runs of the seed log the same events. */
export async function expectOneHistory(seed: number, simulate: Simulate<object>): Promise<void> {
  const histories: string[][] = [[], []]
  for (const history of histories)
    await simulate(seed, (fields, message) => history.push(`${message} ${JSON.stringify(fields)}`))
  expect(histories[0]).to.not.be.empty
  expect(histories[0]).to.deep.equal(histories[1])
}
