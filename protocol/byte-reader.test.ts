import { expect } from 'chai'
import fc from 'fast-check'
import { ByteReader, MalformedError } from './byte-reader.ts'

function reader(hex: string): ByteReader {
  return new ByteReader(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
}

describe('ByteReader', () => {
  const unsigned: [string, number][] = [
    ['00', 0],
    ['7f', 127],
    ['8001', 128],
    ['ff7f', 16383],
    ['ffffffff0f', 4294967295],
    // Java keeps 32 bits, and so do we.
    ['ffffffff7f', 4294967295],
    ['8000', 0],
  ]
  for (const [hex, value] of unsigned) {
    it(`reads the varint ${hex} as ${value}`, () => {
      const bytes = reader(hex)
      expect(bytes.readUnsignedVarint()).to.equal(value)
      expect(bytes.remaining).to.equal(0)
    })
  }

  it('refuses text that could not be written again: bytes that are no UTF-8 take three each', () => {
    const text = (size: number, byte: number) => {
      const bytes = Buffer.alloc(2 + size, byte)
      bytes.writeInt16BE(size)
      return new ByteReader(bytes)
    }
    expect(text(32_767, 0x61).readString()).to.have.length(32_767)
    expect(text(10_922, 0xff).readString()).to.have.length(10_922)
    expect(() => text(10_923, 0xff).readString()).to.throw(MalformedError, 'not valid UTF-8')
  })

  it('refuses a varint of six bytes, and one that is cut', () => {
    expect(() => reader('808080808001').readUnsignedVarint()).to.throw(MalformedError, 'more than five bytes')
    expect(() => reader('80').readUnsignedVarint()).to.throw(MalformedError)
  })

  it('reads signed integers', () => {
    const bytes = reader('ff 8001 80000001')
    expect([bytes.readInt8(), bytes.readInt16(), bytes.readInt32()]).to.deep.equal([-1, -32767, -2147483647])
  })

  it('never reads beyond its end, though the buffer goes on', () => {
    const bytes = new ByteReader(Buffer.alloc(10), 2, 5)
    expect(() => bytes.readInt32()).to.throw(MalformedError)
    expect(bytes.position).to.equal(2)
    expect(bytes.view(3)).to.have.length(3)
    expect(() => bytes.readInt8()).to.throw(MalformedError)
  })

  it('reads strings and bytes with negative lengths as null', () => {
    expect(reader('ffff').readString()).to.equal(null)
    expect(reader('8000').readString()).to.equal(null)
    expect(reader('ffffffff').readBytes()).to.equal(null)
    expect(reader('00').readCompactString()).to.equal(null)
    expect(reader('00').readCompactBytes()).to.equal(null)
  })

  it('refuses a compact string longer than any old one could be', () => {
    const bytes = Buffer.concat([Buffer.from([0x81, 0x80, 0x02]), Buffer.alloc(0x8000)])
    expect(() => new ByteReader(bytes).readCompactString()).to.throw(MalformedError, 'string of 32768 bytes')
  })

  it('takes an array length that the rest can hold, and no other', () => {
    expect(reader('00000002 0000').readArrayLength(1)).to.equal(2)
    expect(() => reader('00000003 0000').readArrayLength(1)).to.throw(MalformedError)
    expect(reader('80000000').readArrayLength(4)).to.equal(-1)
    expect(reader('00').readCompactArrayLength(4)).to.equal(-1)
  })

  it('takes two million elements in all, and no more, whatever bytes are there', () => {
    const bytes = new ByteReader(
      Buffer.concat([Buffer.from('000f4240000f424000000001', 'hex'), Buffer.alloc(1_000_000)]),
    )
    expect(bytes.readArrayLength(1)).to.equal(1_000_000)
    expect(bytes.readArrayLength(1)).to.equal(1_000_000)
    expect(() => bytes.readArrayLength(1)).to.throw(MalformedError, 'more than 2000000 elements')
  })

  it('hands out views, not copies', () => {
    const bytes = Buffer.from([0, 0, 0, 2, 7, 8])
    const view = new ByteReader(bytes).readBytes() as Buffer
    bytes[4] = 9
    expect([...view]).to.deep.equal([9, 8])
  })

  it('passes over tagged fields, however many are claimed', () => {
    const bytes = reader('02 01 01 aa 85 01 00 ff')
    bytes.skipTaggedFields()
    expect(bytes.remaining).to.equal(1)
    expect(() => reader('ffffffff0f 01 00').skipTaggedFields()).to.throw(MalformedError)
  })

  it('ends every reading of any bytes in a value or MalformedError', () => {
    const readings = [
      (bytes: ByteReader) => bytes.readString(),
      (bytes: ByteReader) => bytes.readCompactString(),
      (bytes: ByteReader) => bytes.readBytes(),
      (bytes: ByteReader) => bytes.readCompactBytes(),
      (bytes: ByteReader) => bytes.readCompactArrayLength(1),
      (bytes: ByteReader) => bytes.readUuid(),
      (bytes: ByteReader) => bytes.skipTaggedFields(),
    ]
    const property = fc.property(fc.uint8Array({ maxLength: 30 }), fc.constantFrom(...readings), (input, read) => {
      const bytes = new ByteReader(Buffer.from(input))
      try {
        read(bytes)
      } catch (error) {
        expect(error).to.be.instanceOf(MalformedError)
      }
      expect(bytes.position).to.be.at.most(input.length)
    })
    fc.assert(property, { numRuns: 2000 })
  })
})
