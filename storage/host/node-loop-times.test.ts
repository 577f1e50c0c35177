import { expect } from 'chai'
import { nodeHost } from './node-host.ts'

describe('the loop of a thread', () => {
  const { loop, clock } = nodeHost(() => {})

  it('is idle while it waits, and not while it is busy', async () => {
    const [beganMs, before] = [clock.monotonicMs(), loop.idleMs()]
    // Other processes may keep it from waiting for a while.
    while (loop.idleMs() - before < 30 && clock.monotonicMs() - beganMs < 5000)
      await new Promise((resolve) => setTimeout(resolve, 50))
    const [startMs, between] = [clock.monotonicMs(), loop.idleMs()]
    expect(between - before).to.be.within(30, startMs - beganMs + 1)
    while (clock.monotonicMs() - startMs < 20);
    expect(loop.idleMs() - between).to.be.lessThan(1)
  })

  it('had no processor for no longer than time has passed, as far as the system tells', () => {
    const before = loop.withoutProcessorMs(0)
    const startMs = clock.monotonicMs()
    while (clock.monotonicMs() - startMs < 20);
    expect(loop.withoutProcessorMs(0) - before).to.be.within(0, clock.monotonicMs() - startMs)
  })

  it('is asked no more often than it must', () => {
    const known = loop.withoutProcessorMs(0)
    for (let i = 0; i < 100; i++) expect(loop.withoutProcessorMs(10_000)).to.equal(known)
  })
})
