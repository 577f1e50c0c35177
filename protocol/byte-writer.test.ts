import { expect } from 'chai'
import fc from 'fast-check'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter, contiguous, TextTooLongError } from './byte-writer.ts'

function written(write: (writer: ByteWriter) => void): string {
  const writer = new ByteWriter()
  write(writer)
  return contiguous(writer.finish()).toString('hex')
}

describe('ByteWriter', () => {
  it('writes integers in network order', () => {
    const hex = written((writer) => {
      writer.writeInt8(-2)
      writer.writeInt16(-3)
      writer.writeInt32(0x12345678)
    })
    expect(hex).to.equal('fefffd12345678')
  })

  it('writes varints that the reader takes back', () => {
    const property = fc.property(fc.nat({ max: 0xffffffff }), (value) => {
      const writer = new ByteWriter()
      writer.writeUnsignedVarint(value)
      expect(new ByteReader(contiguous(writer.finish())).readUnsignedVarint()).to.equal(value)
    })
    fc.assert(property, {
      examples: [[127], [128], [16383], [16384], [0x1fffff], [0x200000], [0xfffffff], [0x10000000]],
    })
  })

  it('writes strings of every length and script', () => {
    for (const text of ['', 'orders', 'é', 'x'.repeat(21), `${'x'.repeat(19)}é`, '𝄞'.repeat(100), 'y'.repeat(32767)]) {
      const writer = new ByteWriter()
      writer.writeString(text)
      writer.writeCompactString(text)
      const reader = new ByteReader(contiguous(writer.finish()))
      expect(reader.readString()).to.equal(text)
      expect(reader.readCompactString()).to.equal(text)
      expect(reader.remaining).to.equal(0)
    }
  })

  it('refuses a string whose length does not fit 15 bits', () => {
    expect(() => new ByteWriter().writeString('x'.repeat(32768))).to.throw(TextTooLongError)
    expect(() => new ByteWriter().writeCompactString('é'.repeat(16384))).to.throw(TextTooLongError)
  })

  it('keeps large pieces by reference, in their place', () => {
    const large = Buffer.alloc(2000, 1)
    const writer = new ByteWriter()
    writer.writeInt8(9)
    writer.writeBytes(large)
    writer.writeSlices([large, Buffer.from([5]), large])
    const { slices, length } = writer.finish()
    expect(slices.filter((slice) => slice === large)).to.have.length(3)
    expect(length).to.equal(1 + 4 + 2000 + 4 + 4001)
    const expected = [
      Buffer.from('09000007d0', 'hex'),
      large,
      Buffer.from('00000fa1', 'hex'),
      large,
      Buffer.from([5]),
      large,
    ]
    expect(Buffer.concat(slices)).to.deep.equal(Buffer.concat(expected))
  })

  it('copies small pieces: what is behind them may change', () => {
    const small = Buffer.from([1, 2])
    const writer = new ByteWriter()
    writer.writeRaw(small)
    small[0] = 9
    expect([...contiguous(writer.finish())]).to.deep.equal([1, 2])
  })

  it('gives the same bytes whatever the first size of its buffer', () => {
    const pieces = fc.array(fc.oneof(fc.integer({ min: 0, max: 3000 }), fc.string({ maxLength: 50 })), {
      maxLength: 12,
    })
    const property = fc.property(pieces, fc.integer({ min: 1, max: 100 }), (values, initial) => {
      const results = [initial, 100_000].map((size) => {
        const writer = new ByteWriter(size)
        for (const value of values) {
          if (typeof value === 'string') writer.writeString(value)
          else writer.writeCompactBytes(Buffer.alloc(value, 7))
        }
        const gathered = writer.finish()
        expect(writer.length).to.equal(gathered.length)
        return contiguous(gathered)
      })
      expect(results[0]).to.deep.equal(results[1])
    })
    fc.assert(property)
  })

  it('fills in later what was reserved', () => {
    const hex = written((writer) => {
      const at = writer.reserve(4)
      writer.writeString('x'.repeat(300))
      writer.setInt32(at, -1)
    })
    expect(hex.slice(0, 12)).to.equal('ffffffff012c')
  })
})
