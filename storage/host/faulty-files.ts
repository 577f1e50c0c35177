import type { FileHandle, FileLock, FileStat, Files } from './host.ts'
import { failure, type MemoryFiles } from './memory-files.ts'
import type { MemoryFile } from './memory-tree.ts'
import type { SeededRandom } from './seeded-random.ts'
import { readFully, writeFully } from './whole-transfers.ts'

/** Frequency of each fault: once in this number of operations on average; 0: never. */
export interface FaultRates {
  readonly writeError: number
  readonly readError: number
  readonly syncError: number
  /** Only a part of the bytes is written or read at a time. */
  readonly shortTransfer: number
  /** The sync takes seconds. */
  readonly slowSync: number
  /** The process ends in the middle of an operation. */
  readonly crash: number
}

export const NO_FAULTS: FaultRates = {
  writeError: 0,
  readError: 0,
  syncError: 0,
  shortTransfer: 0,
  slowSync: 0,
  crash: 0,
}

/**
 * Permanent fault of a part of the disk. dead: every operation fails with EIO. unreadable, unwritable: reads or changes
 * fail with EIO. read-only: changes fail with EROFS. full: files cannot grow, ENOSPC. slow: nothing fails, but each
 * change takes 100 to 300 ms; on the loop it blocks everything else for that time.
 */
export type PathEffect = 'dead' | 'unreadable' | 'unwritable' | 'read-only' | 'full' | 'slow'

/** A fault of some paths only: one of several data directories, one log of many, one kind of file. */
export interface PathFault {
  readonly concerns: (path: string) => boolean
  readonly effect: PathEffect
}

/** Matches a directory and everything in it; /data/d1 does not match /data/d10. */
export function within(directory: string): (path: string) => boolean {
  return (path) => path === directory || path.startsWith(`${directory}/`)
}

type Access = 'look' | 'open to write' | 'read' | 'change' | 'grow'

/** The error code with which each effect meets each access; left out: nothing happens. */
const codes: Readonly<Record<PathEffect, Partial<Record<Access, string>>>> = {
  dead: { look: 'EIO', read: 'EIO', change: 'EIO', grow: 'EIO' },
  unreadable: { read: 'EIO' },
  unwritable: { change: 'EIO', grow: 'EIO' },
  'read-only': { 'open to write': 'EROFS', change: 'EROFS', grow: 'EROFS' },
  full: { grow: 'ENOSPC' },
  slow: {},
}

/** Thrown by the operation in which the process crashes; nothing may catch it and go on. */
export class SimulatedCrash extends Error {
  override readonly name = 'SimulatedCrash'
}

/** Clock functions that the files need. */
export interface FileTime {
  readonly schedule: (delayMs: number, callback: () => void) => void
  /** Lets time pass while nothing else happens. */
  readonly stall: (durationMs: number) => void
}

/** A change of a slow path that the loop waited for. */
export interface Stall {
  readonly operation: 'create' | 'write' | 'truncate' | 'rename' | 'remove' | 'sync'
  readonly path: string
}

/** Files in memory whose operations take time, and fail as the rates say. */
export class FaultyFiles implements Files {
  rates: FaultRates = NO_FAULTS
  openLimit = Number.POSITIVE_INFINITY
  /** Counts down with every change; the change that finds 0 ends the process. Infinity: never. */
  crashAfterChanges = Number.POSITIVE_INFINITY
  /** Faults of single paths, active while they are in this list. */
  pathFaults: readonly PathFault[] = []
  /** Number of faults of paths so far. */
  pathFaultsStruck = 0
  /** Set once the process has crashed in an operation. */
  crashed = false
  /** Number of faults of each kind so far. */
  readonly struck: Record<keyof FaultRates, number> = {
    writeError: 0,
    readError: 0,
    syncError: 0,
    shortTransfer: 0,
    slowSync: 0,
    crash: 0,
  }
  readonly #memory: MemoryFiles
  readonly #random: SeededRandom
  readonly #time: FileTime
  #boot = 0
  /** Set while an operation off the loop is carried out. */
  #isAside = false
  /** Number of changes of slow paths on the loop so far. */
  readonly stalls: Stall[] = []
  /** Operations under way off the loop, and their maximum so far. */
  aside = { underWay: 0, most: 0 }

  constructor(memory: MemoryFiles, random: SeededRandom, time: FileTime) {
    this.#memory = memory
    this.#random = random
    this.#time = time
  }

  /** Ends the process: its handles no longer work, its locks are free, and the next process may start. */
  reboot(): void {
    this.#boot++
    this.crashed = false
    this.aside = { underWay: 0, most: 0 }
    this.crashAfterChanges = Number.POSITIVE_INFINITY
    this.#memory.forgetLocks()
  }

