import type { SeededRandom } from './seeded-random.ts'

/** Unit in which unsynced bytes reach the disk or are lost. */
const PAGE_BYTES = 4096
/** Unit that a disk writes atomically: a torn page is cut at a multiple of it. */
const SECTOR_BYTES = 512

/** Effects of the power losses so far. */
export interface PowerLosses {
  lostPages: number
  tornPages: number
  flippedBits: number
  /** Directories that lost their last changes. */
  lostNames: number
}

export type MemoryEntry = MemoryFile | MemoryDirectory

/** Bytes of a file, and which of them are on the disk. */
export class MemoryFile {
  size = 0
  modifiedMs: number
  #bytes: Buffer = Buffer.alloc(0)
  #durable: Buffer = Buffer.alloc(0)
  #durableSize = 0
  /** Pages written since the last sync. */
  readonly #dirtyPages = new Set<number>()
  /** Copies share the bytes: a change copies them first. */
  #isShared = false

  constructor(nowMs: number) {
    this.modifiedMs = nowMs
  }

  /** A copy of the content, all of it synced. Costs nothing until one of the two is written. */
  copy(): MemoryFile {
    const copy = new MemoryFile(this.modifiedMs)
    copy.size = this.size
    copy.#bytes = this.#bytes
    copy.#durable = this.#bytes
    copy.#durableSize = this.size
    copy.#isShared = true
    this.#isShared = true
    return copy
  }

  content(): Buffer {
    return this.#bytes.subarray(0, this.size)
  }

  read(target: Uint8Array, position: number): number {
    const end = Math.min(this.size, position + target.length)
    if (end <= position) return 0
    target.set(this.#bytes.subarray(position, end))
    return end - position
  }

  write(bytes: Uint8Array, position: number, nowMs: number): void {
    const end = position + bytes.length
    this.#own()
    this.#bytes = grown(this.#bytes, end)
    this.#bytes.set(bytes, position)
    this.#markDirty(Math.min(position, this.size), end)
    this.size = Math.max(this.size, end)
    this.modifiedMs = nowMs
  }

  truncate(size: number, nowMs: number): void {
    this.#own()
    this.#bytes = grown(this.#bytes, size)
    this.#bytes.fill(0, Math.min(size, this.size))
    this.#markDirty(Math.min(size, this.size), Math.max(size, this.size))
    this.size = size
    this.modifiedMs = nowMs
  }

  sync(): void {
    if (this.#dirtyPages.size === 0 && this.#durableSize === this.size) return
    this.#own()
    this.#durable = grown(this.#durable, this.size)
    for (const page of this.#dirtyPages) this.#copyPage(page, PAGE_BYTES)
    this.#durableSize = this.size
    this.#dirtyPages.clear()
  }

  losePower(random: SeededRandom, losses: PowerLosses): void {
    const written = this.size
    this.#own()
    // The size is metadata of its own: it may be ahead of the bytes, which then read as zeros, or behind them.
    const size =
      this.#durableSize === written
        ? written
        : random.pick([this.#durableSize, written, between(random, this.#durableSize, written)])
    this.#durable = grown(this.#durable, Math.max(size, written))
    for (const page of this.#dirtyPages) this.#losePage(page, random, losses)
    this.#durable.fill(0, size)
    this.#bytes = Buffer.from(this.#durable)
    this.size = size
    this.#durableSize = size
    this.#dirtyPages.clear()
  }

  #own(): void {
    if (!this.#isShared) return
    this.#isShared = false
    this.#bytes = Buffer.from(this.content())
    this.#durable = Buffer.from(this.#durable)
  }

  #losePage(page: number, random: SeededRandom, losses: PowerLosses): void {
    const fate = random.below(8)
    if (fate < 3) {
      losses.lostPages++
      return
    }
    if (fate < 6) {
      this.#copyPage(page, PAGE_BYTES)
      return
    }
    losses.tornPages++
    const damaged = page * PAGE_BYTES + random.below(PAGE_BYTES)
    // Synced bytes are not written again, so they stay intact, even in a page with unsynced bytes.
    const isSynced = damaged < this.#durableSize && this.#durable[damaged] === this.#bytes[damaged]
    this.#copyPage(page, SECTOR_BYTES * random.below(PAGE_BYTES / SECTOR_BYTES))
    if (fate === 7 && !isSynced && damaged < this.#durable.length) {
      losses.flippedBits++
      this.#durable[damaged]! ^= 1 << random.below(8)
    }
  }

  #copyPage(page: number, size: number): void {
    const start = page * PAGE_BYTES
    const end = Math.min(start + size, this.#bytes.length)
    this.#durable = grown(this.#durable, start + PAGE_BYTES)
    if (end > start) this.#durable.set(this.#bytes.subarray(start, end), start)
  }

  #markDirty(start: number, end: number): void {
    for (let page = Math.floor(start / PAGE_BYTES); page * PAGE_BYTES < end; page++) this.#dirtyPages.add(page)
  }
}

/** Names in a directory, and which of them are on the disk. Changes reach the disk in order, as with a journal. */
export class MemoryDirectory {
  #entries = new Map<string, MemoryEntry>()
  #durable = new Map<string, MemoryEntry>()
  #unsynced: ((entries: Map<string, MemoryEntry>) => void)[] = []

  /** The same names and files, all of them synced; see MemoryFile.copy. */
  copy(): MemoryDirectory {
    const copy = new MemoryDirectory()
    for (const [name, entry] of this.#entries) copy.#entries.set(name, entry.copy())
    copy.sync()
    return copy
  }

  get(name: string): MemoryEntry | undefined {
    return this.#entries.get(name)
  }

  names(): Iterable<string> {
    return this.#entries.keys()
  }

  set(name: string, entry: MemoryEntry): void {
    this.#change((entries) => entries.set(name, entry))
  }

  delete(name: string): void {
    this.#change((entries) => entries.delete(name))
  }

  rename(from: string, to: string): void {
    const entry = this.#entries.get(from)!
    this.#change((entries) => {
      entries.delete(from)
      entries.set(to, entry)
    })
  }

  sync(): void {
    this.#durable = new Map(this.#entries)
    this.#unsynced = []
  }

  losePower(random: SeededRandom, losses: PowerLosses, seen: Set<MemoryEntry>): void {
    const reached = random.below(this.#unsynced.length + 1)
    if (reached < this.#unsynced.length) losses.lostNames++
    for (const change of this.#unsynced.slice(0, reached)) change(this.#durable)
    this.#entries = new Map(this.#durable)
    this.#unsynced = []
    for (const entry of this.#entries.values()) {
      if (seen.has(entry)) continue
      seen.add(entry)
      entry.losePower(random, losses, seen)
    }
  }

  sizeBytes(): number {
    let sum = 0
    for (const entry of this.#entries.values()) sum += entry instanceof MemoryFile ? entry.size : entry.sizeBytes()
    return sum
  }

  #change(change: (entries: Map<string, MemoryEntry>) => void): void {
    change(this.#entries)
    this.#unsynced.push(change)
  }
}

function grown(bytes: Buffer, size: number): Buffer {
  if (bytes.length >= size) return bytes
  const larger = Buffer.alloc(Math.max(size, bytes.length * 2, PAGE_BYTES))
  larger.set(bytes)
  return larger
}

function between(random: SeededRandom, a: number, b: number): number {
  return Math.min(a, b) + random.below(Math.abs(a - b) + 1)
}
