import { expect } from 'chai'
import fc from 'fast-check'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { Deadlines } from './deadlines.ts'

describe('deadlines', () => {
  it('fire once, in order, when they are due', async () => {
    const host = new SimulatedHost()
    const fired: string[] = []
    const deadlines = new Deadlines<string>(host, (name) => fired.push(`${name}@${host.clock.monotonicMs()}`))
    deadlines.set('b', 20, 'b')
    deadlines.set('a', 10, 'a')
    deadlines.set('now', 0, 'now')
    await host.advance(100)
    expect(fired).to.deep.equal(['now@0', 'a@10', 'b@20'])
  })

  it('never fire after being cancelled or closed', async () => {
    const host = new SimulatedHost()
    const fired: string[] = []
    const deadlines = new Deadlines<string>(host, (name) => fired.push(name))
    deadlines.set('a', 10, 'a')
    deadlines.cancel('a')
    expect(deadlines.has('a')).to.equal(false)
    deadlines.set('b', 10, 'b')
    deadlines.close()
    deadlines.set('c', 10, 'c')
    await host.advance(100)
    expect(fired).to.deep.equal([])
  })

  it('leave the queue once cancelled or brought forward, and keep their order', async () => {
    const host = new SimulatedHost()
    const fired: string[] = []
    const deadlines = new Deadlines<string>(host, (name) => fired.push(name))
    for (const delayMs of [30, 10, 20]) deadlines.set(`at ${delayMs}`, delayMs, `at ${delayMs}`)
    for (let i = 0; i < 10_000; i++) {
      deadlines.set(`${i}`, 1_000_000, 'never')
      deadlines.cancel(`${i}`)
      deadlines.set('nearer', 1_000_000 - i, 'nearer')
    }
    expect(deadlines.queueLength).to.be.lessThan(100)
    await host.advance(100)
    expect(fired).to.deep.equal(['at 10', 'at 20', 'at 30'])
  })

  it('let other work run between them, even if they are due again at once', async () => {
    const host = new SimulatedHost()
    let fired = 0
    const deadlines = new Deadlines<string>(host, (name) => {
      if (++fired < 1000) deadlines.set(name, 0, name)
    })
    deadlines.set('restless', 0, 'restless')
    let firedBefore = Number.POSITIVE_INFINITY
    host.timers.atTurnEnd(() => {
      firedBefore = fired
    })
    await host.advance(1)
    expect(fired).to.equal(1000)
    expect(firedBefore).to.be.lessThan(10)
  })

  it('behave like a map of times, however they are set, postponed, brought forward and cancelled', async () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      delayMs: fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined }),
      waitMs: fc.integer({ min: 0, max: 20 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const host = new SimulatedHost()
        const fired: string[] = []
        const deadlines = new Deadlines<string>(host, (key) => fired.push(`${key}@${host.clock.monotonicMs()}`))
        const expected: string[] = []
        const due = new Map<string, number>()
        for (const { key, delayMs, waitMs } of steps) {
          if (delayMs === undefined) {
            due.delete(key)
            deadlines.cancel(key)
          } else {
            due.set(key, host.clock.monotonicMs() + delayMs)
            deadlines.set(key, delayMs, key)
          }
          await host.advance(waitMs)
          for (const [name, atMs] of [...due]) {
            if (atMs > host.clock.monotonicMs()) continue
            expected.push(`${name}@${atMs}`)
            due.delete(name)
          }
        }
        expect(fired.sort()).to.deep.equal(expected.sort())
      }),
      { numRuns: 60 },
    )
  })
})
