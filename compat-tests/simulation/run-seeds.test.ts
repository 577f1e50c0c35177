import { expect } from 'chai'
import { runSeeds } from './run-seeds.ts'

describe('seeds shared out among threads', function () {
  this.timeout(60_000)

  it('all run, and those that failed are told in order', async () => {
    expect(await runSeeds({ part: 'zookeeper', first: 1, end: 4 })).to.deep.equal([])
    const failed = await runSeeds({ part: 'no-such-part', first: 7, end: 12 })
    expect(failed.map(({ seed }) => seed)).to.deep.equal([7, 8, 9, 10, 11])
    expect(failed[0]!.why).to.match(/TypeError.*\n +at /)
  })
})
