import { expect } from 'chai'
import { xxh32 } from './xxh32.ts'

describe('xxh32', () => {
  // Computed by the C library through the Python package xxhash.
  const vectors: [string, number][] = [
    ['', 0x02cc5d05],
    ['a', 0x550d7456],
    ['abc', 0x32d153ff],
    ['hello world, hello', 0x0b37ccb9],
  ]
  for (const [text, hash] of vectors) {
    it(`of ${JSON.stringify(text)}`, () => expect(xxh32(Buffer.from(text))).to.equal(hash))
  }

  it('is that of the range alone', () => {
    expect(xxh32(Buffer.from('xxabcxx'), 2, 5)).to.equal(0x32d153ff)
  })
})
