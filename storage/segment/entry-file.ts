import { invariant } from '../../protocol/invariant.ts'
import type { Disk } from '../disk.ts'
import type { FileAccess } from '../open-files.ts'
import type { IndexCache } from './index-cache.ts'

/** The content of an index cannot be what was written: it has to be made anew from the log. */
export class CorruptIndexError extends Error {
  override readonly name = 'CorruptIndexError'
}

const FIRST_CAPACITY_ENTRIES = 16
const EMPTY = Buffer.alloc(0)

/**
 * Entries of one size in a file: what the three indexes of a segment have in common. Read as a whole when first asked
 * for; appended in memory, and to the file with the next `writePending`. Nothing is preallocated: Kafka does that for
 * the sake of its memory mapping only, and trims the file when the segment closes.
 */
export class EntryFile {
  readonly path: string
  readonly entryBytes: number
  readonly #files: FileAccess
  readonly #cache: IndexCache
  #bytes: Buffer | undefined
  #count = 0
  /** Entries that the file has; -1: the file does not exist yet. */
  #writtenCount: number
  /** Counts truncations: a write under way is about entries that may be gone. */
  #cuts = 0
  /** False: never dropped from memory, since the segment is being appended to. */
  #evictable = true

  constructor(path: string, entryBytes: number, files: FileAccess, cache: IndexCache, isNew: boolean) {
    this.path = path
    this.entryBytes = entryBytes
    this.#files = files
    this.#cache = cache
    this.#writtenCount = isNew ? -1 : 0
    if (isNew) this.#bytes = EMPTY
  }

  /** The entries, one after the other, followed by room. Loads them; CorruptIndexError where the size is impossible. */
  get bytes(): Buffer {
    if (this.#bytes === undefined) this.#load()
    else if (this.#evictable) this.#cache.touch(this)
    return this.#bytes!
  }

  get count(): number {
    if (this.#bytes === undefined) this.#load()
    return this.#count
  }

  /** Bytes of the entries from one index to another, without the room behind them. */
  entries(from: number, to = this.count): Buffer {
    return this.bytes.subarray(Math.max(0, from) * this.entryBytes, Math.min(to, this.count) * this.entryBytes)
  }

  get memoryBytes(): number {
    return this.#bytes?.length ?? 0
  }

  get pendingBytes(): number {
    return this.#bytes === undefined ? 0 : (this.#count - Math.max(0, this.#writtenCount)) * this.entryBytes
  }

  /** False where the size of the file is impossible. */
  hasWholeEntries(): boolean {
    return this.#bytes !== undefined || this.#files.use(this.path).size() % this.entryBytes === 0
  }

  /** The last entry, read alone where the others are not in memory; undefined where there is none. */
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
  }

  /** Room for one more entry at its end; answers where it starts. */
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

  /** Keeps the first entries only, here and in the file. */
  truncate(count: number): void {
    invariant(count <= this.count, 'an index cannot be truncated to more than it has')
    this.#count = count
    this.#cuts++
    if (this.#writtenCount <= count) return
    this.#files.use(this.path).truncate(count * this.entryBytes)
    this.#writtenCount = count
  }

  /** Writes what has been appended. */
  writePending(): void {
    if (this.pendingBytes === 0) return
    if (this.#writtenCount < 0) this.createFile()
    const start = this.#writtenCount * this.entryBytes
    this.#files.use(this.path).writeSync([this.#bytes!.subarray(start, this.#count * this.entryBytes)], start)
    this.#writtenCount = this.#count
  }

  /**
   * The same off the loop. Entries do not change once they were appended, so that others may write the same meanwhile; and
   * where the index was cut meanwhile, the file is cut again.
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

  /** The file is empty now: so is this. */
  forget(): void {
    this.#bytes = EMPTY
    this.#count = 0
    this.#cuts++
    if (this.#writtenCount > 0) this.#writtenCount = 0
  }

  /** Frees the memory; the entries are read again when next asked for. */
  unload(): void {
    invariant(this.pendingBytes === 0, 'an index with pending entries cannot leave memory')
    if (this.#writtenCount < 0) return
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
    this.#bytes = bytes
    this.#count = size / this.entryBytes
    this.#writtenCount = this.#count
    if (this.#evictable) this.#cache.touch(this)
  }
}
