import { expect } from 'chai'
import { expectOneHistory, firstSeeds, sumsOf } from './seeded-runs.ts'
import { simulateZooKeeper } from './zookeeper-simulation.ts'

/** `npm run simulate -- zookeeper` runs more. */
const SEEDS = 20

describe('writes to ZooKeeper nodes under faults', function () {
  this.timeout(300_000)

  it(`keep their promises for ${SEEDS} seeds, and each kind of fault strikes`, async () => {
    for (const [name, sum] of await sumsOf('zookeeper', firstSeeds(SEEDS), simulateZooKeeper))
      expect(sum, name).to.be.above(SEEDS / 2)
  })

  it('give the same history for the same seed', () => expectOneHistory(3, simulateZooKeeper))
})
