import { expect } from 'chai'
import fc from 'fast-check'
import { MemorySlab } from './memory-slab.ts'

const PAGE = 4096

describe('a slab of memory', () => {
  it('gives whole pages from its front, and says when there is no room', () => {
    const slab = new MemorySlab(4 * PAGE)
    const [first, second] = [slab.take(1)!, slab.take(PAGE + 1)!]
    expect([first.length, second.length]).to.deep.equal([PAGE, 2 * PAGE])
    expect(second.byteOffset - first.byteOffset).to.equal(PAGE)
    expect(slab.take(2 * PAGE)).to.equal(undefined)
    slab.giveBack(first)
    expect(slab.take(PAGE)!.byteOffset).to.equal(first.byteOffset)
  })

  it('joins what comes back, in whatever order', () => {
    for (const order of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [1, 3, 0, 2],
    ]) {
      const slab = new MemorySlab(4 * PAGE)
      const runs = [0, 1, 2, 3].map(() => slab.take(PAGE)!)
      for (const index of order) slab.giveBack(runs[index]!)
      expect(slab.isUnused).to.equal(true)
      expect(slab.take(4 * PAGE)).to.have.length(4 * PAGE)
    }
  })

  it('never gives a byte to two takers, and loses none', () => {
    const steps = fc.array(fc.record({ pages: fc.integer({ min: 1, max: 6 }), giveBack: fc.nat() }), { maxLength: 100 })
    fc.assert(
      fc.property(steps, (all) => {
        const slab = new MemorySlab(32 * PAGE)
        const held: Buffer[] = []
        for (const { pages, giveBack } of all) {
          const taken = slab.take(pages * PAGE)
          if (taken !== undefined) held.push(taken)
          else if (held.length > 0) slab.giveBack(held.splice(giveBack % held.length, 1)[0]!)
          const sorted = held.toSorted((a, b) => a.byteOffset - b.byteOffset)
          sorted.forEach((each, i) => {
            const next = sorted[i + 1]
            if (next !== undefined) expect(each.byteOffset + each.length).to.be.at.most(next.byteOffset)
          })
        }
        for (const each of held) slab.giveBack(each)
        expect(slab.isUnused).to.equal(true)
      }),
    )
  })
})
