import { expect } from 'chai'
import fc from 'fast-check'
import { compressLz4Block, decompressLz4Block, lz4BlockBound, lz4HashTable } from './lz4-block.ts'

interface Sequence {
  /** Where its match starts in the content; undefined for the last sequence, which has none. */
  readonly matchAt: number | undefined
  readonly literals: number
}

function sequencesOf(block: Uint8Array): Sequence[] {
  const sequences: Sequence[] = []
  let position = 0
  let content = 0
  const length = (nibble: number) => {
    let total = nibble
    if (nibble < 15) return total
    do total += block[position]!
    while (block[position++] === 255)
    return total
  }
  while (position < block.length) {
    const token = block[position++]!
    const literals = length(token >> 4)
    position += literals
    content += literals
    if (position >= block.length) {
      sequences.push({ matchAt: undefined, literals })
      break
    }
    position += 2
    sequences.push({ matchAt: content, literals })
    content += length(token & 15) + 4
  }
  return sequences
}

/** Content in which matches often reach the end. */
const content = fc
  .tuple(
    fc.array(fc.uint8Array({ minLength: 4, maxLength: 30 }), { minLength: 1, maxLength: 5 }),
    fc.array(fc.nat(), { minLength: 1 }),
  )
  .map(([words, picks]) => Buffer.concat(picks.map((pick) => words[pick % words.length]!)))

describe('compressLz4Block', () => {
  it('keeps to the rules for the end of a block, on which liblz4 insists', () => {
    fc.assert(
      fc.property(content, (bytes) => {
        const target = new Uint8Array(lz4BlockBound(bytes.length))
        const size = compressLz4Block(bytes, target, lz4HashTable())
        if (size === 0) return
        const sequences = sequencesOf(target.subarray(0, size))
        const last = sequences.at(-1)!
        expect(last.matchAt).to.equal(undefined)
        expect(last.literals).to.be.at.least(5)
        for (const { matchAt } of sequences.slice(0, -1)) expect(matchAt).to.be.at.most(bytes.length - 12)
        const back = Buffer.alloc(bytes.length)
        expect(decompressLz4Block(target, 0, size, back, 0, back.length)).to.equal(bytes.length)
        expect(back.equals(bytes)).to.equal(true)
      }),
      { numRuns: 1000 },
    )
  })

  it('says that a block is better stored', () => {
    const noise = Buffer.from(Array.from({ length: 1000 }, (_, i) => Math.imul(i ^ 0x5bd1e995, 0x9e3779b1) >>> 24))
    expect(compressLz4Block(noise, new Uint8Array(lz4BlockBound(1000)), lz4HashTable())).to.equal(0)
    expect(compressLz4Block(Buffer.from('short'), new Uint8Array(30), lz4HashTable())).to.equal(0)
  })

  it('does not reach into the block before', () => {
    const table = lz4HashTable()
    const block = Buffer.from('a block without any repetition: 0123456789')
    const target = new Uint8Array(lz4BlockBound(block.length))
    expect(compressLz4Block(block, target, table)).to.equal(0)
    expect(compressLz4Block(block, target, table)).to.equal(0)
  })
})
