import type { CompressionName, DecompressionFault } from '../../protocol/compression/codec.ts'

/**
 * The only door to the machine: clock, timers, random, files, offloaded work. `node-host.ts` opens it for real,
 * `simulated-host.ts` in virtual time with files in memory that can fail. Everything else takes a `Host`.
 */
export interface Host {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly files: Files
  /** Threads that carry out work off the loop: file operations, and what else takes long. */
  readonly threads: number
  readonly offload: Offload
  /** Says that something the whole process relies on broke; the host ends the process (or the simulation). */
  readonly fatal: (reason: Error) => void
}

/** Work that is done beside the event loop. */
export interface Offload {
  /** Decompresses; undefined where this machine does that no better than the loop. */
  decompress(codec: CompressionName, bytes: Buffer): OffloadedContent | undefined
  /** Compresses likewise; level: of the codec, or undefined for its default. */
  compress(codec: CompressionName, bytes: Buffer, level: number | undefined): Promise<Buffer> | undefined
}

/** Content that another thread decompresses, no further ahead than a few pieces. */
export interface OffloadedContent {
  /** The next piece; undefined at the end. To be called again only once it has answered. */
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
  /** The same for all files of one disk; 0: not known. */
  readonly device: number
}

/** Paths are plain strings, joined by `join`. Errors are those of node:fs, with `code` (ENOENT, ENOSPC, EIO, ...). */
export interface Files {
  /** How many files and sockets the process may have open at a time; Infinity where no limit is known. */
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
  /** A file, or a directory with all that is in it. Nothing happens where there is none. */
  remove(path: string): void
  /** The same off the loop: a large file takes long. */
  removeAside(path: string): Promise<void>
  /** Makes creations, renames and removals in a directory survive a power loss. */
  syncDirectory(path: string): void
  /** The same off the loop. */
  syncDirectoryAside(path: string): Promise<void>
  /** Takes an exclusive lock held until release or process end; undefined where another process has it. */
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
  /** Reads up to target.length bytes; answers how many. */
  readSync(target: Buffer, position: number): number
  read(target: Buffer, position: number): Promise<number>
  /** Writes all slices one after the other. */
  writeSync(slices: readonly Buffer[], position: number): void
  write(slices: readonly Buffer[], position: number): Promise<void>
  truncate(size: number): void
  /** fdatasync on this thread; `sync` does it off it. */
  syncNow(): void
  sync(): Promise<void>
  close(): void
}
