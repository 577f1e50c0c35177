import { soak } from '../../scripts/bench/soak.ts'

describe('a broker whose clients come, go, stall and leave', function () {
  this.timeout(240_000)

  it('holds no more after a minute than it did in between', async () => {
    const lines: string[] = []
    if (!(await soak(1, (line) => lines.push(line)))) throw new Error(`something grows:\n${lines.join('\n')}`)
  })
})
