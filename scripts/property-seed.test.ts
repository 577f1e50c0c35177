import { expect } from 'chai'
import fc from 'fast-check'

describe('property tests', () => {
  it('get the same cases in every run', () => {
    expect(fc.sample(fc.nat(), 5)).to.deep.equal(fc.sample(fc.nat(), 5))
  })
})
