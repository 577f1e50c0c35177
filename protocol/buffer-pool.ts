import { invariant } from './invariant.ts'

/** Memory that several readers share: it goes back to where it came from when the last of them has let go. */
export interface Lease {
  readonly bytes: Buffer
  /** One more reader. */
  retain(): void
  /** One reader fewer. Once too often is an invariant failure: the memory may be somebody else's by then. */
  release(): void
}

/** Smallest block. Below it the bookkeeping costs more than a fresh buffer. */
const SMALLEST_BLOCK = 1024
/** Larger blocks are not kept: they are rare, and one would fill the cache. */
const LARGEST_BLOCK = 16 * 1024 * 1024

/** What idle blocks may take together unless told otherwise: some dozens of produce requests of full size. */
const DEFAULT_IDLE_BYTES = 32 * 1024 * 1024

/**
 * Hands out buffers and keeps them for the next taker when they come back, since touching fresh memory costs more than
 * everything else that is done with a frame. Blocks come in sizes a quarter of a power of two apart, so that at most a
 * fifth of one is wasted on a frame slightly above a round size.
 */
export class BufferPool {
  readonly #idle = new Map<number, Buffer[]>()
  readonly #idleBytesLimit: number
  #idleBytes = 0

  constructor(idleBytesLimit = DEFAULT_IDLE_BYTES) {
    this.#idleBytesLimit = idleBytesLimit
  }

  /** Bytes in blocks that nobody uses now. */
  get idleBytes(): number {
    return this.#idleBytes
  }

  /** A buffer of exactly size bytes with arbitrary content, held by one reader. */
  take(size: number): Lease {
    const blockSize = blockSizeFor(size)
    const block = this.#idle.get(blockSize)?.pop()
    if (block === undefined) return this.#lease(Buffer.allocUnsafeSlow(blockSize), size)
    this.#idleBytes -= blockSize
    return this.#lease(block, size)
  }

  #lease(block: Buffer, size: number): Lease {
    return new CountedLease(block.subarray(0, size), () => this.#putBack(block))
  }

  #putBack(block: Buffer): void {
    const size = block.length
    if (size > LARGEST_BLOCK || this.#idleBytes + size > this.#idleBytesLimit) return
    const blocks = this.#idle.get(size)
    if (blocks === undefined) this.#idle.set(size, [block])
    else blocks.push(block)
    this.#idleBytes += size
  }
}

/** A lease of memory that the garbage collector looks after. */
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
  if (size > LARGEST_BLOCK) return size
  const step = 2 ** (29 - Math.clz32(size - 1))
  return Math.ceil(size / step) * step
}
