import { crc32 as zlibCrc32 } from 'node:zlib'
import { expect } from 'chai'
import fc from 'fast-check'
import { completed } from '../steps.ts'
import { crc32, crc32InJs } from './crc32.ts'
import { crc32c, crc32cInJs, crc32cInSteps, hasNativeCrc32c } from './crc32c.ts'

describe('crc32c', () => {
  it('is the checksum of the published vectors', () => {
    expect(crc32c(Buffer.from('123456789'))).to.equal(0xe3069283)
    expect(crc32c(Buffer.alloc(0))).to.equal(0)
    // RFC 3720, B.4.
    expect(crc32c(Buffer.alloc(32))).to.equal(0x8a9136aa)
    expect(crc32c(Buffer.alloc(32, 0xff))).to.equal(0x62a8ab43)
    expect(crc32c(Buffer.from(Array.from({ length: 32 }, (_, i) => i)))).to.equal(0x46dd794e)
  })

  it('is the same in native code and in JavaScript, at any alignment and length', () => {
    const bytes = Buffer.from(Array.from({ length: 1200 }, (_, i) => (i * 7919) >> 3))
    for (let start = 0; start < 20; start++) {
      for (const length of [0, 1, 15, 16, 17, 31, 149, 150, 151, 1000]) {
        const expected = bitwise(bytes.subarray(start, start + length), 0x82f63b78)
        expect(crc32cInJs(bytes, start, start + length), `JavaScript, ${start}+${length}`).to.equal(expected)
        expect(crc32c(bytes, start, start + length), `native, ${start}+${length}`).to.equal(expected)
      }
    }
  })

  it('is the same in steps, and in JavaScript from an earlier part on', () => {
    const bytes = Buffer.from(Array.from({ length: 2_500_001 }, (_, i) => (i * 7919) >> 3))
    expect(completed(crc32cInSteps(bytes, 3))).to.equal(crc32c(bytes, 3))
    expect([...crc32cInSteps(bytes)]).to.have.length(2)
    expect(crc32cInJs(bytes, 1001, bytes.length, crc32cInJs(bytes, 3, 1001))).to.equal(crc32c(bytes, 3))
  })

  it('finds the optional native package where it is installed', () => {
    expect(hasNativeCrc32c()).to.equal(true)
  })
})

describe('crc32', () => {
  it('is the checksum of the published vector', () => {
    expect(crc32(Buffer.from('123456789'))).to.equal(0xcbf43926)
  })

  it('is the same in native code and in JavaScript', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(crc32InJs(bytes)).to.equal(crc32(bytes)).and.to.equal(zlibCrc32(bytes))
      }),
    )
  })
})

/** Straight from the definition, bit by bit. */
function bitwise(bytes: Uint8Array, polynomial: number): number {
  let crc = -1
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
  }
  return ~crc >>> 0
}
