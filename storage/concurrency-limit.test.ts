import { expect } from 'chai'
import { ConcurrencyLimit } from './concurrency-limit.ts'
import { SimulatedHost } from './host/simulated-host.ts'
import { type Sliced, SlicedWork } from './sliced-work.ts'

describe('a concurrency limit for work in steps', () => {
  it('has only so many works under way, and lets the next in when one ends', async () => {
    const host = new SimulatedHost()
    const work = new SlicedWork(host.timers)
    const limit = new ConcurrencyLimit(() => 2)
    let [underWay, most] = [0, 0]
    function* counted(): Sliced<void> {
      underWay++
      most = Math.max(most, underWay)
      for (let i = 0; i < 5; i++) yield 1_000_000
      underWay--
    }
    const runs = [1, 2, 3, 4, 5].map(() => work.run(limit.steps(counted())).result)
    await host.settle(Promise.all(runs))
    expect({ underWay, most }).to.deep.equal({ underWay: 0, most: 2 })
  })

  it('frees the place of work that is cancelled, under way or waiting', async () => {
    const host = new SimulatedHost()
    const work = new SlicedWork(host.timers)
    const limit = new ConcurrencyLimit(() => 1)
    function* endless(): Sliced<void> {
      yield new Promise(() => {})
    }
    function* short(): Sliced<string> {
      yield 1
      return 'done'
    }
    const first = work.run(limit.steps(endless()))
    const second = work.run(limit.steps(endless()))
    const third = work.run(limit.steps(short())).result
    await host.advance(1)
    second.cancel()
    first.cancel()
    expect(await host.settle(third)).to.equal('done')
  })
})
