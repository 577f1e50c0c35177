import { expect } from 'chai'
import fc from 'fast-check'
import { DecompressionFault } from './codec.ts'
import { codecNamed, codecOf } from './codecs.ts'
import { zstdPieces } from './zstd-decoder.ts'
import { encodeZstd } from './zstd-encoder.ts'

/** All pieces joined, or their final fault, with the size of the largest piece. */
function joined(pieces: Generator<Uint8Array, DecompressionFault | undefined, void>) {
  const parts: Buffer[] = []
  let largest = 0
  for (;;) {
    const { value, done } = pieces.next()
    if (done) return { content: value ?? Buffer.concat(parts), largest }
    parts.push(Buffer.from(value as Uint8Array))
    largest = Math.max(largest, (value as Uint8Array).length)
  }
}

const content = fc
  .tuple(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 8 }), fc.array(fc.nat()))
  .map(([words, picks]) => Buffer.concat(picks.map((pick) => words[pick % words.length]!)))

/** Near and far matches, plain bytes, and long runs. */
const large = Buffer.concat([
  Buffer.from(Array.from({ length: 150_000 }, (_, i) => Math.imul(i ^ (i >> 7), 2654435761) >>> 24)),
  Buffer.alloc(700_000, 'some words, '),
  Buffer.from(Array.from({ length: 300_000 }, (_, i) => Math.imul(i ^ (i >> 9), 2654435761) >>> 25)),
  Buffer.alloc(900_000, 7),
])

for (const codec of [0, 1, 2, 3, 4].map((id) => codecOf(id)!)) {
  describe(`${codec.name}, in pieces`, () => {
    it('gives what it compressed', () => {
      fc.assert(
        fc.property(content, (bytes) => {
          expect(joined(codec.pieces(codec.compress(bytes))).content).to.deep.equal(bytes)
        }),
      )
      const { content: whole, largest } = joined(codec.pieces(codec.compress(large)))
      expect(large.equals(whole as Buffer)).to.equal(true)
      if (codec.name !== 'gzip') expect(largest).to.be.at.most(131_072)
    })

    it('compresses in steps to the same bytes', () => {
      const steps = codec.compressing(large)
      let step = steps.next()
      while (step.done !== true) step = steps.next()
      expect(step.value.equals(codec.compress(large))).to.equal(true)
    })

    it('takes and refuses what it takes and refuses as a whole', () => {
      fc.assert(
        fc.property(
          content,
          fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
          fc.nat(),
          (bytes, changes, cut) => {
            const changed = Buffer.from(codec.compress(bytes))
            for (const [at, value] of changes) changed[at % changed.length] = value
            const source = changed.subarray(0, cut % 3 === 0 ? cut % changed.length : changed.length)
            const whole = codec.decompress(source, 1_000_000)
            const { content: pieced } = joined(codec.pieces(source))
            if (whole instanceof DecompressionFault) expect(pieced).to.be.instanceOf(DecompressionFault)
            else expect(pieced).to.deep.equal(whole)
          },
        ),
        { numRuns: 1000 },
      )
    })
  })
}

describe('zstd in pieces', () => {
  it('keeps no more than its window of what comes out', () => {
    // A window of 16 KB, and 128 MB of content in blocks of four bytes.
    const head = Buffer.from('28b52ffd0020', 'hex')
    const blocks = Array.from({ length: 8000 }, (_, i) => Buffer.from([i === 7999 ? 0x03 : 0x02, 0x00, 0x02, 0x61]))
    const before = process.memoryUsage().arrayBuffers
    let size = 0
    let most = 0
    for (const piece of zstdPieces(Buffer.concat([head, ...blocks]))) {
      size += piece.length
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }
    expect(size).to.equal(8000 * 16_384)
    expect(most).to.be.below(8_000_000)
  })

  it('goes on over several frames', () => {
    const two = Buffer.concat([encodeZstd(large), encodeZstd(large)])
    const { content } = joined(codecNamed('zstd').pieces(two))
    expect(Buffer.concat([large, large]).equals(content as Buffer)).to.equal(true)
  })
})
