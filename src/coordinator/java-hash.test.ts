import { expect } from 'chai'
import { coordinatorPartition, javaHashCode } from './java-hash.ts'

describe('the partition of a group', () => {
  // Computed with java.lang.String.hashCode.
  for (const [text, hash] of [
    ['', 0],
    ['my-group', -1906497762],
    ['polygenelubricants', -2147483648],
    ['Größe 😀', 240248306],
  ] as const) {
    it(`has Java's hash of "${text}"`, () => expect(javaHashCode(text)).to.equal(hash))
  }

  it('is 0 where the hash has no absolute value', () => {
    expect(coordinatorPartition('polygenelubricants', 50)).to.equal(0)
  })
})
