import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { expect } from 'chai'
import { DecompressionFault } from '../../protocol/compression/codec.ts'
import { codecNamed } from '../../protocol/compression/codecs.ts'
import { decompressZstd } from '../../protocol/compression/zstd-decoder.ts'

const FRAMES = join(import.meta.dirname, 'frames')
const CODECS = { '.lz4': 'lz4', '.zst': 'zstd', '.snappy': 'snappy', '.gz': 'gzip' } as const

/** Built by the rule of make-frames.py. */
const content = Buffer.from(
  Array.from({ length: 8000 }, (_, i) => `line ${((i % 700) * 7919) % 10007} of the content, which comes back\n`).join(
    '',
  ),
)

describe('content compressed by the C libraries of other clients', () => {
  for (const name of readdirSync(FRAMES)) {
    const bytes = readFileSync(join(FRAMES, name))
    const codec = codecNamed(CODECS[extname(name) as keyof typeof CODECS])

    if (name.includes('refused')) {
      it(`${name} is refused, as by Java's reader`, () => {
        const refusal = codec.decompress(bytes, content.length)
        expect(refusal).to.be.instanceOf(DecompressionFault).and.include({ kind: 'corrupt' })
      })
      continue
    }

    it(`${name} is read`, () => {
      const result = codec.decompress(bytes, content.length)
      expect(Buffer.isBuffer(result) && result.equals(content)).to.equal(true)
    })

    it(`${name} is too large for a limit below its content`, () => {
      const result = codec.decompress(bytes, content.length - 1)
      expect(result).to.be.instanceOf(DecompressionFault).and.include({ kind: 'too large' })
    })

    if (extname(name) === '.zst') {
      it(`${name} is read by the decoder in JavaScript, whatever Node.js has`, () => {
        const result = decompressZstd(bytes, content.length)
        expect(Buffer.isBuffer(result) && result.equals(content)).to.equal(true)
      })
    }
  }

  it('a wrong block checksum in an lz4 frame is found', () => {
    const bytes = readFileSync(join(FRAMES, 'block-checksums.lz4'))
    const size = bytes.readUInt32LE(7)
    bytes[11 + size]! ^= 1
    expect(codecNamed('lz4').decompress(bytes, content.length)).to.include({ message: 'lz4: wrong block checksum' })
  })

  it('a wrong content size in an lz4 frame is found', () => {
    const bytes = readFileSync(join(FRAMES, 'content-size.lz4'))
    bytes.writeUInt32LE(content.length - 1, 6)
    // The header checksum covers the size. Decode the frame as in message format v0, where it is not checked.
    const result = codecNamed('lz4', 0).decompress(bytes, content.length)
    expect(result).to.be.instanceOf(DecompressionFault).and.include({ kind: 'corrupt' })
  })
})
