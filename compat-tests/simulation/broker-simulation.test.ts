import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { simulateBroker } from './broker-simulation.ts'
import { oneBroker } from './cluster-plan.ts'
import { expectOneHistory, firstSeeds, sumsOf } from './seeded-runs.ts'

/** Number of seeds in addition to those that once failed. `npm run simulate -- broker` runs more. */
const SEEDS = 20

describe('a whole broker under faults', function () {
  this.timeout(300_000)

  it('keeps its promises for every seed that once broke one', async () => {
    const lines = readFileSync(join(import.meta.dirname, 'regressions.txt'), 'utf8').split('\n')
    const seedsOf = (part: RegExp) => lines.flatMap((line) => part.exec(line)?.[1] ?? []).map(Number)
    const [alone, drawn] = [seedsOf(/^broker (\d+)/), seedsOf(/^cluster (\d+)/)]
    expect(alone).to.not.be.empty
    await sumsOf('broker --one-broker', alone, (seed) => simulateBroker(seed, () => {}, oneBroker(seed)))
    await sumsOf('broker', drawn, (seed) => simulateBroker(seed))
  })

  it(`keeps its promises for ${SEEDS} seeds, and each kind of fault strikes`, async () => {
    for (const [name, sum] of await sumsOf('broker', firstSeeds(SEEDS), (seed) => simulateBroker(seed)))
      expect(sum, name).to.be.above(SEEDS / 20)
  })

  it('gives the same history for the same seed', () =>
    expectOneHistory(5, (seed, trace) => simulateBroker(seed, trace)))
})
