import { expect } from 'chai'
import type { Host, Timers } from './host.ts'
import { nodeHost } from './node-host.ts'

/** The error passed to `fatal` when a callback throws. */
function heardOf(throwing: (timers: Timers, callback: () => void) => void): Promise<string> {
  return new Promise((resolve) => {
    const host: Host = nodeHost(({ message }) => resolve(message))
    throwing(host.timers, () => {
      throw new Error('a bug')
    })
    // The host's timers do not keep the process alive.
    setTimeout(() => resolve('nothing'), 10_000)
  })
}

describe('a callback of a timer that throws', () => {
  it('is fatal: nobody else would hear of it', async () => {
    expect(await heardOf((timers, callback) => timers.after(1, callback))).to.equal('a bug')
    expect(await heardOf((timers, callback) => timers.atTurnEnd(callback))).to.equal('a bug')
  })
})
