import { expect } from 'chai'
import fc from 'fast-check'
import { BufferPool, leaseOf } from './buffer-pool.ts'
import { InvariantError } from './invariant.ts'

describe('BufferPool', () => {
  it('gives buffers of exactly the size asked for', () => {
    const pool = new BufferPool()
    const property = fc.property(fc.nat({ max: 300_000 }), (size) => {
      const lease = pool.take(size)
      expect(lease.bytes).to.have.length(size)
      lease.release()
    })
    fc.assert(property, {
      examples: [
        [0],
        [1],
        [1024],
        [1025],
        [1280],
        [1281],
        [32_768],
        [32_769],
        [65_536],
        [16 * 1024 * 1024],
        [16 * 1024 * 1024 + 1],
      ],
    })
  })

  it('gives the same memory again, to a slightly smaller taker too', () => {
    const pool = new BufferPool()
    const first = pool.take(70_000)
    const memory = first.bytes.buffer
    first.release()
    const second = pool.take(69_000)
    expect(second.bytes.buffer).to.equal(memory)
    second.release()
  })

  it('wastes at most a fifth of a small block', () => {
    const pool = new BufferPool()
    fc.assert(
      fc.property(fc.integer({ min: 1025, max: 32_768 }), (size) => {
        const lease = pool.take(size)
        expect(size / lease.bytes.buffer.byteLength).to.be.greaterThan(0.79)
        lease.release()
      }),
    )
  })

  it('has large blocks share slabs, and keeps one that nobody uses', () => {
    const pool = new BufferPool()
    const take = (count: number) => Array.from({ length: count }, () => pool.take(1_000_000))
    const leases = take(99)
    expect(pool.slabCount).to.equal(3)
    // The leases that remain are in the newest slab; the other slabs are dropped.
    for (const lease of leases.splice(0, 90)) lease.release()
    expect(pool.slabCount).to.equal(2)
    for (const lease of leases) lease.release()
    expect(pool.slabCount).to.equal(1)
    const again = take(30)
    expect(pool.slabCount).to.equal(1)
    for (const lease of again) lease.release()
  })

  it('takes memory back only when the last reader has let go', () => {
    const pool = new BufferPool()
    const lease = pool.take(5000)
    lease.retain()
    lease.release()
    expect(pool.idleBytes).to.equal(0)
    expect(lease.bytes).to.have.length(5000)
    lease.release()
    expect(pool.idleBytes).to.be.greaterThan(0)
  })

  it('never gives memory to two takers', () => {
    const pool = new BufferPool()
    const one = pool.take(2000)
    const two = pool.take(2000)
    expect(one.bytes.buffer).not.to.equal(two.bytes.buffer)
    one.release()
    two.release()
    expect(pool.take(2000).bytes.buffer).not.to.equal(pool.take(2000).bytes.buffer)
  })

  it('keeps no more idle memory than its limit', () => {
    const pool = new BufferPool(10_000)
    const leases = Array.from({ length: 8 }, () => pool.take(4096))
    for (const lease of leases) lease.release()
    expect(pool.idleBytes).to.equal(8192)
  })

  for (const lease of [new BufferPool().take(10), leaseOf(Buffer.alloc(10))]) {
    it(`counts as a bug what is done after the last release (${lease.bytes.buffer.byteLength})`, () => {
      lease.release()
      expect(() => lease.release()).to.throw(InvariantError, 'released twice')
      expect(() => lease.retain()).to.throw(InvariantError)
      expect(() => lease.bytes).to.throw(InvariantError)
    })
  }
})
