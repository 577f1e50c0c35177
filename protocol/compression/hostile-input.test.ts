import { expect } from 'chai'
import { codecNamed } from './codecs.ts'
import { decompressLz4Block } from './lz4-block.ts'
import { decompressZstd } from './zstd-decoder.ts'

/** Inputs that make other decoders loop forever, write beyond their buffer, or invent bytes. */
describe('hostile input', () => {
  it('snappy: a literal of negative length, which leads snappyjs back to where it was', () => {
    const bytes = Buffer.from('0afcfaffffff00000000', 'hex')
    expect(codecNamed('snappy').decompress(bytes, 1000)).to.include({ message: 'snappy: corrupt chunk' })
  })

  it('snappy: a content size that the bytes cannot give', () => {
    const bytes = Buffer.from('ffffff0f00', 'hex')
    expect(codecNamed('snappy').decompress(bytes, 2 ** 30)).to.include({ kind: 'corrupt' })
  })

  it('snappy: copies from before the start, of nothing, and beyond the end', () => {
    for (const hex of ['0400610503', '0400610100', '0200610501', '0400610900', '06006107ffffffff']) {
      expect(codecNamed('snappy').decompress(Buffer.from(hex, 'hex'), 100), hex).to.include({ kind: 'corrupt' })
    }
  })

  it('zstd: Huffman weights whose states take no bits, of which fzstd never sees the end', () => {
    const bytes = Buffer.from('28b52ffd2040e5000082001006f00301010101000000000000000000000000000000000000', 'hex')
    expect(decompressZstd(bytes, 1000)).to.include({ kind: 'corrupt' })
  })

  it('zstd: a window of 2 GB, and a content size beyond the limit', () => {
    expect(decompressZstd(Buffer.from('28b52ffd00a8010000', 'hex'), 1000)).to.include({
      message: 'zstd: window too large',
    })
    const huge = Buffer.from('28b52ffda0ffffff7f030000', 'hex')
    expect(decompressZstd(huge, 1000)).to.include({ kind: 'corrupt' })
  })

  it('zstd: four bytes that stand for 128 KB, again and again', () => {
    const head = Buffer.from('28b52ffd0038', 'hex')
    const block = Buffer.from([0x02, 0x00, 0x10, 0x61])
    const bomb = Buffer.concat([head, ...Array.from({ length: 10_000 }, () => block)])
    expect(decompressZstd(bomb, 10_000_000)).to.include({ kind: 'too large' })
  })

  it('gzip: content a thousand times its size', () => {
    const bomb = codecNamed('gzip').compress(Buffer.alloc(50_000_000))
    expect(bomb.length).to.be.below(60_000)
    expect(codecNamed('gzip').decompress(bomb, 1_000_000)).to.include({ kind: 'too large' })
  })

  it('lz4: lengths and offsets that leave the block', () => {
    const target = Buffer.alloc(64, 0xee)
    for (const hex of ['f0', 'f0ffff', '1061000010', '10610200', '1f610100ffffffffffff00', '40616263', '', '1061']) {
      const source = Buffer.from(hex, 'hex')
      const after = decompressLz4Block(source, 0, source.length, target, 16, 48)
      if (hex !== '1061') expect(after, hex).to.be.below(0)
      expect(
        target.subarray(0, 16).every((byte) => byte === 0xee),
        `${hex}: before`,
      ).to.equal(true)
      expect(
        target.subarray(48).every((byte) => byte === 0xee),
        `${hex}: behind`,
      ).to.equal(true)
    }
  })
})
