import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { simulateBroker } from './broker-simulation.ts'

/** Number of seeds in addition to those that once failed. `npm run simulate -- broker` runs more. */
const SEEDS = 10

describe('a whole broker under faults', function () {
  this.timeout(180_000)

  it('keeps its promises for every seed that once broke one', async () => {
    const lines = readFileSync(join(import.meta.dirname, 'regressions.txt'), 'utf8').split('\n')
    const seeds = lines.flatMap((line) => /^broker (\d+)/.exec(line)?.[1] ?? []).map(Number)
    expect(seeds).to.not.be.empty
    for (const seed of seeds) await runSeed(seed)
  })

  it(`keeps its promises for ${SEEDS} seeds, and each kind of fault strikes`, async () => {
    const sums = new Map<string, number>()
    for (let seed = 1; seed <= SEEDS; seed++) {
      const counts = await runSeed(seed)
      for (const [name, count] of Object.entries(counts)) sums.set(name, (sums.get(name) ?? 0) + count)
    }
    for (const [name, sum] of sums) expect(sum, name).to.be.above(SEEDS / 4)
  })

  it('gives the same history for the same seed', async () => {
    const histories: string[][] = [[], []]
    for (const history of histories) {
      await simulateBroker(5, (fields, message) => history.push(`${message} ${JSON.stringify(fields)}`))
    }
    expect(histories[0]).to.not.be.empty
    expect(histories[0]).to.deep.equal(histories[1])
  })
})

/** Runs a seed; a failure names it. */
async function runSeed(seed: number): Promise<Record<string, number>> {
  try {
    return await simulateBroker(seed)
  } catch (error) {
    throw new Error(`seed ${seed} (npm run simulate -- broker --seed ${seed})`, { cause: error })
  }
}
