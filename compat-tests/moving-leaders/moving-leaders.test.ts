import { expect } from 'chai'
import { needs } from '../requirements.ts'
import { movingClients } from './clients.ts'
import { runSession } from './session.ts'

/** `npm run proof -- brokers-with-clients` takes longer, with other seeds. */
const SEED = 143
const SECONDS = 25

describe('stock clients while leaders and coordinators move and brokers are killed', function () {
  this.timeout(900_000)
  needs(...new Set(movingClients.flatMap(({ requirements }) => requirements)))

  it('lose nothing that was acknowledged, write and read in order, and get no errors', async () => {
    const { failures, summary, directory } = await runSession({ seed: SEED, seconds: SECONDS })
    const logs = failures.length === 0 ? '' : `\nlogs: ${directory}`
    expect(failures, `${summary.join('\n')}${logs}`).to.deep.equal([])
  })
})
