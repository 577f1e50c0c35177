import { expect } from 'chai'
import { SimulatedHost } from './host/simulated-host.ts'
import { type Sliced, SlicedWork } from './sliced-work.ts'

/** Processes the given number of bytes in steps of 64 KB and notes each step. */
function* steps(name: string, count: number, log: string[]): Sliced<string> {
  for (let i = 0; i < count; i++) {
    log.push(name)
    yield 65_536
  }
  return name
}

describe('SlicedWork', () => {
  let host: SimulatedHost
  let work: SlicedWork
  beforeEach(() => {
    host = new SimulatedHost()
    work = new SlicedWork(host.timers)
  })

  it('does a slice of each in turns, so that the short one ends before the long one', async () => {
    const log: string[] = []
    const ended: string[] = []
    const long = work.run(steps('a', 20, log)).result.then(() => ended.push('long'))
    const short = work.run(steps('b', 5, log)).result.then(() => ended.push('short'))
    await host.settle(Promise.all([long, short]))
    expect(log.join('')).to.match(/^aaaabbbbaaaab(a+)$/)
    expect(ended).to.deep.equal(['short', 'long'])
  })

  it('goes on with others while one waits for a promise, and then with that one', async () => {
    const log: string[] = []
    let wake = (): void => {}
    function* waiting(): Sliced<string> {
      yield new Promise<void>((resolve) => {
        wake = resolve
      })
      log.push('woken')
      return 'waited'
    }
    const first = work.run(waiting())
    await host.settle(work.run(steps('b', 9, log)).result)
    expect(log).to.not.include('woken')
    wake()
    expect(await host.settle(first.result)).to.equal('waited')
  })

  it('hands on what the work throws, and what a promise is rejected with', async () => {
    // biome-ignore lint/correctness/useYield: it fails before it does
    function* failing(): Sliced<string> {
      throw new Error('first')
    }
    function* disappointed(): Sliced<string> {
      yield Promise.reject(new Error('second'))
      return ''
    }
    const messages = [failing(), disappointed()].map((each) =>
      work.run(each).result.catch((error: Error) => error.message),
    )
    expect(await host.settle(Promise.all(messages))).to.deep.equal(['first', 'second'])
  })

  it('does nothing more of what was cancelled, and lets it clean up', async () => {
    const log: string[] = []
    function* cleaned(): Sliced<string> {
      try {
        return yield* steps('a', 100, log)
      } finally {
        log.push('cleaned')
      }
    }
    const cancelled = work.run(cleaned())
    await host.settle(work.run(steps('b', 1, log)).result)
    cancelled.cancel()
    const before = log.length
    await host.settle(work.run(steps('b', 30, log)).result)
    expect(log.slice(before - 1)).to.not.include('a')
    expect(log).to.include('cleaned')
  })

  it('counts what is done at once, turn by turn', async () => {
    const whole = work.roomInTurn
    work.noteInTurn(200_000)
    expect(work.roomInTurn).to.equal(whole - 200_000)
    work.noteInTurn(10_000_000)
    expect(work.roomInTurn).to.equal(0)
    await host.advance(1)
    expect(work.roomInTurn).to.equal(whole)
  })
})
