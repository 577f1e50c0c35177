import { expect } from 'chai'
import { SeededRandom } from '../../storage/host/seeded-random.ts'
import { type Step, schedule } from './schedule.ts'

const movables = { topics: ['orders', 'payments'], partitions: 4, groups: ['one', 'two'], transactionalIds: ['x'] }

function steps(seed: number, count = 2000): Step[] {
  const endless = schedule(new SeededRandom(seed), movables)
  return Array.from({ length: count }, () => endless.next().value)
}

describe('the schedule of moving leaders', () => {
  it('is the same for the same seed', () => {
    expect(steps(7)).to.deep.equal(steps(7))
    expect(steps(7)).not.to.deep.equal(steps(8))
  })

  it('has commands of all kinds', () => {
    const verbs = new Set(steps(1).map(({ command }) => command.split(' ')[0]))
    expect([...verbs].sort()).to.deep.equal(['coordinate', 'kill', 'lead', 'rejoin', 'start', 'stop'])
  })

  it('moves coordinators of groups and of transactional ids', () => {
    const moved = steps(1).filter(({ command }) => command.startsWith('coordinate '))
    const keys = new Set(moved.map(({ command }) => command.split(' ').slice(1, 3).join(' ')))
    expect([...keys].sort()).to.deep.equal(['group one', 'group two', 'transaction x'])
  })

  it('starts what is down, ends what is up, always leaves one broker, and now and then no more', () => {
    const down = new Set<string>()
    let most = 0
    for (const { command } of steps(1)) {
      const [verb, node] = command.split(' ') as [string, string]
      if (verb === 'start') expect(down.delete(node), command).to.equal(true)
      else if (verb === 'kill' || verb === 'stop') {
        expect(down.has(node), command).to.equal(false)
        down.add(node)
      } else if (verb !== 'rejoin') expect(down.has(command.split(' ').at(-1)!), command).to.equal(false)
      most = Math.max(most, down.size)
    }
    expect(most).to.equal(2)
  })
})
