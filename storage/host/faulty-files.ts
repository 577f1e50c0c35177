import type { FileHandle, FileLock, FileStat, Files } from './host.ts'
import { failure, type MemoryFiles } from './memory-files.ts'
import type { MemoryFile } from './memory-tree.ts'
import type { SeededRandom } from './seeded-random.ts'
import { readFully, writeFully } from './whole-transfers.ts'

/** How often each fault strikes: once in so many operations on average; 0: never. */
export interface FaultRates {
  readonly writeError: number
  readonly readError: number
  readonly syncError: number
  /** Of these bytes a part only is written or read at a time. */
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

/** Thrown out of an operation by which the process ends; nothing may catch it and go on. */
export class SimulatedCrash extends Error {
  override readonly name = 'SimulatedCrash'
}

type Schedule = (delayMs: number, callback: () => void) => void

/** Files in memory whose operations take time, and fail as the rates say. */
export class FaultyFiles implements Files {
  rates: FaultRates = NO_FAULTS
  /** Counts down with every operation that changes something; the one that finds 0 ends the process. Infinity: never. */
  crashAfterChanges = Number.POSITIVE_INFINITY
  /** Set once the process has ended by a crash in an operation. */
  crashed = false
  /** How often each fault has struck so far. */
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
  readonly #schedule: Schedule
  #boot = 0

  constructor(memory: MemoryFiles, random: SeededRandom, schedule: Schedule) {
    this.#memory = memory
    this.#random = random
    this.#schedule = schedule
  }

  /** The process is gone: its handles are dead, its locks free; the next one starts. */
  reboot(): void {
    this.#boot++
    this.crashed = false
    this.crashAfterChanges = Number.POSITIVE_INFINITY
    this.#memory.forgetLocks()
  }

  join(...parts: string[]): string {
    return this.#memory.join(...parts)
  }
  open(file: string, mode: 'r' | 'r+' | 'a+'): FileHandle {
    if (mode === 'a+' && !this.#memory.exists(file)) this.#change(file)
    return new FaultyFileHandle(file, this.#memory.openFile(file, mode), this, this.#boot)
  }
  exists(file: string): boolean {
    return this.#memory.exists(file)
  }
  stat(file: string): FileStat | undefined {
    return this.#memory.stat(file)
  }
  list(directory: string): string[] {
    return this.#memory.list(directory)
  }
  makeDirectory(directory: string): void {
    this.#change(directory)
    this.#memory.makeDirectory(directory)
  }
  readWhole(file: string): Buffer | undefined {
    if (this.#strikes('readError')) throw failure('EIO', `read ${file}`)
    return this.#memory.readWhole(file)
  }
  /** Step by step, so that a crash may come between any two. */
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
    this.#change(from)
    this.#memory.rename(from, to)
  }
  remove(file: string): void {
    this.#change(file)
    this.#memory.remove(file)
  }
  syncDirectory(directory: string): void {
    this.#change(directory)
    if (this.#strikes('syncError')) throw failure('EIO', `fsync ${directory}`)
    this.#memory.syncDirectory(directory)
  }
  lock(file: string): FileLock | undefined {
    return this.#memory.lock(file)
  }
  space(file: string): { freeBytes: number; totalBytes: number } {
    return this.#memory.space(file)
  }

  // What the handles need.

  checkBoot(boot: number): void {
    if (boot !== this.#boot || this.crashed) throw new SimulatedCrash('the process has ended')
  }

  readSome(file: MemoryFile, target: Uint8Array, position: number): number {
    if (this.#strikes('readError')) throw failure('EIO', 'read')
    const part = this.#strikes('shortTransfer') ? target.subarray(0, 1 + this.#random.below(target.length)) : target
    return file.read(part, position)
  }

  writeSome(file: MemoryFile, slices: readonly Uint8Array[], position: number): number {
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

  truncate(file: MemoryFile, size: number): void {
    this.#change('truncate')
    file.truncate(size, this.#memory.nowMs())
  }

  sync(file: MemoryFile): void {
    this.#change('sync')
    if (this.#strikes('syncError')) throw failure('EIO', 'fdatasync')
    file.sync()
  }

  /** Carries out an operation after the time that it takes; it never completes where the process ends before. */
  later<T>(delayMs: number, operation: () => T): Promise<T> {
    const boot = this.#boot
    return new Promise((resolve, reject) => {
      this.#schedule(delayMs, () => {
        if (boot !== this.#boot || this.crashed) return
        try {
          resolve(operation())
        } catch (error) {
          if (!(error instanceof SimulatedCrash)) reject(error)
        }
      })
    })
  }

  transferDelayMs(): number {
    return this.#random.below(100) / 50
  }

  syncDelayMs(): number {
    return this.#strikes('slowSync') ? 1000 + this.#random.below(5000) : this.#random.below(100) / 10
  }

  #change(what: string): void {
    if (this.crashed) throw new SimulatedCrash('the process has ended')
    if (this.#crashesNow()) this.#crash()
    if (this.#strikes('writeError')) throw failure('EIO', what)
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

class FaultyFileHandle implements FileHandle {
  readonly path: string
  readonly #file: MemoryFile
  readonly #files: FaultyFiles
  readonly #boot: number
  #closed = false

  constructor(path: string, file: MemoryFile, files: FaultyFiles, boot: number) {
    this.path = path
    this.#file = file
    this.#files = files
    this.#boot = boot
  }

  size(): number {
    this.#check()
    return this.#file.size
  }

  readSync(target: Buffer, position: number): number {
    this.#check()
    return readFully((part, at) => this.#files.readSome(this.#file, part, at), target, position)
  }

  read(target: Buffer, position: number): Promise<number> {
    return this.#files.later(this.#files.transferDelayMs(), () => this.readSync(target, position))
  }

  writeSync(slices: readonly Buffer[], position: number): void {
    this.#check()
    writeFully((rest, at) => this.#files.writeSome(this.#file, rest, at), slices, position)
  }

  write(slices: readonly Buffer[], position: number): Promise<void> {
    return this.#files.later(this.#files.transferDelayMs(), () => this.writeSync(slices, position))
  }

  truncate(size: number): void {
    this.#check()
    this.#files.truncate(this.#file, size)
  }

  syncNow(): void {
    this.#check()
    this.#files.sync(this.#file)
  }

  sync(): Promise<void> {
    return this.#files.later(this.#files.syncDelayMs(), () => this.syncNow())
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
