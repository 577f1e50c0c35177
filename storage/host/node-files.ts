import fs from 'node:fs'
import path from 'node:path'
import type { FileHandle, FileLock, FileStat, Files } from './host.ts'
import { lockFile } from './node-file-lock.ts'
import { openFilesLimit } from './node-open-limit.ts'
import { readFully, withoutFirst, writeFully } from './whole-transfers.ts'

const OPEN_FLAGS = {
  r: fs.constants.O_RDONLY,
  'r+': fs.constants.O_RDWR,
  // Not O_APPEND: with it Linux ignores the position of a write.
  'a+': fs.constants.O_RDWR | fs.constants.O_CREAT,
} as const

/** The file system of the machine. */
export class NodeFiles implements Files {
  readonly openLimit = openFilesLimit()

  join(...parts: string[]): string {
    return path.join(...parts)
  }

  open(file: string, mode: 'r' | 'r+' | 'a+'): FileHandle {
    return new NodeFileHandle(file, fs.openSync(file, OPEN_FLAGS[mode], 0o644))
  }

  exists(file: string): boolean {
    return fs.existsSync(file)
  }

  stat(file: string): FileStat | undefined {
    const stat = fs.statSync(file, { throwIfNoEntry: false })
    if (stat === undefined) return undefined
    const { size, mtimeMs, dev } = stat
    return { size, modifiedMs: Math.floor(mtimeMs), isDirectory: stat.isDirectory(), device: dev }
  }

  list(directory: string): string[] {
    return fs.readdirSync(directory)
  }

  makeDirectory(directory: string): void {
    makeWithParents(path.resolve(directory))
  }

  readWhole(file: string): Buffer | undefined {
    try {
      return fs.readFileSync(file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  replaceWhole(file: string, content: Buffer | string): void {
    const temporary = `${file}.tmp`
    const descriptor = fs.openSync(temporary, 'w', 0o644)
    try {
      fs.writeFileSync(descriptor, content)
      fs.fsyncSync(descriptor)
    } catch (error) {
      // On a full disk, a partly written file would take the remaining room.
      fs.rmSync(temporary, { force: true })
      throw error
    } finally {
      fs.closeSync(descriptor)
    }
    fs.renameSync(temporary, file)
    this.syncDirectory(path.dirname(file))
  }

  rename(from: string, to: string): void {
    fs.renameSync(from, to)
  }

  remove(file: string): void {
    fs.rmSync(file, { recursive: true, force: true })
  }

  syncDirectory(directory: string): void {
    // Windows cannot open directories; NTFS journals names by itself.
    if (process.platform === 'win32') return
    const descriptor = fs.openSync(directory, 'r')
    try {
      fs.fsyncSync(descriptor)
    } finally {
      fs.closeSync(descriptor)
    }
  }

  removeAside(file: string): Promise<void> {
    return fs.promises.rm(file, { recursive: true, force: true })
  }

  async syncDirectoryAside(directory: string): Promise<void> {
    if (process.platform === 'win32') return
    const handle = await fs.promises.open(directory, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  }

  lock(file: string): FileLock | undefined {
    return lockFile(file)
  }

  space(file: string): { freeBytes: number; totalBytes: number } {
    const stat = fs.statfsSync(file)
    return { freeBytes: stat.bavail * stat.bsize, totalBytes: stat.blocks * stat.bsize }
  }
}

class NodeFileHandle implements FileHandle {
  readonly path: string
  readonly #descriptor: number

  constructor(file: string, descriptor: number) {
    this.path = file
    this.#descriptor = descriptor
  }

  size(): number {
    return fs.fstatSync(this.#descriptor).size
  }

  readSync(target: Buffer, position: number): number {
    return readFully((part, at) => fs.readSync(this.#descriptor, part, 0, part.length, at), target, position)
  }

  read(target: Buffer, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const next = (done: number): void => {
        fs.read(this.#descriptor, target, done, target.length - done, position + done, (error, count) => {
          if (error) reject(error)
          else if (count === 0 || done + count === target.length) resolve(done + count)
          else next(done + count)
        })
      }
      next(0)
    })
  }

  writeSync(slices: readonly Buffer[], position: number): void {
    writeFully((rest, at) => writeSome(this.#descriptor, rest, at), slices, position)
  }

  write(slices: readonly Buffer[], position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const next = (rest: readonly Uint8Array[], at: number): void => {
        if (rest.length === 0) {
          resolve()
          return
        }
        fs.writev(this.#descriptor, rest as Buffer[], at, (error, count) => {
          if (error) reject(error)
          else next(withoutFirst(rest, count), at + count)
        })
      }
      next(slices, position)
    })
  }

  truncate(size: number): void {
    fs.ftruncateSync(this.#descriptor, size)
  }

  syncNow(): void {
    fs.fdatasyncSync(this.#descriptor)
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#descriptor, (error) => (error ? reject(error) : resolve()))
    })
  }

  close(): void {
    fs.closeSync(this.#descriptor)
  }
}

function writeSome(descriptor: number, slices: readonly Uint8Array[], position: number): number {
  const only = slices[0]!
  return slices.length === 1
    ? fs.writeSync(descriptor, only, 0, only.length, position)
    : fs.writevSync(descriptor, slices as Buffer[], position)
}

/** Not Node's `recursive`: it retries for ever if an existing parent answers ENOENT, as /proc does. */
function makeWithParents(directory: string): void {
  const stat = fs.statSync(directory, { throwIfNoEntry: false })
  if (stat?.isDirectory()) return
  const parent = path.dirname(directory)
  if (stat === undefined && parent !== directory) makeWithParents(parent)
  try {
    fs.mkdirSync(directory)
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory()) throw error
  }
}
