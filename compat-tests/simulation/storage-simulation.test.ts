import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { expectOneHistory, firstSeeds, sumsOf } from './seeded-runs.ts'
import { simulateStorage } from './storage-simulation.ts'

/** Number of seeds in addition to those that once failed. `npm run simulate` runs more. */
const SEEDS = 200
/** What must have happened often. */
const COUNTED = [
  'crashes',
  'powerLosses',
  'fullDisks',
  'failingDisks',
  'lostDirectories',
  'cleanStops',
  'compactions',
  'records',
] as const

describe('storage under faults', function () {
  this.timeout(300_000)

  it('keeps its promises for every seed that once broke one', async () => {
    const lines = readFileSync(join(import.meta.dirname, 'regressions.txt'), 'utf8').split('\n')
    const seeds = lines.filter((line) => /^\d/.test(line)).map((line) => Number.parseInt(line, 10))
    expect(seeds).to.not.be.empty
    await sumsOf('storage', seeds, simulateStorage)
  })

  it(`keeps its promises for ${SEEDS} seeds, and each kind of fault strikes`, async () => {
    const sums = await sumsOf('storage', firstSeeds(SEEDS), simulateStorage)
    for (const name of COUNTED) expect(sums.get(name), name).to.be.above(SEEDS / 10)
  })

  it('gives the same history for the same seed', () => expectOneHistory(7, simulateStorage))
})
