import { invariant } from './invariant.ts'
import { MemorySlab } from './memory-slab.ts'

/** Memory shared by several readers. It returns to its owner when the last reader releases it. */
export interface Lease {
  readonly bytes: Buffer
  /** Adds a reader. */
  retain(): void
  /** Removes a reader. Releasing twice is an invariant failure: the memory may have a new owner. */
  release(): void
}

/** Smallest block. Below it the bookkeeping costs more than a fresh buffer. */
const SMALLEST_BLOCK = 1024
/** Larger blocks are runs of a slab. The allocator of the process would fragment permanently with them. */
const LARGEST_SMALL_BLOCK = 32 * 1024
/** Larger buffers are not pooled: they are rare, and two would fill a slab. */
const LARGEST_RUN = 16 * 1024 * 1024
/**
 * Size at which glibc maps memory instead of taking it from its heap, and unmaps it when freed. Smaller pieces come
 * from the heap, which shrinks only at its end: there, 60 MB of buffers held 160 MB.
 */
const SLAB_BYTES = 32 * 1024 * 1024 + 64 * 1024

/** Default limit for idle small blocks together. */
const DEFAULT_IDLE_BYTES = 8 * 1024 * 1024

/**
 * Hands out buffers and reuses them once released: touching fresh memory costs more than all other work on a frame.
 * Small block sizes are a quarter of a power of two apart, so at most a fifth of a block is wasted. Larger blocks are
 * runs of slabs. One unused slab is kept; the others are freed.
 */
export class BufferPool {
  readonly #idle = new Map<number, Buffer[]>()
  readonly #idleBytesLimit: number
  #idleBytes = 0
  /** Oldest first. Older slabs fill first, so the newest become empty. */
  #slabs: MemorySlab[] = []

  /** idleBytesLimit applies to small blocks. */
  constructor(idleBytesLimit = DEFAULT_IDLE_BYTES) {
    this.#idleBytesLimit = idleBytesLimit
  }

  /** Bytes in idle small blocks. */
  get idleBytes(): number {
    return this.#idleBytes
  }

  get slabCount(): number {
    return this.#slabs.length
  }

  /** A buffer of exactly size bytes with arbitrary content and one reader. */
  take(size: number): Lease {
    if (size <= LARGEST_SMALL_BLOCK) return this.#takeSmall(size)
    if (size > LARGEST_RUN) return leaseOf(Buffer.allocUnsafeSlow(size))
    for (const slab of this.#slabs) {
      const run = slab.take(size)
      if (run !== undefined) return this.#leaseRun(slab, run, size)
    }
    const slab = new MemorySlab(SLAB_BYTES)
    this.#slabs.push(slab)
    return this.#leaseRun(slab, slab.take(size)!, size)
  }

  #leaseRun(slab: MemorySlab, run: Buffer, size: number): Lease {
    return new CountedLease(run.subarray(0, size), () => {
      slab.giveBack(run)
      if (slab.isUnused) this.#dropUnused()
    })
  }

  #dropUnused(): void {
    const first = this.#slabs.find((slab) => slab.isUnused)
    this.#slabs = this.#slabs.filter((slab) => slab === first || !slab.isUnused)
  }

  #takeSmall(size: number): Lease {
    const blockSize = blockSizeFor(size)
    const idle = this.#idle.get(blockSize)?.pop()
    if (idle !== undefined) this.#idleBytes -= blockSize
    const block = idle ?? Buffer.allocUnsafeSlow(blockSize)
    return new CountedLease(block.subarray(0, size), () => this.#putBack(block))
  }

  #putBack(block: Buffer): void {
    const size = block.length
    if (this.#idleBytes + size > this.#idleBytesLimit) return
    const blocks = this.#idle.get(size)
    if (blocks === undefined) this.#idle.set(size, [block])
    else blocks.push(block)
    this.#idleBytes += size
  }
}

/** A lease of memory that the garbage collector frees. */
export function leaseOf(bytes: Buffer): Lease {
  return new CountedLease(bytes, () => {})
}

class CountedLease implements Lease {
  readonly #bytes: Buffer
  readonly #onUnused: () => void
  #readers = 1

  constructor(bytes: Buffer, onUnused: () => void) {
    this.#bytes = bytes
    this.#onUnused = onUnused
  }

  get bytes(): Buffer {
    invariant(this.#readers > 0, 'leased memory used after its release')
    return this.#bytes
  }

  retain(): void {
    invariant(this.#readers > 0, 'leased memory retained after its release')
    this.#readers++
  }

  release(): void {
    invariant(this.#readers > 0, 'leased memory released twice')
    this.#readers--
    if (this.#readers === 0) this.#onUnused()
  }
}

/** The next size at or above `size` of the form (4..7) * 2^n. */
function blockSizeFor(size: number): number {
  if (size <= SMALLEST_BLOCK) return SMALLEST_BLOCK
  const step = 2 ** (29 - Math.clz32(size - 1))
  return Math.ceil(size / step) * step
}
