import { expect } from 'chai'
import { SimulatedHost } from './simulated-host.ts'
import { StepQueue } from './step-queue.ts'
import { TurnSlices } from './turn-slices.ts'

describe('work in a queue', () => {
  const host = new SimulatedHost(1)
  const slices = new TurnSlices(host)
  const queue = new StepQueue()
  let done: string[]
  const work = (name: string, steps: number) =>
    function* () {
      for (let step = 0; step < steps; step++) yield
      done.push(name)
      return name
    }

  beforeEach(() => {
    done = []
  })

  it('is done at once where it is short', () => {
    expect(queue.run(work('short', 1), slices)).to.equal('short')
  })

  it('is done in order, the short behind the long', async () => {
    const long = queue.run(work('long', 5000), slices) as Promise<string>
    const short = queue.run(work('short', 1), slices) as Promise<string>
    expect(done).to.deep.equal([])
    await host.settle(Promise.all([long, short, queue.idle()]))
    expect(done).to.deep.equal(['long', 'short'])
    expect(queue.run(work('later', 1), slices)).to.equal('later')
  })

  it('goes on behind what fails', async () => {
    const fails = queue.run(function* () {
      for (let step = 0; step < 5000; step++) yield
      throw new Error('broken')
    }, slices) as Promise<never>
    const outcome = fails.catch((error: Error) => error.message)
    const next = queue.run(work('next', 1), slices) as Promise<string>
    expect(await host.settle(Promise.all([outcome, next]))).to.deep.equal(['broken', 'next'])
  })
})
