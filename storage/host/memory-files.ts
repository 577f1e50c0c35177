import path from 'node:path/posix'
import type { FileHandle, FileLock, FileStat, Files } from './host.ts'
import { MemoryDirectory, type MemoryEntry, MemoryFile, type PowerLosses } from './memory-tree.ts'
import type { SeededRandom } from './seeded-random.ts'

/**
 * A file system in memory that tracks what is synced: `losePower` goes back to that, plus random unsynced changes that
 * reached the disk. A name survives only if its directory was synced, bytes only if their file was.
 */
export class MemoryFiles implements Files {
  #root = new MemoryDirectory()
  readonly #nowMs: () => number
  readonly #locks = new Set<string>()
  /** Size of the disk; beyond it writes fail with ENOSPC. */
  capacityBytes = Number.POSITIVE_INFINITY
  openLimit = Number.POSITIVE_INFINITY
  readonly losses: PowerLosses = { lostPages: 0, tornPages: 0, flippedBits: 0, lostNames: 0 }
  /** Number of ENOSPC failures. */
  refusals = 0

  constructor(nowMs: () => number = () => 0) {
    this.#nowMs = nowMs
  }

  /** An independent copy with everything synced; costs little more than its names. */
  copy(nowMs: () => number = this.#nowMs): MemoryFiles {
    const copy = new MemoryFiles(nowMs)
    copy.#root = this.#root.copy()
    return copy
  }

