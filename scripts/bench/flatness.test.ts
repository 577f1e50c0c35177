import { expect } from 'chai'
import { growthOf } from './flatness.ts'

describe('the growth of a measure', () => {
  const series = (of: (i: number) => number, count = 100) => Array.from({ length: count }, (_, i) => of(i))

  it('is none where it warms up, and then goes up and down', () => {
    const restless = series((i) => Math.min(i, 25) + (i % 3))
    expect(growthOf(restless, 2).isFlat).to.equal(true)
    const withPeak = series((i) => (i === 95 ? 1000 : 50))
    expect(growthOf(withPeak, 2)).to.deep.equal({ from: 50, to: 50, isFlat: true })
  })

  it('is seen where it is slow and steady, or a step', () => {
    const steady = series((i) => i * 0.1)
    expect(growthOf(steady, 4).isFlat).to.equal(false)
    const step = series((i) => (i < 60 ? 10 : 20))
    expect(growthOf(step, 4)).to.deep.equal({ from: 10, to: 20, isFlat: false })
  })

  it('may be negative', () => {
    const falling = series((i) => 100 - i)
    expect(growthOf(falling, 0).isFlat).to.equal(true)
  })

  it('takes more than a few samples', () => {
    expect(() => growthOf([1, 2, 3, 4, 5], 1)).to.throw('too few')
  })
})
