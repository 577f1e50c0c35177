import { expect } from 'chai'
import { simulateGroups } from './group-simulation.ts'
import { expectOneHistory, firstSeeds, sumsOf } from './seeded-runs.ts'

/** `npm run simulate -- groups` runs more. */
const SEEDS = 20

describe('groups under faults', function () {
  this.timeout(300_000)

  it(`keep their promises for ${SEEDS} seeds, and each kind of fault strikes`, async () => {
    for (const [name, sum] of await sumsOf('groups', firstSeeds(SEEDS), (seed) => simulateGroups(seed)))
      expect(sum, name).to.be.above(SEEDS / 4)
  })

  for (const [brokers, seed] of [
    ['one broker', 3],
    ['several brokers', 5],
  ] as const)
    it(`give the same history for the same seed with ${brokers}`, () => expectOneHistory(seed, simulateGroups))
})
