import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { simulateStorage } from './storage-simulation.ts'

/** Number of seeds in addition to those that once failed. `npm run simulate` runs more. */
const SEEDS = 200

describe('storage under faults', function () {
  this.timeout(120_000)

  it('keeps its promises for every seed that once broke one', async () => {
    const lines = readFileSync(join(import.meta.dirname, 'regressions.txt'), 'utf8').split('\n')
    const seeds = lines.filter((line) => /^\d/.test(line)).map((line) => Number.parseInt(line, 10))
    expect(seeds).to.not.be.empty
    for (const seed of seeds) await runSeed(seed)
  })

  it(`keeps its promises for ${SEEDS} seeds, and each kind of fault strikes`, async () => {
    const sums = {
      crashes: 0,
      powerLosses: 0,
      fullDisks: 0,
      failingDisks: 0,
      lostDirectories: 0,
      cleanStops: 0,
      compactions: 0,
      records: 0,
    }
    for (let seed = 1; seed <= SEEDS; seed++) {
      const counts = await runSeed(seed)
      for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += counts[name]
    }
    for (const [name, sum] of Object.entries(sums)) expect(sum, name).to.be.above(SEEDS / 10)
  })

  it('gives the same history for the same seed', async () => {
    const histories: string[][] = [[], []]
    for (const history of histories) {
      await simulateStorage(7, (fields, message) => history.push(`${message} ${JSON.stringify(fields)}`))
    }
    expect(histories[0]).to.not.be.empty
    expect(histories[0]).to.deep.equal(histories[1])
  })
})

/** Runs a seed; a failure names it. */
async function runSeed(seed: number) {
  try {
    return await simulateStorage(seed)
  } catch (error) {
    throw new Error(`seed ${seed} (npm run simulate -- storage --seed ${seed})`, { cause: error })
  }
}
