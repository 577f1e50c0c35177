import { expect } from 'chai'
import fc from 'fast-check'
import { UnstableTransactions } from './unstable-transactions.ts'

/** What happens to the transactions of a log whose appends take one offset each. */
type Event = { kind: 'begin' | 'end'; producerId: number } | { kind: 'readable'; count: number }

const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ kind: fc.constantFrom('begin' as const, 'end' as const), producerId: fc.integer({ min: 0, max: 5 }) }),
  fc.record({ kind: fc.constant('readable' as const), count: fc.integer({ min: 1, max: 4 }) }),
)

interface Known {
  readonly producerId: number
  readonly firstOffset: number
  lastOffset: number | undefined
}

describe('the unstable transactions of a log', () => {
  it('are those that are open, or whose marker cannot be read yet; the first of them is known', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const transactions = new UnstableTransactions()
        let known: Known[] = []
        let [nextOffset, readableEnd] = [0, 0]
        for (const each of events) {
          if (each.kind === 'readable') {
            readableEnd = Math.min(nextOffset, readableEnd + each.count)
            transactions.forgetEndedBelow(readableEnd)
            known = known.filter(({ lastOffset }) => lastOffset === undefined || lastOffset >= readableEnd)
          } else {
            const { producerId } = each
            const open = known.find((one) => one.producerId === producerId && one.lastOffset === undefined)
            const offset = nextOffset++
            if (each.kind === 'begin' && open === undefined) {
              transactions.begin(producerId, { offset, appendedBytes: 10 * offset })
              known.push({ producerId, firstOffset: offset, lastOffset: undefined })
            } else if (each.kind === 'end' && open !== undefined) {
              const others = known.filter((one) => one.producerId !== producerId && one.lastOffset === undefined)
              expect(transactions.firstOfOthers(producerId)).to.equal(others[0]?.firstOffset)
              transactions.end({ producerId, firstOffset: open.firstOffset, lastOffset: offset, aborted: false })
              open.lastOffset = offset
            }
          }
          const first = known[0]?.firstOffset
          expect(transactions.first?.offset).to.equal(first)
          expect(transactions.first?.appendedBytes).to.equal(first && 10 * first)
        }
      }),
    )
  })

  it('are put in their order if one append begins several', () => {
    const transactions = new UnstableTransactions()
    for (const offset of [5, 1, 3]) transactions.begin(offset, { offset, appendedBytes: 0 })
    for (const [firstOffset, next] of [
      [1, 3],
      [3, 5],
    ] as const) {
      expect(transactions.first?.offset).to.equal(firstOffset)
      expect(transactions.firstOfOthers(firstOffset)).to.equal(next)
      const lastOffset = 5 + firstOffset
      transactions.end({ producerId: firstOffset, firstOffset, lastOffset, aborted: true })
      transactions.forgetEndedBelow(lastOffset + 1)
    }
    expect(transactions.first?.offset).to.equal(5)
  })
})
