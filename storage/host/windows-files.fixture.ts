import type { FileHandle, FileLock, FileStat, Files } from './host.ts'
import { failure } from './memory-files.ts'

/**
 * Files as strict as those of Windows: an open file, or a directory with one, cannot be renamed, removed or
 * replaced.
 */
export class WindowsFiles implements Files {
  readonly #files: Files
  /** How many handles each path has. */
  readonly #open = new Map<string, number>()

  constructor(files: Files) {
    this.#files = files
  }

  get openLimit(): number {
    return this.#files.openLimit
  }

  open(path: string, mode: 'r' | 'r+' | 'a+'): FileHandle {
    const handle = this.#files.open(path, mode)
    this.#open.set(path, (this.#open.get(path) ?? 0) + 1)
    return new WatchedHandle(handle, () => {
      const left = this.#open.get(path)! - 1
      if (left > 0) this.#open.set(path, left)
      else this.#open.delete(path)
    })
  }
  rename(from: string, to: string): void {
    this.#refuseOpen(from, 'rename')
    this.#refuseOpen(to, 'rename')
    this.#files.rename(from, to)
  }
  remove(path: string): void {
    this.#refuseOpen(path, 'rm')
    this.#files.remove(path)
  }
  async removeAside(path: string): Promise<void> {
    this.#refuseOpen(path, 'rm')
    await this.#files.removeAside(path)
  }
  syncDirectoryAside(path: string): Promise<void> {
    return this.#files.syncDirectoryAside(path)
  }
  replaceWhole(path: string, content: Buffer | string): void {
    this.#refuseOpen(path, 'rename')
    this.#files.replaceWhole(path, content)
  }

  #refuseOpen(path: string, what: string): void {
    for (const open of this.#open.keys()) {
      if (open === path || open.startsWith(`${path}/`)) throw failure('EPERM', `${what} ${path}: ${open} is open`)
    }
  }

  join(...parts: string[]): string {
    return this.#files.join(...parts)
  }
  exists(path: string): boolean {
    return this.#files.exists(path)
  }
  stat(path: string): FileStat | undefined {
    return this.#files.stat(path)
  }
  list(directory: string): string[] {
    return this.#files.list(directory)
  }
  makeDirectory(path: string): void {
    this.#files.makeDirectory(path)
  }
  readWhole(path: string): Buffer | undefined {
    return this.#files.readWhole(path)
  }
  syncDirectory(path: string): void {
    this.#files.syncDirectory(path)
  }
  lock(path: string): FileLock | undefined {
    return this.#files.lock(path)
  }
  space(path: string): { readonly freeBytes: number; readonly totalBytes: number } {
    return this.#files.space(path)
  }
}

class WatchedHandle implements FileHandle {
  readonly path: string
  readonly #handle: FileHandle
  readonly #closed: () => void

  constructor(handle: FileHandle, closed: () => void) {
    this.path = handle.path
    this.#handle = handle
    this.#closed = closed
  }

  size(): number {
    return this.#handle.size()
  }
  readSync(target: Buffer, position: number): number {
    return this.#handle.readSync(target, position)
  }
  read(target: Buffer, position: number): Promise<number> {
    return this.#handle.read(target, position)
  }
  writeSync(slices: readonly Buffer[], position: number): void {
    this.#handle.writeSync(slices, position)
  }
  write(slices: readonly Buffer[], position: number): Promise<void> {
    return this.#handle.write(slices, position)
  }
  truncate(size: number): void {
    this.#handle.truncate(size)
  }
  syncNow(): void {
    this.#handle.syncNow()
  }
  sync(): Promise<void> {
    return this.#handle.sync()
  }
  close(): void {
    this.#handle.close()
    this.#closed()
  }
}
