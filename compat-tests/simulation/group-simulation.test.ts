import { expect } from 'chai'
import { simulateGroups } from './group-simulation.ts'
import { expectOneHistory, firstSeeds, sumsOf } from './seeded-runs.ts'

/** `npm run simulate -- groups` runs more. */
const SEEDS = 20

describe('groups under faults', function () {
  this.timeout(120_000)

  it(`keep their promises for ${SEEDS} seeds, and each kind of fault strikes`, async () => {
    for (const [name, sum] of await sumsOf('groups', firstSeeds(SEEDS), simulateGroups))
      expect(sum, name).to.be.above(SEEDS / 2)
  })

  it('give the same history for the same seed', () => expectOneHistory(3, simulateGroups))
})
