import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { expectOneHistory, firstSeeds, sumsOf } from './seeded-runs.ts'
import { simulateTransactions } from './transaction-simulation.ts'

/** Number of seeds in addition to those that once failed. `npm run simulate -- transactions` runs more. */
const SEEDS = 10

/** What does not happen in each ten seeds. */
const rare = new Set(['unansweredAborted', 'unansweredCommitted', 'syncError', 'readError', 'uncleanElections'])

describe('transactions under faults', function () {
  this.timeout(300_000)

  it('keep their promises for every seed that once broke one', async () => {
    const lines = readFileSync(join(import.meta.dirname, 'regressions.txt'), 'utf8').split('\n')
    const seeds = lines.flatMap((line) => /^transactions (\d+)/.exec(line)?.[1] ?? []).map(Number)
    await sumsOf('transactions', seeds, (seed) => simulateTransactions(seed))
  })

  it(`keep their promises for ${SEEDS} seeds, and each kind of event happens`, async () => {
    const sums = await sumsOf('transactions', firstSeeds(SEEDS), (seed) => simulateTransactions(seed))
    for (const [name, sum] of sums) if (!rare.has(name)) expect(sum, name).to.be.above(0)
  })

  it('give the same history for the same seed', () => expectOneHistory(3, simulateTransactions))
})
