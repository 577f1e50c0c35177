import { expect } from 'chai'
import { SimulatedHost } from './simulated-host.ts'
import { mapInSlices, runInSlices, sortInSlices, TurnSlices } from './turn-slices.ts'

/** A clock and turns that a test moves by hand. */
class Machine {
  nowMs = 0
  #ends: (() => void)[] = []
  readonly slices = new TurnSlices({
    clock: { monotonicMs: () => this.nowMs },
    timers: { atTurnEnd: (callback) => this.#ends.push(callback) },
  })

  async endTurn(): Promise<void> {
    for (const callback of this.#ends.splice(0)) callback()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('slices of turns', () => {
  it('end when their time is up, and go on in the next turn', async () => {
    const machine = new Machine()
    const done: number[] = []
    const work = mapInSlices([1, 2, 3, 4, 5, 6], machine.slices, (item) => {
      machine.nowMs += 2
      done.push(item)
    })
    expect(done).to.deep.equal([1, 2])
    await machine.endTurn()
    expect(done).to.deep.equal([1, 2, 3, 4])
    await machine.endTurn()
    await work
    expect(done).to.deep.equal([1, 2, 3, 4, 5, 6])
  })

  it('end after so many steps even where the clock stands still', async () => {
    const host = new SimulatedHost(1)
    const stepsInTurn = [0]
    const atTurnEnd = (callback: () => void) =>
      host.timers.atTurnEnd(() => {
        stepsInTurn.push(0)
        callback()
      })
    const slices = new TurnSlices({ clock: host.clock, timers: { atTurnEnd } })
    const count = () => {
      stepsInTurn[stepsInTurn.length - 1]!++
    }
    await host.settle(mapInSlices(new Array(10_000).fill(0), slices, count))
    expect(Math.max(...stepsInTurn)).to.be.within(1000, 1100)
  })

  it('are shared: tasks of one turn have no more than one together, and take turns after that', async () => {
    const machine = new Machine()
    const done: string[] = []
    const task = (name: string) =>
      mapInSlices([1, 2, 3], machine.slices, () => {
        machine.nowMs += 4
        done.push(name)
      })
    const work = Promise.all([task('a'), task('b')])
    expect(done).to.deep.equal(['a'])
    for (let turn = 0; turn < 5; turn++) await machine.endTurn()
    await work
    expect(done).to.deep.equal(['a', 'a', 'b', 'a', 'b', 'b'])
  })

  it('cost small work no turn', () => {
    const machine = new Machine()
    const steps = function* () {
      yield
      return 'done'
    }
    expect(runInSlices(steps(), machine.slices)).to.equal('done')
  })

  it('reject where a step throws, in the first slice and in a later one', async () => {
    const machine = new Machine()
    const work = mapInSlices([1, 2, 3], machine.slices, (item) => {
      machine.nowMs += 4
      if (item === 2) throw new Error('broken')
    })
    const outcome = work.catch((error: Error) => error.message)
    await machine.endTurn()
    expect(await outcome).to.equal('broken')
  })

  it('sort any number of texts as sort does', async () => {
    const host = new SimulatedHost(1)
    for (const length of [0, 1, 1023, 1024, 1025, 5000]) {
      const texts = Array.from({ length }, () => String(host.random.below(10_000)))
      const sorted = await host.settle(sortInSlices(texts, new TurnSlices(host)))
      expect(sorted).to.deep.equal([...texts].sort())
    }
  })
})

describe('runInSlices', () => {
  it('waits for what its steps wait for', async () => {
    const machine = new Machine()
    let resolve = () => {}
    function* steps(): Generator<Promise<void>, string> {
      yield new Promise<void>((resume) => {
        resolve = resume
      })
      return 'done'
    }
    const result = runInSlices(steps(), machine.slices)
    resolve()
    expect(await result).to.equal('done')
  })

  it('ends the steps if a slice is refused or a wait fails', async () => {
    const log: string[] = []
    function* steps(): Generator<unknown, void> {
      try {
        yield Promise.reject(new Error('the thread failed'))
      } finally {
        log.push('ended')
      }
    }
    const outcome = await Promise.resolve(runInSlices(steps(), new Machine().slices)).catch((error) => error.message)
    expect([outcome, ...log]).to.deep.equal(['the thread failed', 'ended'])
  })
})
