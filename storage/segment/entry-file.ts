import { invariant } from '../../protocol/invariant.ts'
import type { Disk } from '../disk.ts'
import type { FileAccess } from '../open-files.ts'
import type { IndexCache } from './index-cache.ts'

/** The content of an index is invalid. It has to be rebuilt from the log. */
export class CorruptIndexError extends Error {
  override readonly name = 'CorruptIndexError'
}

const FIRST_CAPACITY_ENTRIES = 16
const EMPTY = Buffer.alloc(0)

/**
 * A file of fixed-size entries, the base of a segment's three indexes. The first access reads the whole file. Appends
 * go to memory; the next `writePending` writes them to the file. Nothing is preallocated: Kafka preallocates only for
 * its memory mapping, and trims the file when the segment closes.
 */
export class EntryFile {
  readonly path: string
  readonly entryBytes: number
  readonly #files: FileAccess
  readonly #cache: IndexCache
  #bytes: Buffer | undefined
  #count = 0
  /** Number of entries in the file; -1: the file does not exist yet. */
  #writtenCount: number
  #hasNewName = false
  #loadCount = 0
  /** Counts truncations. A pending write started before a truncation may hold removed entries. */
  #cuts = 0
  /** False: always kept in memory, since the segment is being appended to. */
  #evictable = true

  constructor(path: string, entryBytes: number, files: FileAccess, cache: IndexCache, isNew: boolean) {
    this.path = path
    this.entryBytes = entryBytes
    this.#files = files
    this.#cache = cache
    this.#writtenCount = isNew ? -1 : 0
    if (isNew) this.#bytes = EMPTY
  }

  /** The entries, followed by spare room. Loads them. CorruptIndexError if the size is impossible. */
  get bytes(): Buffer {
    if (this.#bytes === undefined) this.#load()
    else if (this.#evictable) this.#cache.touch(this)
    return this.#bytes!
  }

  get count(): number {
    if (this.#bytes === undefined) this.#load()
    return this.#count
  }

  /** Bytes of the entries from one index to another, without the spare room. */
  entries(from: number, to = this.count): Buffer {
    return this.bytes.subarray(Math.max(0, from) * this.entryBytes, Math.min(to, this.count) * this.entryBytes)
  }

  /** How often the entries were read from the file; 0: never, all of them were appended. */
  get loadCount(): number {
    return this.#loadCount
  }

  get memoryBytes(): number {
    return this.#bytes?.length ?? 0
  }

  get pendingBytes(): number {
    return this.#bytes === undefined ? 0 : (this.#count - Math.max(0, this.#writtenCount)) * this.entryBytes
  }

  /** False if the size of the file is impossible. */
  hasWholeEntries(): boolean {
    return this.#bytes !== undefined || this.#files.use(this.path).size() % this.entryBytes === 0
  }

  /** The last entry; undefined if there is none. Reads only this entry if the others are not in memory. */
  peekLast(): Buffer | undefined {
    if (this.#bytes !== undefined) return this.#lastOf(this.#bytes, this.#count)
    const handle = this.#files.use(this.path)
    const size = handle.size()
    if (size === 0 || size % this.entryBytes !== 0) return this.#lastOf(this.bytes, this.count)
    const last = Buffer.alloc(this.entryBytes)
    handle.readSync(last, size - this.entryBytes)
    return last
  }

  #lastOf(bytes: Buffer, count: number): Buffer | undefined {
    return count === 0 ? undefined : bytes.subarray((count - 1) * this.entryBytes, count * this.entryBytes)
  }

  set evictable(evictable: boolean) {
    this.#evictable = evictable
    if (evictable && this.#bytes !== undefined) this.#cache.touch(this)
    else this.#cache.forget(this)
  }

  createFile(): void {
    this.#files.create(this.path)
    this.#writtenCount = 0
    this.#hasNewName = true
  }

  /** Whether its file was made since the last call: a power loss may take its name away. */
  takeNewName(): boolean {
    const isNew = this.#hasNewName
    this.#hasNewName = false
    return isNew
  }

  /** Adds an entry at the end, still to be filled in, and returns where it starts. */
  extend(): number {
    const start = this.count * this.entryBytes
    let bytes = this.#bytes!
    if (start + this.entryBytes > bytes.length) {
      const larger = Buffer.alloc(Math.max(FIRST_CAPACITY_ENTRIES * this.entryBytes, bytes.length * 2))
      bytes.copy(larger, 0, 0, start)
      bytes = larger
      this.#bytes = bytes
    }
    this.#count++
    return start
  }

  /** Keeps the first entries only, in memory and in the file. */
  truncate(count: number): void {
    invariant(count <= this.count, 'an index cannot be truncated to more than it has')
    this.#count = count
    this.#cuts++
    if (this.#writtenCount <= count) return
    this.#files.use(this.path).truncate(count * this.entryBytes)
    this.#writtenCount = count
  }

  /** Writes the appended entries to the file. */
  writePending(): void {
    if (this.pendingBytes === 0) return
    if (this.#writtenCount < 0) this.createFile()
    const start = this.#writtenCount * this.entryBytes
    this.#files.use(this.path).writeSync([this.#bytes!.subarray(start, this.#count * this.entryBytes)], start)
    this.#writtenCount = this.#count
  }

  /**
   * The same without blocking the event loop. Appended entries never change, so concurrent writes of the same entries
   * are harmless. If the index was truncated meanwhile, the file is truncated again.
   */
  async writePendingAside(disk: Disk): Promise<void> {
    if (this.pendingBytes === 0) return
    if (this.#writtenCount < 0) this.createFile()
    const [start, end, cuts] = [this.#writtenCount * this.entryBytes, this.#count, this.#cuts]
    const pending = this.#bytes!.subarray(start, end * this.entryBytes)
    const file = this.#files.pin(this.path)
    try {
      await disk.writeAside(pending.length, () => file.handle.write([pending], start))
      if (cuts === this.#cuts) this.#writtenCount = Math.max(this.#writtenCount, end)
      else file.handle.truncate(Math.max(0, this.#writtenCount) * this.entryBytes)
    } finally {
      file.unpin()
    }
  }

  /** The index is empty now. The file is, too, or is about to be written anew. */
  forget(): void {
    this.#bytes = EMPTY
    this.#count = 0
    this.#cuts++
    if (this.#writtenCount > 0) this.#writtenCount = 0
  }

  /** Removes what the file has behind the written entries. */
  cutRest(): void {
    if (this.#writtenCount >= 0) this.#files.use(this.path).truncate(this.#writtenCount * this.entryBytes)
  }

  /** Frees the memory, unless entries are not written yet. The next access reads the entries again. */
  unload(): void {
    if (this.#writtenCount < 0 || this.pendingBytes > 0) return
    this.#bytes = undefined
    this.#count = 0
  }

  #load(): void {
    const handle = this.#files.use(this.path)
    const size = handle.size()
    if (size % this.entryBytes !== 0) {
      throw new CorruptIndexError(`index ${this.path} has ${size} bytes, no multiple of ${this.entryBytes}`)
    }
    const bytes = Buffer.alloc(size)
    if (handle.readSync(bytes, 0) !== size) throw new CorruptIndexError(`index ${this.path} changed while it was read`)
    this.#loadCount++
    this.#bytes = bytes
    this.#count = size / this.entryBytes
    this.#writtenCount = this.#count
    if (this.#evictable) this.#cache.touch(this)
  }
}
