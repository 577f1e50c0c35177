import { expect } from 'chai'
import { nodeHost } from './node-host.ts'
import { isWritingBack } from './node-writeback.ts'

/** As Linux 6 writes it, with other counters before, between and behind. */
function vmstat(dirty: number, writeback: number, background = 100_000): string {
  return [
    ['nr_free_pages', 5_000_000],
    ['nr_dirty', dirty],
    ['nr_writeback', writeback],
    ['nr_dirty_threshold', 2 * background],
    ['nr_dirty_background_threshold', background],
    ['nr_dirtied', 900_000],
  ]
    .map(([name, pages]) => `${name} ${pages}\n`)
    .join('')
}

describe('the kernel', () => {
  it('writes back while many pages are under way', () => {
    expect(isWritingBack(vmstat(50_000, 0))).to.equal(false)
    expect(isWritingBack(vmstat(50_000, 1023))).to.equal(false)
    expect(isWritingBack(vmstat(50_000, 1024))).to.equal(true)
  })

  it('is about to where nearly as much is changed as it leaves in memory', () => {
    expect(isWritingBack(vmstat(96_500, 400))).to.equal(false)
    expect(isWritingBack(vmstat(96_500, 500))).to.equal(true)
    expect(isWritingBack(vmstat(150_000, 0))).to.equal(true)
  })

  it('tells nothing of it where the counters are missing', () => {
    expect(isWritingBack('')).to.equal(false)
    expect(isWritingBack('nr_free_pages 100\n')).to.equal(false)
  })

  it('is asked no more than every 10 ms, on whatever system', () => {
    const { writeback } = nodeHost(() => {})
    const tries = Array.from({ length: 5 }, () => {
      const startMs = performance.now()
      for (let i = 0; i < 10_000; i++) writeback.isUnderWay()
      return performance.now() - startMs
    })
    // Asked each time, Linux would need 200 ms.
    expect(Math.min(...tries)).to.be.lessThan(100)
  })
})
