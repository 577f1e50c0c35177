import { expect } from 'chai'
import { needs } from '../requirements.ts'
import { historyClients } from './history-clients.ts'
import { runHistorySession } from './history-session.ts'

/** `npm run proof -- histories` takes longer, with other seeds and all clients. */
const SEED = 20
const SECONDS = 20
const clients = historyClients.filter(({ name }) => ['jvm 4.4.0', 'confluent-kafka', 'franz-go'].includes(name))

describe('transactions of stock clients while they and the broker are killed and paused', function () {
  this.timeout(600_000)
  needs(...new Set(clients.flatMap(({ requirements }) => requirements)))

  it('have a history with which nothing is wrong', async () => {
    const { failures, summary, directory } = await runHistorySession({ seed: SEED, seconds: SECONDS, clients })
    expect(failures, [...summary, directory ?? ''].join('\n')).to.deep.equal([])
  })
})
