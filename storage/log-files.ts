import type { FileHandle, FileLock, FileStat, Files } from './host/host.ts'
import type { FileAccess, OpenFiles, PinnedFile } from './open-files.ts'

/** The log was deleted or set aside. Its paths may now belong to a new log of the same name. */
export class LogGoneError extends Error {
  override readonly name = 'LogGoneError'
  readonly code = 'ESTALE'
  constructor(directory: string) {
    super(`ESTALE: the log of ${directory} is gone`)
  }
}

/**
 * The files of one log. The directory of a deleted log is renamed, and a new log may take its name at once. So once the
 * log is released, late work (a write, a flush, a compaction, a timer) can no longer use its paths.
 * Operations on handles that are already open still reach the right files.
 */
export class LogFiles implements FileAccess {
  readonly files: Files
  readonly #shared: OpenFiles
  readonly #directory: string
  #isReleased = false
  /** Callbacks waiting for a file to be closed. */
  readonly #waiting = new Set<() => void>()

  constructor(shared: OpenFiles, directory: string) {
    this.#shared = shared
    this.#directory = directory
    this.files = new GuardedFiles(shared.files, () => this.#check())
  }

  /** Must be called before the directory is renamed. */
  release(): void {
    this.#isReleased = true
    this.#shared.detachWithin(this.#directory)
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }

  create(path: string): void {
    this.#check()
    this.#shared.create(path)
  }

  use(path: string): FileHandle {
    this.#check()
    return this.#shared.use(path)
  }

  pin(path: string): PinnedFile {
    this.#check()
    return this.#shared.pin(path)
  }

  /** Never calls once the log is released. */
  whenClosed(path: string, then: () => void): void {
    if (this.#isReleased) return
    this.#shared.whenClosed(path, () => {
      if (!this.#isReleased) then()
    })
  }

  /** Resolves once the file is closed, or the log released. */
  closed(path: string): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve)
      this.whenClosed(path, () => {
        this.#waiting.delete(resolve)
        resolve()
      })
      if (this.#isReleased) resolve()
    })
  }

  detach(path: string): void {
    if (!this.#isReleased) this.#shared.detach(path)
  }

  #check(): void {
    if (this.#isReleased) throw new LogGoneError(this.#directory)
  }
}

/** Files that are checked before each use; the check may throw. */
class GuardedFiles implements Files {
  readonly #files: Files
  readonly #check: () => void

  constructor(files: Files, check: () => void) {
    this.#files = files
    this.#check = check
  }

  get #checked(): Files {
    this.#check()
    return this.#files
  }

  get openLimit(): number {
    return this.#files.openLimit
  }
  join(...parts: string[]): string {
    return this.#files.join(...parts)
  }
  open(path: string, mode: 'r' | 'r+' | 'a+'): FileHandle {
    return this.#checked.open(path, mode)
  }
  exists(path: string): boolean {
    return this.#checked.exists(path)
  }
  stat(path: string): FileStat | undefined {
    return this.#checked.stat(path)
  }
  list(directory: string): string[] {
    return this.#checked.list(directory)
  }
  makeDirectory(path: string): void {
    this.#checked.makeDirectory(path)
  }
  readWhole(path: string): Buffer | undefined {
    return this.#checked.readWhole(path)
  }
  replaceWhole(path: string, content: Buffer | string): void {
    this.#checked.replaceWhole(path, content)
  }
  rename(from: string, to: string): void {
    this.#checked.rename(from, to)
  }
  remove(path: string): void {
    this.#checked.remove(path)
  }
  async removeAside(path: string): Promise<void> {
    await this.#checked.removeAside(path)
  }
  syncDirectory(path: string): void {
    this.#checked.syncDirectory(path)
  }
  async syncDirectoryAside(path: string): Promise<void> {
    await this.#checked.syncDirectoryAside(path)
  }
  lock(path: string): FileLock | undefined {
    return this.#checked.lock(path)
  }
  space(path: string): { readonly freeBytes: number; readonly totalBytes: number } {
    return this.#checked.space(path)
  }
}
