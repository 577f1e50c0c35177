import { expect } from 'chai'
import { simulateZooKeeper, type ZooKeeperCounts } from './zookeeper-simulation.ts'

/** `npm run simulate -- zookeeper` runs more. */
const SEEDS = 20

describe('writes to ZooKeeper nodes under faults', function () {
  this.timeout(120_000)

  it(`keep their promises for ${SEEDS} seeds, and each kind of fault strikes`, async () => {
    const sums = new Map<string, number>()
    for (let seed = 1; seed <= SEEDS; seed++) {
      const counts = await runSeed(seed)
      for (const [name, count] of Object.entries(counts)) sums.set(name, (sums.get(name) ?? 0) + count)
    }
    for (const [name, sum] of sums) expect(sum, name).to.be.above(SEEDS / 2)
  })

  it('give the same history for the same seed', async () => {
    const histories: string[][] = [[], []]
    for (const history of histories)
      await simulateZooKeeper(3, (fields, message) => history.push(`${message} ${JSON.stringify(fields)}`))
    expect(histories[0]).to.not.be.empty
    expect(histories[0]).to.deep.equal(histories[1])
  })
})

/** Runs a seed; a failure names it. */
async function runSeed(seed: number): Promise<ZooKeeperCounts> {
  try {
    return await simulateZooKeeper(seed)
  } catch (error) {
    throw new Error(`seed ${seed} (npm run simulate -- zookeeper --seed ${seed})`, { cause: error })
  }
}