  join(...parts: string[]): string {
    return this.#memory.join(...parts)
  }
  open(file: string, mode: 'r' | 'r+' | 'a+'): FileHandle {
    this.#meet(file, 'look')
    if (mode !== 'r') this.#meet(file, 'open to write')
    if (mode === 'a+' && !this.#memory.exists(file)) this.#change('create', file, 'grow')
    return new FaultyFileHandle(file, this.#memory.openFile(file, mode), this, this.#boot)
  }
  /** As with node:fs, false if the disk fails. */
  exists(file: string): boolean {
    return this.#codeAt(file, 'look') === undefined && this.#memory.exists(file)
  }
  stat(file: string): FileStat | undefined {
    this.#meet(file, 'look')
    return this.#memory.stat(file)
  }
  list(directory: string): string[] {
    this.#meet(directory, 'look')
    return this.#memory.list(directory)
  }
  makeDirectory(directory: string): void {
    if (this.#memory.exists(directory)) this.#meet(directory, 'look')
    else this.#change('create', directory, 'grow')
    this.#memory.makeDirectory(directory)
  }
  readWhole(file: string): Buffer | undefined {
    this.#meet(file, 'look')
    if (this.#memory.exists(file)) this.#meet(file, 'read')
    if (this.#strikes('readError')) throw failure('EIO', `read ${file}`)
    return this.#memory.readWhole(file)
  }
  /** Step by step, so that a crash may happen between any two steps. */
  replaceWhole(file: string, content: Buffer | string): void {
    const temporary = `${file}.tmp`
    const handle = this.open(temporary, 'a+')
    handle.truncate(0)
    handle.writeSync([Buffer.from(content)], 0)
    handle.syncNow()
    handle.close()
    this.rename(temporary, file)
    this.syncDirectory(this.join(file, '..'))
  }
  rename(from: string, to: string): void {
    this.#meet(to, 'change')
    this.#change('rename', from)
    this.#memory.rename(from, to)
  }
  remove(file: string): void {
    this.#change('remove', file)
    this.#memory.remove(file)
  }
  syncDirectory(directory: string): void {
    this.#change('sync', directory)
    if (this.#strikes('syncError')) throw failure('EIO', `fsync ${directory}`)
    this.#memory.syncDirectory(directory)
  }
  removeAside(file: string): Promise<void> {
    return this.later(this.writeDelayMs(file), () => this.remove(file))
  }
  syncDirectoryAside(directory: string): Promise<void> {
    return this.later(this.syncDelayMs(directory), () => this.syncDirectory(directory))
  }
  lock(file: string): FileLock | undefined {
    this.#meet(file, 'look')
    this.#meet(file, 'open to write')
    return this.#memory.lock(file)
  }
  space(file: string): { freeBytes: number; totalBytes: number } {
    this.#meet(file, 'look')
    return this.#memory.space(file)
  }

  // Functions that the handles use.

  checkBoot(boot: number): void {
    if (boot !== this.#boot || this.crashed) throw new SimulatedCrash('the process has ended')
  }

  readSome({ file, path }: OpenFile, target: Uint8Array, position: number): number {
    this.#meet(path, 'read')
    if (this.#strikes('readError')) throw failure('EIO', 'read')
    const part = this.#strikes('shortTransfer') ? target.subarray(0, 1 + this.#random.below(target.length)) : target
    return file.read(part, position)
  }

  writeSome({ file, path }: OpenFile, slices: readonly Uint8Array[], position: number): number {
    this.#meet(path, position + slices[0]!.length > file.size ? 'grow' : 'change')
    this.#stall('write', path)
    const first = slices[0]!
    const failing = this.#strikes('writeError')
    const short = failing || this.#strikes('shortTransfer')
    const part = short ? first.subarray(0, 1 + this.#random.below(Math.max(1, first.length))) : first
    if (this.#crashesNow()) {
      file.write(first.subarray(0, this.#random.below(first.length + 1)), position, this.#memory.nowMs())
      this.#crash()
    }
    this.#memory.checkSpace(position + part.length - file.size)
    if (failing && this.#random.oneIn(2)) throw failure('EIO', 'write')
    file.write(part, position, this.#memory.nowMs())
    if (failing) throw failure('EIO', 'write')
    return part.length
  }

  truncate({ file, path }: OpenFile, size: number): void {
    this.#change('truncate', path, size > file.size ? 'grow' : 'change')
    file.truncate(size, this.#memory.nowMs())
  }

  sync({ file, path }: OpenFile): void {
    this.#change('sync', path)
    if (this.#strikes('syncError')) throw failure('EIO', 'fdatasync')
    file.sync()
  }

  /** Does an operation after its delay; it never completes if the process ends before. */
  later<T>(delayMs: number, operation: () => T): Promise<T> {
    const boot = this.#boot
    this.aside.underWay++
    this.aside.most = Math.max(this.aside.most, this.aside.underWay)
    return new Promise((resolve, reject) => {
      this.#time.schedule(delayMs, () => {
        if (boot !== this.#boot || this.crashed) return
        this.aside.underWay--
        this.#isAside = true
        try {
          resolve(operation())
        } catch (error) {
          if (!(error instanceof SimulatedCrash)) reject(error)
        } finally {
          this.#isAside = false
        }
      })
    })
  }

  readDelayMs(): number {
    return this.#random.below(100) / 50
  }

  writeDelayMs(path: string): number {
    return this.#isSlow(path) ? this.#slowMs() : this.#random.below(100) / 50
  }

  syncDelayMs(path: string): number {
    if (this.#isSlow(path)) return this.#slowMs()
    return this.#strikes('slowSync') ? 1000 + this.#random.below(5000) : this.#random.below(100) / 10
  }

  #slowMs(): number {
    return 100 + this.#random.below(200)
  }

  #isSlow(path: string): boolean {
    return this.pathFaults.some(({ concerns, effect }) => effect === 'slow' && concerns(path))
  }

  /** The loop waits for a change of a slow path. */
  #stall(operation: Stall['operation'], path: string): void {
    if (this.#isAside || !this.#isSlow(path)) return
    this.stalls.push({ operation, path })
    this.#time.stall(this.#slowMs())
  }

  #change(operation: Stall['operation'], path: string, access: 'change' | 'grow' = 'change'): void {
    if (this.crashed) throw new SimulatedCrash('the process has ended')
    if (this.#crashesNow()) this.#crash()
    this.#meet(path, access)
    this.#stall(operation, path)
    if (this.#strikes('writeError')) throw failure('EIO', path)
  }

  /** Throws the error of the path's fault for that access, if there is one. */
  #meet(path: string, access: Access): void {
    const code = this.#codeAt(path, access)
    if (code !== undefined) throw failure(code, `${access} ${path}`)
  }

  #codeAt(path: string, access: Access): string | undefined {
    for (const { concerns, effect } of this.pathFaults) {
      const code = codes[effect][access]
      if (code === undefined || !concerns(path)) continue
      this.pathFaultsStruck++
      return code
    }
    return undefined
  }

  #crashesNow(): boolean {
    return this.crashAfterChanges-- <= 0 || this.#isTime(this.rates.crash)
  }

  #crash(): never {
    this.crashed = true
    this.struck.crash++
    throw new SimulatedCrash('the process ends here')
  }

  #strikes(fault: Exclude<keyof FaultRates, 'crash'>): boolean {
    const strikes = this.#isTime(this.rates[fault])
    if (strikes) this.struck[fault]++
    return strikes
  }

  #isTime(rate: number): boolean {
    return rate > 0 && this.#random.oneIn(rate)
  }
}

/** A file and the path under which it was opened. */
interface OpenFile {
  readonly path: string
  readonly file: MemoryFile
}

class FaultyFileHandle implements FileHandle {
  readonly path: string
  readonly #open: OpenFile
  readonly #files: FaultyFiles
  readonly #boot: number
  #closed = false

  constructor(path: string, file: MemoryFile, files: FaultyFiles, boot: number) {
    this.path = path
    this.#open = { path, file }
    this.#files = files
    this.#boot = boot
  }

  size(): number {
    this.#check()
    return this.#open.file.size
  }

  readSync(target: Buffer, position: number): number {
    this.#check()
    return readFully((part, at) => this.#files.readSome(this.#open, part, at), target, position)
  }

  read(target: Buffer, position: number): Promise<number> {
    return this.#files.later(this.#files.readDelayMs(), () => this.readSync(target, position))
  }

  writeSync(slices: readonly Buffer[], position: number): void {
    this.#check()
    writeFully((rest, at) => this.#files.writeSome(this.#open, rest, at), slices, position)
  }

  write(slices: readonly Buffer[], position: number): Promise<void> {
    return this.#files.later(this.#files.writeDelayMs(this.path), () => this.writeSync(slices, position))
  }

  truncate(size: number): void {
    this.#check()
    this.#files.truncate(this.#open, size)
  }

  syncNow(): void {
    this.#check()
    this.#files.sync(this.#open)
  }

  sync(): Promise<void> {
    return this.#files.later(this.#files.syncDelayMs(this.path), () => this.syncNow())
  }

  close(): void {
    this.#check()
    this.#closed = true
  }

  #check(): void {
    this.#files.checkBoot(this.#boot)
    if (this.#closed) throw failure('EBADF', this.path)
  }
}
