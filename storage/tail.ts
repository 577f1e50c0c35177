import type { Lease } from '../protocol/buffer-pool.ts'
import { leaseOf } from '../protocol/buffer-pool.ts'

/** A batch that was appended lately, in the memory in which it came. */
export interface TailEntry {
  readonly lastOffset: number
  readonly bytes: Buffer
  readonly lease: Lease
  /** Bytes of memory that the entry keeps alive. */
  readonly cost: number
}

/** A frame is shared by all its batches; a batch that is less than this part of it is copied rather than keep it all. */
const SMALLEST_SHARE = 1 / 4
/** Even small leases take a block of the pool. */
const SMALLEST_COST = 1024

/** The newest batches of one log, in order: consumers that keep up read them without touching a file. */
export class Tail {
  #entries: TailEntry[] = []
  #first = 0

  /** Offset from which on everything is here; undefined: nothing is. */
  startOffset: number | undefined

  get isEmpty(): boolean {
    return this.#first === this.#entries.length
  }

  push(baseOffset: number, entry: TailEntry): void {
    this.startOffset ??= baseOffset
    this.#entries.push(entry)
  }

  /** Lets go of the oldest entry; answers its cost, 0 where there is none. */
  dropOldest(): number {
    const oldest = this.#entries[this.#first]
    if (oldest === undefined) return 0
    this.#first++
    this.startOffset = this.isEmpty ? undefined : oldest.lastOffset + 1
    if (this.#first > 64 && this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first)
      this.#first = 0
    }
    oldest.lease.release()
    return oldest.cost
  }

  /** Lets go of everything. Answers what it cost. */
  clear(): number {
    let cost = 0
    while (!this.isEmpty) cost += this.dropOldest()
    this.#entries = []
    this.#first = 0
    return cost
  }

  /** Entries from the one that holds the offset, which must not be below startOffset, for as long as wanted. */
  *from(offset: number): Generator<TailEntry> {
    let [low, high] = [this.#first, this.#entries.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#entries[middle]!.lastOffset < offset) low = middle + 1
      else high = middle
    }
    for (let i = low; i < this.#entries.length; i++) yield this.#entries[i]!
  }
}

/** The memory that the tails of all logs may take together: the oldest batch leaves first, whosever it is. */
export class TailMemory {
  readonly #limitBytes: number
  /** The tail of each entry, oldest first. */
  #order: Tail[] = []
  #first = 0
  #sizeBytes = 0

  constructor(limitBytes = 16 * 1024 * 1024) {
    this.#limitBytes = limitBytes
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Keeps a batch as long as there is room. lease: the memory it lies in, of which this becomes one more reader. */
  keep(tail: Tail, baseOffset: number, lastOffset: number, bytes: Buffer, lease: Lease | undefined): void {
    const kept = keptMemory(bytes, lease)
    if (kept.cost > this.#limitBytes) {
      kept.lease.release()
      this.forget(tail)
      return
    }
    tail.push(baseOffset, { lastOffset, bytes: kept.bytes, lease: kept.lease, cost: kept.cost })
    this.#order.push(tail)
    this.#sizeBytes += kept.cost
    while (this.#sizeBytes > this.#limitBytes) this.#dropOldest()
  }

  /** Empties the tail of a log that is closed, or whose memory cannot be relied on. */
  forget(tail: Tail): void {
    this.#sizeBytes -= tail.clear()
  }

  /** Lets go of what starts below the offset: the files say something else now. */
  forgetBelow(tail: Tail, offset: number): void {
    while (tail.startOffset !== undefined && tail.startOffset < offset) this.#sizeBytes -= tail.dropOldest()
  }

  #dropOldest(): void {
    const tail = this.#order[this.#first++]!
    if (this.#first > 1024 && this.#first * 2 > this.#order.length) {
      this.#order = this.#order.slice(this.#first)
      this.#first = 0
    }
    this.#sizeBytes -= tail.dropOldest()
  }
}

function keptMemory(bytes: Buffer, lease: Lease | undefined): { bytes: Buffer; lease: Lease; cost: number } {
  const held = lease?.bytes.length ?? bytes.length
  if (lease === undefined || bytes.length < held * SMALLEST_SHARE) {
    const own = lease === undefined ? bytes : Buffer.from(bytes)
    return { bytes: own, lease: leaseOf(own), cost: Math.max(own.length, SMALLEST_COST) }
  }
  lease.retain()
  return { bytes, lease, cost: Math.max(held, SMALLEST_COST) }
}
