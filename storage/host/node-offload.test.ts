import zlib from 'node:zlib'
import { expect } from 'chai'
import { DecompressionFault } from '../../protocol/compression/codec.ts'
import { codecNamed } from '../../protocol/compression/codecs.ts'
import { nativeLz4 } from '../../protocol/compression/native-lz4.ts'
import { collectGarbage } from '../collect-garbage.fixture.ts'
import type { OffloadedContent } from './host.ts'
import { nodeOffload } from './node-offload.ts'

const content = Buffer.from(Array.from({ length: 700_000 }, (_, i) => 97 + ((i * i) % 23)))

/** node:zlib has zstd from 22.15 on. */
const isOffloaded = { gzip: true, lz4: nativeLz4 !== undefined, zstd: 'createZstdDecompress' in zlib }

async function all(offloaded: OffloadedContent) {
  const pieces: Buffer[] = []
  for (;;) {
    const piece = await offloaded.next()
    if (piece === undefined) return Buffer.concat(pieces)
    if (piece instanceof DecompressionFault) return piece
    pieces.push(Buffer.from(piece))
  }
}

describe('what a machine decompresses beside the loop', () => {
  for (const name of ['gzip', 'lz4', 'zstd'] as const) {
    const compressed = codecNamed(name).compress(content)
    const open = (bytes: Buffer) => nodeOffload.decompress(name, bytes)

    it(`${name}: gives the content, or leaves the work to the loop`, async () => {
      const offloaded = open(compressed)
      expect(offloaded !== undefined).to.equal(isOffloaded[name])
      if (offloaded !== undefined) expect(content.equals((await all(offloaded)) as Buffer)).to.equal(true)
    })

    it(`${name}: finds the fault that is found on the loop`, async () => {
      const damaged = Buffer.from(compressed)
      damaged[damaged.length >> 1] = damaged[damaged.length >> 1]! ^ 0x55
      for (const bytes of [damaged, compressed.subarray(0, compressed.length >> 1), Buffer.alloc(100_000, 0x77)]) {
        const offloaded = open(bytes)
        if (offloaded === undefined) continue
        const [here, there] = [codecNamed(name).decompress(bytes, 10_000_000), await all(offloaded)]
        if (here instanceof DecompressionFault) expect(there).to.be.instanceOf(DecompressionFault)
        else expect(here.equals(there as Buffer)).to.equal(true)
      }
    })

    it(`${name}: what it compresses is read again`, async () => {
      const bytes = await nodeOffload.compress(name, content, undefined)
      if (bytes !== undefined) expect(content.equals(codecNamed(name).decompress(bytes, 1e6) as Buffer)).to.equal(true)
    })

    it(`${name}: can be closed before its end`, async () => {
      const offloaded = open(compressed)
      await offloaded?.next()
      offloaded?.close()
    })
  }

  it('keeps a stream from running ahead of its reader', async () => {
    const bomb = codecNamed('gzip').compress(Buffer.alloc(200_000_000))
    // The 200 MB that were compressed would hide as much.
    await collectGarbage()
    const before = process.memoryUsage().arrayBuffers
    const offloaded = nodeOffload.decompress('gzip', bomb)!
    for (let i = 0; i < 100; i++) await offloaded.next()
    // Time to unpack all of it. What was read, 26 MB, may still be there.
    await new Promise((resolve) => setTimeout(resolve, 500))
    const kept = process.memoryUsage().arrayBuffers - before
    offloaded.close()
    expect(kept).to.be.below(60_000_000)
  })

  it('lz4: native code is installed where these tests run', () => {
    expect(nativeLz4()).to.not.equal(undefined)
  })
})
