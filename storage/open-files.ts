import { invariant } from '../protocol/invariant.ts'
import type { FileHandle, Files } from './host/host.ts'

interface OpenFile {
  readonly handle: FileHandle
  /** Operations under way: the handle must not be closed. */
  pins: number
  lastUse: number
  /** What waits until nobody uses the file: a rename or a removal, which Windows refuses for open files. */
  whenClosed: (() => void) | undefined
}

/** Open file handles, the least recently used closed beyond a limit: an operating system gives a process only so many. */
export class OpenFiles {
  readonly files: Files
  readonly #limit: number
  readonly #open = new Map<string, OpenFile>()
  #uses = 0

  constructor(files: Files, limit = 1000) {
    this.files = files
    this.#limit = limit
  }

  get count(): number {
    return this.#open.size
  }

  /** Makes an empty file where there is none. */
  create(path: string): void {
    this.#add(path, 'a+')
  }

  /** The handle of an existing file, for an operation that ends before anything else runs. */
  use(path: string): FileHandle {
    return this.#find(path).handle
  }

  /** The handle of an existing file, kept open until `unpin`. */
  pin(path: string): FileHandle {
    const file = this.#find(path)
    file.pins++
    return file.handle
  }

  unpin(path: string): void {
    const file = this.#open.get(path)
    invariant(file !== undefined && file.pins > 0, `${path} is not pinned`)
    file.pins--
    if (file.pins === 0 && file.whenClosed !== undefined) this.#close(path, file)
  }

  /** Closes the file and calls; at once where no operation is under way, else after the last of them. */
  whenClosed(path: string, then: () => void): void {
    const file = this.#open.get(path)
    if (file === undefined) {
      then()
      return
    }
    const earlier = file.whenClosed
    file.whenClosed = () => {
      earlier?.()
      then()
    }
    if (file.pins === 0) this.#close(path, file)
  }

  /** Closes all that nobody uses. */
  closeAll(): void {
    for (const [path, file] of this.#open) if (file.pins === 0) this.#close(path, file)
  }

  #find(path: string): OpenFile {
    const file = this.#open.get(path) ?? this.#add(path, 'r+')
    file.lastUse = ++this.#uses
    return file
  }

  #add(path: string, mode: 'r+' | 'a+'): OpenFile {
    if (this.#open.size >= this.#limit) this.#makeRoom()
    const file = { handle: this.files.open(path, mode), pins: 0, lastUse: ++this.#uses, whenClosed: undefined }
    this.#open.set(path, file)
    return file
  }

  #close(path: string, file: OpenFile): void {
    this.#open.delete(path)
    file.handle.close()
    file.whenClosed?.()
  }

  /** An eighth at a time, so that the search is paid rarely. */
  #makeRoom(): void {
    const idle = [...this.#open].filter(([, file]) => file.pins === 0)
    idle.sort(([, a], [, b]) => a.lastUse - b.lastUse)
    for (const [path, file] of idle.slice(0, Math.ceil(this.#limit / 8))) this.#close(path, file)
  }
}
