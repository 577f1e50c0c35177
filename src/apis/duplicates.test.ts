import { expect } from 'chai'
import { duplicatesOf } from './duplicates.ts'

describe('duplicates', () => {
  it('are what stands more than once, each told once', () => {
    expect([...duplicatesOf(['a', 'b', 'a', 'c', 'b', 'a'])]).to.deep.equal(['a', 'b'])
    expect([...duplicatesOf([1, 2, 3])]).to.deep.equal([])
  })
})
