import { expect } from 'chai'
import fc from 'fast-check'
import { DecompressionFault } from './codec.ts'
import { codecNamed, codecOf } from './codecs.ts'

const codecs = [1, 2, 3, 4].map((id) => codecOf(id)!)
const lz4OfMagic0 = codecNamed('lz4', 0)

/** Bytes with matches and bytes without. */
const content = fc.oneof(
  fc.uint8Array({ maxLength: 3000 }),
  fc
    .tuple(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 8 }), fc.array(fc.nat()))
    .map(([words, picks]) => Buffer.concat(picks.map((pick) => words[pick % words.length]!))),
)

function decompressed(result: Buffer | DecompressionFault): Buffer {
  if (result instanceof DecompressionFault) throw new Error(result.message)
  return result
}

describe('codecOf', () => {
  it('knows the five that Kafka has, by id and by name', () => {
    const names = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
    names.forEach((name, id) => {
      expect(codecOf(id)).to.include({ id, name })
      expect(codecNamed(name)).to.equal(codecOf(id))
    })
    expect([5, 6, 7].map((id) => codecOf(id))).to.deep.equal([undefined, undefined, undefined])
  })

  it('gives lz4 of message format v0 its own header checksum', () => {
    expect(codecOf(3, 0)).to.equal(lz4OfMagic0).and.to.not.equal(codecOf(3, 1))
    expect(codecOf(3, 1)).to.equal(codecOf(3, 2))
  })
})

for (const codec of [...codecs, lz4OfMagic0]) {
  describe(`${codec.name}${codec === lz4OfMagic0 ? ' of message format v0' : ''}`, () => {
    it('gives back what it compressed', () => {
      fc.assert(
        fc.property(content, (bytes) => {
          expect(decompressed(codec.decompress(codec.compress(bytes), bytes.length)).equals(bytes)).to.equal(true)
        }),
      )
    })

    it('gives back content of many blocks, of each kind of block', () => {
      const random = Buffer.from(Array.from({ length: 150_000 }, (_, i) => Math.imul(i ^ (i >> 7), 2654435761) >>> 24))
      const bytes = Buffer.concat([
        random,
        Buffer.alloc(300_000, 7),
        random.subarray(0, 70_001),
        Buffer.from('the end'),
      ])
      expect(decompressed(codec.decompress(codec.compress(bytes), bytes.length)).equals(bytes)).to.equal(true)
    })

    it('refuses content beyond the limit by one byte', () => {
      for (const size of [2, 100, 65536, 65537, 300_000]) {
        const result = codec.decompress(codec.compress(Buffer.alloc(size, 'abc')), size - 1)
        expect(result).to.be.instanceOf(DecompressionFault).and.include({ kind: 'too large' })
      }
    })

    it('refuses every cut', () => {
      const whole = codec.compress(Buffer.from('some words, and some words again, and some words once more'))
      for (let cut = 1; cut < whole.length; cut++) {
        const result = codec.decompress(whole.subarray(0, cut), 1000)
        // Framed snappy is a sequence of chunks. Cut between the header and the first chunk, it is complete and empty.
        if (codec.name === 'snappy' && cut >= 16 && cut < 20) expect(decompressed(result)).to.have.length(0)
        else expect(result, `cut at ${cut}`).to.be.instanceOf(DecompressionFault).and.include({ kind: 'corrupt' })
      }
    })

    it('ends on any bytes, and gives no more than the limit', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
          const result = codec.decompress(bytes, 5000)
          if (!(result instanceof DecompressionFault)) expect(result.length).to.be.at.most(5000)
        }),
        { numRuns: 1000 },
      )
    })

    it('ends on any change of compressed bytes, and gives no more than the limit', () => {
      fc.assert(
        fc.property(
          content,
          fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
          (bytes, changes) => {
            const changed = Buffer.from(codec.compress(bytes))
            for (const [at, value] of changes) changed[at % changed.length] = value
            const result = codec.decompress(changed, 5000)
            if (!(result instanceof DecompressionFault)) expect(result.length).to.be.at.most(5000)
          },
        ),
        { numRuns: 1000 },
      )
    })
  })
}
