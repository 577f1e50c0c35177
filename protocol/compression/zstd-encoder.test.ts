import zlib from 'node:zlib'
import { expect } from 'chai'
import fc from 'fast-check'
import { decompressZstd } from './zstd-decoder.ts'
import { encodeZstd } from './zstd-encoder.ts'

const native = (zlib as { zstdDecompressSync?: (bytes: Uint8Array) => Buffer }).zstdDecompressSync

/** Decodes the frame with our decoder, and with the C library's if Node.js has it. */
function roundTrip(content: Uint8Array): number {
  const frame = encodeZstd(content)
  const decoded = decompressZstd(frame, content.length)
  expect(Buffer.isBuffer(decoded) && decoded.equals(content), 'our decoder').to.equal(true)
  if (native !== undefined) expect(native(frame).equals(content), 'node:zlib').to.equal(true)
  return frame.length
}

/** Deterministic pseudorandom numbers below 2^32. */
function scrambled(i: number): number {
  return Math.imul(i ^ (i >>> 7) ^ 0x5bd1e995, 0x9e3779b1) >>> 0
}
const lines = (count: number) =>
  Buffer.from(Array.from({ length: count }, (_, i) => `{"id":${i},"name":"user ${scrambled(i) % 1000}"}\n`).join(''))

describe('encodeZstd', () => {
  it('makes frames of any content', () => {
    const word = fc.uint8Array({ minLength: 1, maxLength: 300 })
    const repeating = fc
      .tuple(fc.array(word, { minLength: 1, maxLength: 10 }), fc.array(fc.nat(), { maxLength: 300 }))
      .map(([words, picks]) => Buffer.concat(picks.map((pick) => words[pick % words.length]!)))
    const text = fc.string({ maxLength: 3000 }).map((string) => Buffer.from(string))
    fc.assert(
      fc.property(fc.oneof(repeating, text, fc.uint8Array({ maxLength: 2000 })), (content) => void roundTrip(content)),
      { numRuns: 300 },
    )
  })

  it('makes literals of every size, with one stream and with four', () => {
    // No five bytes repeat, so all are literals: 64 symbols of very different frequency.
    const literals = Buffer.from(
      Array.from({ length: 40_000 }, (_, i) => 48 + (Math.clz32(scrambled(i)) * 5 + (scrambled(i) % 3))),
    )
    for (const size of [1, 2, 31, 32, 63, 64, 65, 1022, 1023, 1024, 1025, 4095, 4096, 16383, 16384, 40_000]) {
      roundTrip(literals.subarray(0, size))
    }
  })

  it('makes codes of at most 11 bits, however unlike the frequencies', () => {
    const content = Buffer.concat(Array.from({ length: 16 }, (_, i) => Buffer.alloc(2 ** i, i + 1)))
    const mixed = Buffer.from(content.map((_, i) => content[scrambled(i) % content.length]!))
    roundTrip(mixed)
  })

  it('counts sequences beyond one and two bytes', () => {
    for (const count of [100, 127, 128, 129, 3000, 33_000]) roundTrip(lines(count))
  })

  it('makes text smaller, and nothing much larger', () => {
    const text = lines(10_000)
    expect(roundTrip(text)).to.be.below(text.length / 3)
    const noise = Buffer.from(Array.from({ length: 300_000 }, (_, i) => scrambled(i) >>> 24))
    expect(roundTrip(noise)).to.be.at.most(noise.length + 9 + 3 * 3)
    expect(roundTrip(Buffer.alloc(1_000_000, 7))).to.be.below(200)
    expect(roundTrip(Buffer.alloc(0))).to.equal(12)
  })

  it('says matches of any length and distance', () => {
    const noise = Buffer.from(Array.from({ length: 120_000 }, (_, i) => scrambled(i) >>> 24))
    const parts: Buffer[] = [noise]
    for (let length = 5; length < 70_000; length = Math.ceil(length * 1.3)) {
      parts.push(noise.subarray(length, 2 * length), Buffer.from([length]))
    }
    roundTrip(Buffer.concat(parts))
  })
})
