import { expect } from 'chai'
import fc from 'fast-check'
import { ShardedMap } from './sharded-map.ts'

const operations = fc.array(
  fc.record({ key: fc.string({ maxLength: 3 }), value: fc.option(fc.integer(), { nil: undefined }) }),
)

describe('ShardedMap', () => {
  it('behaves like a Map, and a finished map never changes', () => {
    fc.assert(
      fc.property(fc.array(operations, { maxLength: 5 }), (rounds) => {
        let map = ShardedMap.empty<number>()
        const model = new Map<string, number>()
        const kept: [ShardedMap<number>, Map<string, number>][] = []
        for (const round of rounds) {
          const change = map.change()
          for (const { key, value } of round) {
            if (value === undefined) {
              change.delete(key)
              model.delete(key)
            } else {
              change.set(key, value)
              model.set(key, value)
            }
          }
          map = change.finish()
          kept.push([map, new Map(model)])
        }
        for (const [finished, was] of kept) {
          expect(finished.size).to.equal(was.size)
          expect([...finished].sort()).to.deep.equal([...was].sort())
          for (const [key, value] of was) expect(finished.get(key)).to.equal(value)
        }
      }),
    )
  })

  it('has only the entries it was given', () => {
    const change = ShardedMap.empty<number>().change()
    change.set('a', 1)
    const map = change.finish()
    expect([map.has('a'), map.has('b'), map.get('b')]).to.deep.equal([true, false, undefined])
    expect([[...map.keys()], [...map.values()]]).to.deep.equal([['a'], [1]])
  })
})
