import { expect } from 'chai'
import { duplicatesOf } from './duplicates.ts'

describe('duplicates', () => {
  it('are the keys that occur more than once, each listed once', () => {
    expect([...duplicatesOf(['a', 'b', 'a', 'c', 'b', 'a'])]).to.deep.equal(['a', 'b'])
    expect([...duplicatesOf([1, 2, 3])]).to.deep.equal([])
  })
})
