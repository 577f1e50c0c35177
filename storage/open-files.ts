import { invariant } from '../protocol/invariant.ts'
import type { FileHandle, Files } from './host/host.ts'
import { isOpenLimitError, openLimits } from './open-limits.ts'

interface OpenFile {
  readonly handle: FileHandle
  /** Operations under way: the handle must not be closed. */
  pins: number
  lastUse: number
  /** Callbacks for when no operation uses the file: a rename or a removal, which Windows refuses for open files. */
  whenClosed: (() => void) | undefined
}

/** A handle that stays open for an operation. */
export interface PinnedFile {
  readonly handle: FileHandle
  unpin(): void
}

/** Access to files by path: OpenFiles, and LogFiles for one log. */
export type FileAccess = Pick<OpenFiles, 'files' | 'create' | 'use' | 'pin' | 'whenClosed' | 'detach'>

/** Open file handles, the least recently used closed beyond a limit: an operating system gives a process only so many. */
export class OpenFiles {
  readonly files: Files
  readonly #limit: number
  readonly #onRefused: (error: Error) => void
  readonly #open = new Map<string, OpenFile>()
  #uses = 0

  /** onRefused: called if the system opens no further file even after unused handles were closed. */
  constructor(files: Files, onRefused: (error: Error) => void = () => {}, limit = openLimits(files.openLimit).files) {
    this.files = files
    this.#limit = limit
    this.#onRefused = onRefused
  }

  get count(): number {
    return this.#open.size
  }

  /** Makes an empty file where there is none. */
  create(path: string): void {
    this.#add(path, 'a+')
  }

  /** The handle of an existing file, for a synchronous operation. */
  use(path: string): FileHandle {
    return this.#find(path).handle
  }

  /** The handle of an existing file, kept open until it is unpinned. Unpin exactly once. */
  pin(path: string): PinnedFile {
    const file = this.#find(path)
    file.pins++
    const unpin = (): void => {
      invariant(file.pins > 0, `${path} is not pinned`)
      file.pins--
      if (file.pins === 0 && file.whenClosed !== undefined) this.#close(path, file)
    }
    return { handle: file.handle, unpin }
  }

  /** Closes the file and calls back: at once if no operation is under way, else after the last one. */
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

  /** Call before the path gets another file: operations under way keep their handle. */
  detach(path: string): void {
    const file = this.#open.get(path)
    if (file === undefined) return
    if (file.pins === 0) this.#close(path, file)
    else {
      this.#open.delete(path)
      file.whenClosed ??= () => {}
    }
  }

  /** The same for all files of a directory. */
  detachWithin(directory: string): void {
    const inside = this.files.join(directory, 'x').slice(0, -1)
    for (const path of [...this.#open.keys()]) if (path.startsWith(inside)) this.detach(path)
  }

  /** Closes all unused handles. */
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
    const file = { handle: this.#openHandle(path, mode), pins: 0, lastUse: ++this.#uses, whenClosed: undefined }
    this.#open.set(path, file)
    return file
  }

  /** Sockets and other files may have used up what the process may open: unused handles make room. */
  #openHandle(path: string, mode: 'r+' | 'a+'): FileHandle {
    try {
      return this.files.open(path, mode)
    } catch (error) {
      if (!isOpenLimitError(error)) throw error
    }
    this.#makeRoom()
    try {
      return this.files.open(path, mode)
    } catch (error) {
      if (isOpenLimitError(error)) this.#onRefused(error as Error)
      throw error
    }
  }

  #close(path: string, file: OpenFile): void {
    if (this.#open.get(path) === file) this.#open.delete(path)
    file.handle.close()
    file.whenClosed?.()
  }

  /** An eighth at a time, so that the search is rare. */
  #makeRoom(): void {
    const idle = [...this.#open].filter(([, file]) => file.pins === 0)
    idle.sort(([, a], [, b]) => a.lastUse - b.lastUse)
    for (const [path, file] of idle.slice(0, Math.ceil(this.#limit / 8))) this.#close(path, file)
  }
}
