import { type BufferPool, type Lease, leaseOf } from '../protocol/buffer-pool.ts'

/** A recently appended batch, in the memory of the request that brought it. */
export interface TailEntry {
  readonly lastOffset: number
  readonly bytes: Buffer
  readonly lease: Lease
  /** Bytes of memory that the entry keeps alive. */
  readonly cost: number
}

/** All batches of a frame share it; a batch smaller than this part of the frame is copied, to free the frame. */
const SMALLEST_SHARE = 1 / 4
/** Even a small lease takes a block of the pool. */
const SMALLEST_COST = 1024

/** Dropped entries at the front before the array is rebuilt. */
const MOST_DROPPED = 64

/** A queue with random access: entries leave at the front, and no reference to them stays. */
class Queue<T> {
  #items: (T | undefined)[] = []
  #first = 0

  get length(): number {
    return this.#items.length - this.#first
  }

  at(index: number): T {
    return this.#items[this.#first + index] as T
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined
    const item = this.#items[this.#first]
    this.#items[this.#first++] = undefined
    if (this.length === 0 || (this.#first > MOST_DROPPED && this.#first * 2 > this.#items.length)) {
      this.#items = this.#items.slice(this.#first)
      this.#first = 0
    }
    return item
  }
}

/** The newest batches of one log, in order: consumers that keep up read them without touching a file. */
export class Tail {
  readonly #entries = new Queue<OrderedEntry>()

  /** Offset from which on all batches are here; undefined: there are none. */
  startOffset: number | undefined

  /** For TailMemory. */
  push(baseOffset: number, entry: OrderedEntry): void {
    this.startOffset ??= baseOffset
    this.#entries.push(entry)
  }

  /** For TailMemory: removes the oldest entry; undefined if there is none. */
  shift(): OrderedEntry | undefined {
    const oldest = this.#entries.shift()
    if (oldest !== undefined) this.startOffset = this.#entries.length === 0 ? undefined : oldest.lastOffset + 1
    return oldest
  }

  /** Entries from the one that holds the offset, which must not be below startOffset. */
  *from(offset: number): Generator<TailEntry> {
    let [low, high] = [0, this.#entries.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#entries.at(middle).lastOffset < offset) low = middle + 1
      else high = middle
    }
    for (let i = low; i < this.#entries.length; i++) yield this.#entries.at(i)
  }
}

/** An entry with its neighbours among those of all logs, by age. */
interface OrderedEntry extends TailEntry {
  readonly tail: Tail
  older: OrderedEntry | undefined
  newer: OrderedEntry | undefined
}

/** Memory limit of the tails of all logs together: the oldest batch of any log leaves first. */
export class TailMemory {
  readonly #pool: BufferPool
  readonly #limitBytes: number
  #oldest: OrderedEntry | undefined
  #newest: OrderedEntry | undefined
  #sizeBytes = 0

  /** pool: for copies of small batches of large frames. */
  constructor(pool: BufferPool, limitBytes = 16 * 1024 * 1024) {
    this.#pool = pool
    this.#limitBytes = limitBytes
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Keeps a batch as long as there is room. lease: the memory of the batch; this adds a reader to it. */
  keep(tail: Tail, baseOffset: number, lastOffset: number, bytes: Buffer, lease: Lease | undefined): void {
    const kept = keptMemory(bytes, lease, this.#pool)
    if (kept.cost > this.#limitBytes) {
      kept.lease.release()
      this.forget(tail)
      return
    }
    const { lease: held, cost } = kept
    const entry: OrderedEntry = {
      lastOffset,
      bytes: kept.bytes,
      lease: held,
      cost,
      tail,
      older: this.#newest,
      newer: undefined,
    }
    if (this.#newest === undefined) this.#oldest = entry
    else this.#newest.newer = entry
    this.#newest = entry
    tail.push(baseOffset, entry)
    this.#sizeBytes += entry.cost
    // The oldest entry of a log is also its first.
    while (this.#sizeBytes > this.#limitBytes) this.#dropFirst(this.#oldest!.tail)
  }

  /** Empties the tail of a log that is closed, or whose state in memory cannot be trusted. */
  forget(tail: Tail): void {
    while (tail.startOffset !== undefined) this.#dropFirst(tail)
  }

  /** Drops entries that start below the offset: the files have other content now. */
  forgetBelow(tail: Tail, offset: number): void {
    while (tail.startOffset !== undefined && tail.startOffset < offset) this.#dropFirst(tail)
  }

  #dropFirst(tail: Tail): void {
    const { older, newer, cost, lease } = tail.shift()!
    if (older === undefined) this.#oldest = newer
    else older.newer = newer
    if (newer === undefined) this.#newest = older
    else newer.older = older
    this.#sizeBytes -= cost
    lease.release()
  }
}

function keptMemory(
  bytes: Buffer,
  lease: Lease | undefined,
  pool: BufferPool,
): { bytes: Buffer; lease: Lease; cost: number } {
  if (lease === undefined) return { bytes, lease: leaseOf(bytes), cost: Math.max(bytes.length, SMALLEST_COST) }
  const held = lease.bytes.length
  if (bytes.length < held * SMALLEST_SHARE) {
    const own = pool.take(bytes.length)
    own.bytes.set(bytes)
    return { bytes: own.bytes, lease: own, cost: Math.max(bytes.length, SMALLEST_COST) }
  }
  lease.retain()
  return { bytes, lease, cost: Math.max(held, SMALLEST_COST) }
}
