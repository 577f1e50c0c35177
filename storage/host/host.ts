import type { CompressionName, DecompressionFault } from '../../protocol/compression/codec.ts'

/**
 * The only access to the machine: clock, timers, random, files, offloaded work. `node-host.ts` is the real one;
 * `simulated-host.ts` has virtual time and files in memory that can fail. All other code takes a `Host`.
 */
export interface Host {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly files: Files
  /** Number of threads for work off the loop: file operations and other long work. */
  readonly threads: number
  readonly offload: Offload
  readonly writeback: Writeback
  readonly loop: LoopTimes
  /** Reports a failure of something that the whole process relies on; the host ends the process (or the simulation). */
  readonly fatal: (reason: Error) => void
}

/** The system writing changed pages of files to the disk, by itself. */
export interface Writeback {
  /**
   * True while it writes much, or is about to: a write to a file may then wait for the disk, for 100 ms and more. Always
   * false where the system does not tell.
   */
  isUnderWay(): boolean
}

/** What the thread of the event loop did with its time. Milliseconds since some start. */
export interface LoopTimes {
  /**
   * It was ready to run and another had the processor. Always 0 where the system does not tell. maxAgeMs: how old the
   * answer may be.
   */
  withoutProcessorMs(maxAgeMs: number): number
  /** It waited, and nothing was to be done. */
  idleMs(): number
}

/** Work that is done beside the event loop. */
export interface Offload {
  /** Decompresses; undefined if this machine does it no faster than the loop. */
  decompress(codec: CompressionName, bytes: Buffer): OffloadedContent | undefined
  /** Compresses, or undefined as above. level: of the codec, or undefined for its default. */
  compress(codec: CompressionName, bytes: Buffer, level: number | undefined): Promise<Buffer> | undefined
}

/** Content that another thread decompresses, at most a few pieces ahead. */
export interface OffloadedContent {
  /** The next piece; undefined at the end. Call it again only after the promise has resolved. */
  next(): Promise<Buffer | DecompressionFault | undefined>
  /** Ends the work, whether or not it is done. */
  close(): void
}

export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump. */
  nowMs(): number
  /** Never goes back; milliseconds with a fraction from an arbitrary start. For durations and deadlines. */
  monotonicMs(): number
}

export interface Timer {
  /** Does nothing once the timer fired or was cancelled. */
  cancel(): void
}

export interface Timers {
  /** Calls once after at least delayMs. Does not keep the process alive by itself. */
  after(delayMs: number, callback: () => void): Timer
  /** Calls once after the current turn of the event loop, when its I/O callbacks have run (setImmediate). */
  atTurnEnd(callback: () => void): void
}

/** Seeded in simulation; cryptographically strong for real. */
export interface Random {
  bytes(size: number): Buffer
  /** A whole number from 0 up to bound - 1. */
  below(bound: number): number
  /** A version 4 uuid in Kafka's text form (22 characters of base64url), never one that starts with '-'. */
  uuid(): string
}

export interface FileStat {
  readonly size: number
  readonly modifiedMs: number
  readonly isDirectory: boolean
  /** Device number, equal for all files of one disk; 0: not known. */
  readonly device: number
}

/** Paths are plain strings, joined by `join`. Errors are those of node:fs, with `code` (ENOENT, ENOSPC, EIO, ...). */
export interface Files {
  /** Limit of open files and sockets of the process; Infinity if no limit is known. */
  readonly openLimit: number
  join(...parts: string[]): string
  /** 'r': must exist, read only. 'r+': must exist. 'a+': created when missing; read and write at any position. */
  open(path: string, mode: 'r' | 'r+' | 'a+'): FileHandle
  exists(path: string): boolean
  stat(path: string): FileStat | undefined
  list(directory: string): string[]
  makeDirectory(path: string): void
  /** Whole small file, for checkpoints; undefined where it does not exist. */
  readWhole(path: string): Buffer | undefined
  /** Write to a temporary neighbour, fsync it, rename over the target, fsync the directory. */
  replaceWhole(path: string, content: Buffer | string): void
  rename(from: string, to: string): void
  /** Removes a file, or a directory with its content. Does nothing if there is none. */
  remove(path: string): void
  /** The same off the loop: a large file takes long. */
  removeAside(path: string): Promise<void>
  /** Makes creations, renames and removals in a directory durable. */
  syncDirectory(path: string): void
  /** The same off the loop. */
  syncDirectoryAside(path: string): Promise<void>
  /** Takes an exclusive lock, held until release or process end; undefined if another process has it. */
  lock(path: string): FileLock | undefined
  /** Bytes free to an unprivileged user on the volume of path, and its total. */
  space(path: string): { readonly freeBytes: number; readonly totalBytes: number }
}

export interface FileLock {
  release(): void
}

/** Positions are bytes from the start of the file. Short reads happen only at its end; short writes never. */
export interface FileHandle {
  readonly path: string
  size(): number
  /** Reads up to target.length bytes; returns the number. */
  readSync(target: Buffer, position: number): number
  read(target: Buffer, position: number): Promise<number>
  /** Writes all slices one after the other. */
  writeSync(slices: readonly Buffer[], position: number): void
  write(slices: readonly Buffer[], position: number): Promise<void>
  truncate(size: number): void
  /** fdatasync on this thread; `sync` does it off the loop. */
  syncNow(): void
  sync(): Promise<void>
  close(): void
}
