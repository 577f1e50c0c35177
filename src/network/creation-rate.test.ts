import { expect } from 'chai'
import { CreationRate } from './creation-rate.ts'

const windows = { count: 11, sizeMs: 1000 }

/** Delays of successive connections, each created after the delay of the one before. */
function delays(count: number, bound: number): number[] {
  const rate = new CreationRate()
  let nowMs = 5000
  return Array.from({ length: count }, () => {
    const delayMs = rate.record(nowMs, bound, windows)
    nowMs += delayMs
    return delayMs
  })
}

describe('the rate of new connections', () => {
  it('admits a burst that all windows together allow, then one connection at a time', () => {
    expect(delays(13, 1)).to.deep.equal([...Array(10).fill(0), 1000, 1000, 1000])
    expect(delays(103, 10).slice(99)).to.deep.equal([0, 100, 100, 100])
  })

  it('holds over a longer time', () => {
    const total = delays(1000, 10).reduce((sum, delayMs) => sum + delayMs, 0)
    expect(total).to.be.within(89_000, 101_000)
  })

  it('forgets connections older than its windows', () => {
    const rate = new CreationRate()
    for (let count = 0; count < 10; count++) rate.record(0, 1, windows)
    expect(rate.record(500, 1, windows)).to.be.greaterThan(0)
    expect(rate.record(20_000, 1, windows)).to.equal(0)
  })

  it('admits one connection for each window if the bound is 0', () => {
    expect(delays(3, 0)).to.deep.equal([1000, 1000, 1000])
  })
})
