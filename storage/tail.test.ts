import { expect } from 'chai'
import { BufferPool, type Lease, leaseOf } from '../protocol/buffer-pool.ts'
import { collectGarbage } from './collect-garbage.fixture.ts'
import { Tail, TailMemory } from './tail.ts'

const BATCH_BYTES = 1024

describe('the tails of all logs', () => {
  /** Memory for a number of batches, with the leases passed in and the number of holders of each. */
  function rig(batches = 4) {
    const memory = new TailMemory(new BufferPool(), batches * BATCH_BYTES)
    const held = new Set<number>()
    let count = 0
    const keep = (tail: Tail, offset: number): number => {
      const number = count++
      const lease: Lease = {
        bytes: Buffer.alloc(BATCH_BYTES),
        retain: () => held.add(number),
        release: () => held.delete(number),
      }
      memory.keep(tail, offset, offset, lease.bytes, lease)
      return number
    }
    return { memory, held, keep }
  }
  const offsetsOf = (tail: Tail, from = 0) => [...tail.from(from)].map(({ lastOffset }) => lastOffset)

  it('let the oldest batch go first, whosever it is', () => {
    const { memory, held, keep } = rig()
    const [a, b] = [new Tail(), new Tail()]
    keep(a, 0)
    keep(b, 0)
    keep(a, 1)
    keep(b, 1)
    keep(b, 2)
    expect([offsetsOf(a), offsetsOf(b)]).to.deep.equal([[1], [0, 1, 2]])
    keep(b, 3)
    expect([offsetsOf(a), offsetsOf(b)]).to.deep.equal([[1], [1, 2, 3]])
    expect([...held]).to.deep.equal([2, 3, 4, 5])
    expect([a.startOffset, b.startOffset, memory.sizeBytes]).to.deep.equal([1, 1, 4 * BATCH_BYTES])
  })

  it('keep the age of what is left when a log is forgotten', () => {
    const { memory, held, keep } = rig()
    const [a, b] = [new Tail(), new Tail()]
    keep(a, 0)
    keep(a, 1)
    memory.forget(a)
    expect([memory.sizeBytes, held.size, a.startOffset]).to.deep.equal([0, 0, undefined])
    keep(a, 2)
    keep(b, 0)
    keep(b, 1)
    keep(a, 3)
    keep(b, 2)
    expect([offsetsOf(a), offsetsOf(b)]).to.deep.equal([[3], [0, 1, 2]])
  })

  it('let go of what is below an offset', () => {
    const { memory, keep } = rig()
    const a = new Tail()
    for (const offset of [0, 1, 2]) keep(a, offset)
    memory.forgetBelow(a, 2)
    expect([offsetsOf(a), a.startOffset, memory.sizeBytes]).to.deep.equal([[2], 2, BATCH_BYTES])
  })

  it('find an offset after many batches came and went', () => {
    const { keep } = rig(10)
    const a = new Tail()
    for (let offset = 0; offset < 1000; offset++) keep(a, offset)
    expect(offsetsOf(a, 995)).to.deep.equal([995, 996, 997, 998, 999])
    expect(a.startOffset).to.equal(990)
  })

  it('keep nothing that is larger than all of them may be', () => {
    const { memory, keep } = rig(4)
    const a = new Tail()
    keep(a, 0)
    memory.keep(a, 1, 1, Buffer.alloc(5 * BATCH_BYTES), undefined)
    expect([memory.sizeBytes, a.startOffset]).to.deep.equal([0, undefined])
  })

  it('copy a small batch of a large frame, rather than keep all of it', () => {
    const memory = new TailMemory(new BufferPool())
    const tail = new Tail()
    const frame = leaseOf(Buffer.alloc(100_000, 'f'))
    memory.keep(tail, 0, 0, frame.bytes.subarray(0, 2000), frame)
    frame.release()
    expect(memory.sizeBytes).to.equal(2000)
    expect([...tail.from(0)].map(({ bytes }) => bytes.toString('latin1', 0, 3))).to.deep.equal(['fff'])
    memory.forget(tail)
    expect(memory.sizeBytes).to.equal(0)
  })

  it('hold no memory for logs and batches that are gone', async () => {
    const memory = new TailMemory(new BufferPool())
    const gone: WeakRef<object>[] = []
    const long = new Tail()
    const fill = () => {
      for (let i = 0; i < 50; i++) {
        const [tail, bytes] = [new Tail(), Buffer.alloc(BATCH_BYTES)]
        memory.keep(tail, 0, 0, bytes, leaseOf(bytes))
        memory.keep(long, i, i, bytes, leaseOf(bytes))
        memory.forget(tail)
        gone.push(new WeakRef(tail), new WeakRef(bytes))
      }
      memory.forgetBelow(long, 49)
    }
    fill()
    await collectGarbage()
    expect(gone.filter((each) => each.deref() !== undefined).length).to.be.at.most(2)
    expect(offsetsOf(long)).to.deep.equal([49])
  })
})
