import { expect } from 'chai'
import fc from 'fast-check'
import { readInt64, writeInt64 } from './int64.ts'

function hexOf(value: number): string {
  const bytes = Buffer.alloc(8)
  writeInt64(bytes, 0, value)
  return bytes.toString('hex')
}

describe('64 bit integers as numbers', () => {
  it('agree with bigints wherever a number is exact', () => {
    const property = fc.property(fc.maxSafeInteger(), (value) => {
      if (Math.abs(value) === Number.MAX_SAFE_INTEGER) return
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64BE(BigInt(value))
      expect(hexOf(value)).to.equal(bytes.toString('hex'))
      expect(readInt64(bytes, 0)).to.equal(value)
    })
    fc.assert(property, { numRuns: 1000, examples: [[0], [-1], [2 ** 32], [-(2 ** 32)], [2 ** 53 - 2], [2 - 2 ** 53]] })
  })

  it('stop at the limits when read, and become the limits of a long when written', () => {
    const read = (hex: string) => readInt64(Buffer.from(hex, 'hex'), 0)
    expect(read('7fffffffffffffff')).to.equal(Number.MAX_SAFE_INTEGER)
    expect(read('0020000000000000')).to.equal(Number.MAX_SAFE_INTEGER)
    expect(read('8000000000000000')).to.equal(-Number.MAX_SAFE_INTEGER)
    expect(hexOf(Number.MAX_SAFE_INTEGER)).to.equal('7fffffffffffffff')
    expect(hexOf(-Number.MAX_SAFE_INTEGER)).to.equal('8000000000000000')
    expect(hexOf(Number.POSITIVE_INFINITY)).to.equal('7fffffffffffffff')
  })
})