  /** Paths of all files, in the order of their names. */
  allFiles(directory = '/'): string[] {
    return this.list(directory)
      .sort()
      .map((name) => this.join(directory, name))
      .flatMap((each) => (this.#find(each) instanceof MemoryDirectory ? this.allFiles(each) : [each]))
  }

  join(...parts: string[]): string {
    return path.join(...parts)
  }

  open(file: string, mode: 'r' | 'r+' | 'a+'): FileHandle {
    return new MemoryFileHandle(file, this.openFile(file, mode), this)
  }

  /** The file itself, for FaultyFiles. */
  openFile(file: string, mode: 'r' | 'r+' | 'a+'): MemoryFile {
    const found = this.#find(file)
    if (found instanceof MemoryFile) return found
    if (found !== undefined) throw failure('EISDIR', file)
    if (mode !== 'a+') throw failure('ENOENT', file)
    const created = new MemoryFile(this.#nowMs())
    this.#parent(file).set(path.basename(file), created)
    return created
  }

  exists(file: string): boolean {
    return this.#find(file) !== undefined
  }

  stat(file: string): FileStat | undefined {
    const found = this.#find(file)
    if (found === undefined) return undefined
    const isDirectory = found instanceof MemoryDirectory
    return isDirectory
      ? { size: 0, modifiedMs: 0, isDirectory, device: 0 }
      : { size: found.size, modifiedMs: found.modifiedMs, isDirectory, device: 0 }
  }

  list(directory: string): string[] {
    return [...this.#directory(directory).names()]
  }

  makeDirectory(directory: string): void {
    let at = this.#root
    for (const name of partsOf(directory)) {
      const next = at.get(name) ?? new MemoryDirectory()
      if (!(next instanceof MemoryDirectory)) throw failure('ENOTDIR', directory)
      if (at.get(name) === undefined) at.set(name, next)
      at = next
    }
  }

  readWhole(file: string): Buffer | undefined {
    const found = this.#find(file)
    return found instanceof MemoryFile ? Buffer.from(found.content()) : undefined
  }

  replaceWhole(file: string, content: Buffer | string): void {
    const bytes = Buffer.from(content)
    const created = this.openFile(`${file}.tmp`, 'a+')
    created.truncate(0, this.#nowMs())
    this.checkSpace(bytes.length)
    created.write(bytes, 0, this.#nowMs())
    created.sync()
    this.rename(`${file}.tmp`, file)
    this.syncDirectory(path.dirname(file))
  }

  rename(from: string, to: string): void {
    const found = this.#find(from)
    if (found === undefined) throw failure('ENOENT', from)
    const [source, target] = [this.#parent(from), this.#parent(to)]
    if (source === target) source.rename(path.basename(from), path.basename(to))
    else {
      target.set(path.basename(to), found)
      source.delete(path.basename(from))
    }
  }

  remove(file: string): void {
    if (this.#find(file) !== undefined) this.#parent(file).delete(path.basename(file))
  }

  async removeAside(file: string): Promise<void> {
    this.remove(file)
  }

  async syncDirectoryAside(directory: string): Promise<void> {
    this.syncDirectory(directory)
  }

  syncDirectory(directory: string): void {
    this.#directory(directory).sync()
  }

  lock(file: string): FileLock | undefined {
    if (this.#locks.has(file)) return undefined
    this.#locks.add(file)
    this.openFile(file, 'a+')
    return { release: () => this.#locks.delete(file) }
  }

  space(_path: string): { freeBytes: number; totalBytes: number } {
    const total = Number.isFinite(this.capacityBytes) ? this.capacityBytes : Number.MAX_SAFE_INTEGER
    return { freeBytes: Math.max(0, total - this.#root.sizeBytes()), totalBytes: total }
  }

  /** Throws ENOSPC if that many more bytes do not fit. */
  checkSpace(growthBytes: number): void {
    if (growthBytes <= 0 || !Number.isFinite(this.capacityBytes)) return
    if (this.#root.sizeBytes() + growthBytes <= this.capacityBytes) return
    this.refusals++
    throw failure('ENOSPC', 'write')
  }

  nowMs(): number {
    return this.#nowMs()
  }

  /** Frees the locks of the ended process. */
  forgetLocks(): void {
    this.#locks.clear()
  }

  /** Unsynced changes are lost, kept, torn or damaged at random. */
  losePower(random: SeededRandom): void {
    this.#root.losePower(random, this.losses, new Set())
  }

  #find(file: string): MemoryEntry | undefined {
    let at: MemoryEntry | undefined = this.#root
    for (const name of partsOf(file)) at = at instanceof MemoryDirectory ? at.get(name) : undefined
    return at
  }

  #directory(directory: string): MemoryDirectory {
    const found = this.#find(directory)
    if (found === undefined) throw failure('ENOENT', directory)
    if (!(found instanceof MemoryDirectory)) throw failure('ENOTDIR', directory)
    return found
  }

  #parent(file: string): MemoryDirectory {
    return this.#directory(path.dirname(file))
  }
}

class MemoryFileHandle implements FileHandle {
  readonly path: string
  readonly #file: MemoryFile
  readonly #files: MemoryFiles

  constructor(file: string, content: MemoryFile, files: MemoryFiles) {
    this.path = file
    this.#file = content
    this.#files = files
  }

  size(): number {
    return this.#file.size
  }
  readSync(target: Buffer, position: number): number {
    return this.#file.read(target, position)
  }
  async read(target: Buffer, position: number): Promise<number> {
    return this.#file.read(target, position)
  }
  writeSync(slices: readonly Buffer[], position: number): void {
    let at = position
    for (const slice of slices) {
      this.#files.checkSpace(at + slice.length - this.#file.size)
      this.#file.write(slice, at, this.#files.nowMs())
      at += slice.length
    }
  }
  async write(slices: readonly Buffer[], position: number): Promise<void> {
    this.writeSync(slices, position)
  }
  truncate(size: number): void {
    this.#file.truncate(size, this.#files.nowMs())
  }
  syncNow(): void {
    this.#file.sync()
  }
  async sync(): Promise<void> {
    this.#file.sync()
  }
  close(): void {}
}

/** An error like those of node:fs. */
export function failure(code: string, what: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${what}`), { code })
}

function partsOf(file: string): string[] {
  return file.split('/').filter((part) => part !== '' && part !== '.')
}
