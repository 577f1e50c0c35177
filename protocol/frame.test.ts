import { expect } from 'chai'
import fc from 'fast-check'
import { BufferPool } from './buffer-pool.ts'
import { MalformedError } from './byte-reader.ts'
import { contiguous } from './byte-writer.ts'
import { FrameReader, frameOf } from './frame.ts'

const LIMIT = 10_000_000

function framed(message: Buffer): Buffer {
  return contiguous(frameOf((writer) => writer.writeRaw(message)))
}

/** Feeds a stream in chunks of the given sizes, repeated as needed, and returns the messages. */
function cut(stream: Buffer, sizes: readonly number[], pool = new BufferPool()): Buffer[] {
  const messages: Buffer[] = []
  const reader = new FrameReader(pool, LIMIT, (frame) => {
    messages.push(Buffer.from(frame.bytes))
    frame.release()
  })
  let at = 0
  for (let turn = 0; at < stream.length; turn++) {
    const size = sizes[turn % sizes.length] as number
    reader.push(stream.subarray(at, at + size))
    at += size
  }
  return messages
}

describe('FrameReader', () => {
  it('finds the same frames however the stream is cut', () => {
    const message = fc.uint8Array({ minLength: 1, maxLength: 3000 }).map((each) => Buffer.from(each))
    const sizes = fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 8 })
    const property = fc.property(fc.array(message, { maxLength: 6 }), sizes, (messages, chunkSizes) => {
      expect(cut(Buffer.concat(messages.map(framed)), chunkSizes)).to.deep.equal(messages)
    })
    fc.assert(property)
  })

  it('lets a frame of several megabytes grow as its bytes come in', () => {
    const message = Buffer.alloc(5_000_000, 'large')
    expect(cut(framed(message), [65_536])[0]?.equals(message)).to.equal(true)
  })

  it('does not believe the size of a large frame before its bytes are there', () => {
    const pool = new BufferPool()
    const sizes: number[] = []
    const take = (size: number) => {
      sizes.push(size)
      return pool.take(size)
    }
    const reader = new FrameReader({ take }, LIMIT, () => {})
    reader.push(Buffer.from([0, 0x80, 0, 0]))
    reader.close()
    expect(sizes).to.deep.equal([1024 * 1024])
  })

  for (const [size, hex] of [
    [0, '00000000'],
    [-1, 'ffffffff'],
    [LIMIT + 1, '00989681'],
    [-2147483648, '80000000'],
  ] as const) {
    it(`refuses a size of ${size}`, () => {
      const reader = new FrameReader(new BufferPool(), LIMIT, () => {})
      expect(() => reader.push(Buffer.from(hex, 'hex'))).to.throw(MalformedError, `frame of ${size} bytes`)
    })
  }

  it('does not look into a chunk again after the frame was handed on', () => {
    const chunk = framed(Buffer.from('one'))
    let seen = ''
    const reader = new FrameReader(new BufferPool(), LIMIT, (frame) => {
      chunk.fill(0)
      seen = frame.bytes.toString()
      frame.release()
    })
    reader.push(chunk)
    expect(seen).to.equal('one')
  })

  it('gives back the memory of a frame that never became whole', () => {
    const pool = new BufferPool()
    const reader = new FrameReader(pool, LIMIT, () => {})
    reader.push(Buffer.from([0, 0, 4, 0, 1, 2]))
    expect(pool.idleBytes).to.equal(0)
    reader.close()
    reader.close()
    expect(pool.idleBytes).to.equal(1024)
  })
})

describe('frameOf', () => {
  it('puts the size in front of all slices', () => {
    const large = Buffer.alloc(5000)
    const { slices, length } = frameOf((writer) => {
      writer.writeInt8(1)
      writer.writeRaw(large)
    })
    expect(length).to.equal(5005)
    expect(slices[0]?.toString('hex')).to.equal('0000138901')
    expect(slices[1]).to.equal(large)
  })
})
