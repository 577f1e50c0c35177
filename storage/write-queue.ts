import type { Lease } from '../protocol/buffer-pool.ts'
import type { Host } from './host/host.ts'
import type { FileAccess } from './open-files.ts'

/** More than this at once is written off the loop: it would stand still for too long. */
const LARGEST_SYNCHRONOUS_BYTES = 256 * 1024
/** A write that took longer says that the page cache is throttled: the next ones are written off the loop as well. */
const SLOW_WRITE_MS = 5
/** A write off the loop that took less says that it is not, or no longer. */
const FAST_WRITE_MS = 2

/** Who waits for a write. Exactly one of the two is called, in the order of appending. */
export interface AppendWaiter {
  readonly endOffset: number
  /** True: resolved once the file has been synced after the write. */
  readonly needsSync: boolean
  done(): void
  failed(error: Error): void
}

/** Bytes that lie one after the other in a file. */
interface Extent {
  readonly path: string
  readonly position: number
  readonly slices: Buffer[]
  sizeBytes: number
}

/** What the queue tells the log, always before the waiters hear of it. */
export interface WriteQueueEvents {
  /** Everything below that offset is in the file. */
  written(endOffset: number): void
  /** Everything below that offset is as durable as was asked for. */
  flushed(endOffset: number): void
  /** A write failed: nothing that was not yet written is. All waiting appends are told right after. */
  writeFailed(error: Error): void
  /** A sync failed: what of the file is on disk is unknown, and a second sync would not tell (fsync reports once). */
  syncFailed(error: Error): void
  /** A sync begins: names of files that were made since the last one have to survive as well. */
  syncNames(): void
}

/**
 * Appends of one log on their way to the file. All of one turn of the event loop go out as one gathered write:
 * synchronously while they are few and the disk keeps up, else with one write under way. Syncs are shared: one under way,
 * and all that was written before it began is durable when it ends.
 */
export class WriteQueue {
  readonly #host: Host
  readonly #openFiles: FileAccess
  readonly #events: WriteQueueEvents
  #extents: Extent[] = []
  #leases: Lease[] = []
  #waiters: AppendWaiter[] = []
  #isScheduled = false
  #isWriting = false
  #isSlow = false

  /** Written, in order; resolved from the front once the first needs no sync or has had one. */
  #written: AppendWaiter[] = []
  #isSyncing = false
  #unsyncedPaths = new Set<string>()
  #idleCallbacks: (() => void)[] = []
  #broken: Error | undefined

  constructor(host: Host, openFiles: FileAccess, events: WriteQueueEvents) {
    this.#host = host
    this.#openFiles = openFiles
    this.#events = events
  }

  /** Files written to since their last sync. */
  get unsyncedPaths(): ReadonlySet<string> {
    return this.#unsyncedPaths
  }

  get isIdle(): boolean {
    return !this.#isWriting && !this.#isSyncing && this.#waiters.length === 0 && this.#written.length === 0
  }

  /** Queues bytes for a position of a file. The lease is released once they are written. */
  add(path: string, position: number, bytes: Buffer, lease: Lease | undefined): void {
    const last = this.#extents.at(-1)
    if (last !== undefined && last.path === path && last.position + last.sizeBytes === position) {
      last.slices.push(bytes)
      last.sizeBytes += bytes.length
    } else this.#extents.push({ path, position, slices: [bytes], sizeBytes: bytes.length })
    if (lease !== undefined) {
      lease.retain()
      this.#leases.push(lease)
    }
  }

  /** Waits for all that was added so far. */
  wait(waiter: AppendWaiter): void {
    this.#waiters.push(waiter)
    if (this.#isScheduled || this.#isWriting) return
    this.#isScheduled = true
    this.#host.timers.atTurnEnd(() => {
      this.#isScheduled = false
      this.#write()
    })
  }

  /** Resolves once nothing is queued or under way. */
  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve()
    return new Promise((resolve) => this.#idleCallbacks.push(resolve))
  }

  /** Forgets that files were written to: they were synced by other means, or are gone. */
  markSynced(paths: Iterable<string>): void {
    for (const path of paths) this.#unsyncedPaths.delete(path)
  }

  /** Refuses everything from now on. */
  break(error: Error): void {
    this.#broken ??= error
  }

  #write(): void {
    if (this.#isWriting || this.#waiters.length === 0) return
    if (this.#broken !== undefined) {
      this.#afterFailure(this.#broken, [])
      return
    }
    const [extents, leases, waiters] = [this.#extents, this.#leases, this.#waiters]
    this.#extents = []
    this.#leases = []
    this.#waiters = []
    const sizeBytes = extents.reduce((sum, extent) => sum + extent.sizeBytes, 0)
    const startMs = this.#host.clock.monotonicMs()
    const finish = (error: Error | undefined): void => {
      const tookMs = this.#host.clock.monotonicMs() - startMs
      for (const lease of leases) lease.release()
      if (error === undefined) this.#afterWrite(waiters)
      else this.#afterFailure(error, waiters)
      this.#noteSpeed(tookMs)
    }
    if (this.#isSlow || sizeBytes > LARGEST_SYNCHRONOUS_BYTES) this.#writeAside(extents, finish)
    else finish(this.#writeHere(extents))
  }

  #noteSpeed(tookMs: number): void {
    if (tookMs > SLOW_WRITE_MS) this.#isSlow = true
    else if (tookMs < FAST_WRITE_MS) this.#isSlow = false
  }

  #writeHere(extents: readonly Extent[]): Error | undefined {
    try {
      for (const { path, position, slices } of extents) {
        this.#openFiles.use(path).writeSync(slices, position)
        this.#unsyncedPaths.add(path)
      }
      return undefined
    } catch (error) {
      return error as Error
    }
  }

  #writeAside(extents: readonly Extent[], finish: (error: Error | undefined) => void): void {
    this.#isWriting = true
    const end = (error: Error | undefined): void => {
      this.#isWriting = false
      finish(error)
      this.#write()
      this.#tellIdle()
    }
    // The log may have been deleted, or its disk have failed, while the write was under way.
    this.#writeExtents(extents).then(() => end(this.#broken), end)
  }

  async #writeExtents(extents: readonly Extent[]): Promise<void> {
    for (const { path, position, slices } of extents) {
      const file = this.#openFiles.pin(path)
      this.#unsyncedPaths.add(path)
      try {
        await file.handle.write(slices, position)
      } finally {
        file.unpin()
      }
    }
  }

  #afterWrite(waiters: readonly AppendWaiter[]): void {
    const last = waiters.at(-1)!
    this.#events.written(last.endOffset)
    for (const waiter of waiters) this.#written.push(waiter)
    this.#resolveUnsynced()
    this.#maybeSync()
    this.#tellIdle()
  }

  /** What was queued behind the failed write counts on it. */
  #afterFailure(error: Error, waiters: readonly AppendWaiter[]): void {
    const behind = this.#waiters
    for (const lease of this.#leases) lease.release()
    this.#extents = []
    this.#leases = []
    this.#waiters = []
    this.#events.writeFailed(error)
    for (const waiter of [...waiters, ...behind]) waiter.failed(error)
    this.#tellIdle()
  }

  /** Resolves from the front all that need no sync: a later append is never acknowledged before an earlier one. */
  #resolveUnsynced(): void {
    if (this.#isSyncing) return
    const needing = this.#written.findIndex((waiter) => waiter.needsSync)
    const count = needing < 0 ? this.#written.length : needing
    this.#resolve(this.#written.splice(0, count))
  }

  #resolve(waiters: readonly AppendWaiter[]): void {
    const last = waiters.at(-1)
    if (last === undefined) return
    this.#events.flushed(last.endOffset)
    for (const waiter of waiters) waiter.done()
  }

  #maybeSync(): void {
    if (this.#isSyncing || this.#written.length === 0) return
    this.#isSyncing = true
    const covered = this.#written
    this.#written = []
    this.#syncFiles().then(
      () => {
        this.#isSyncing = false
        this.#resolve(covered)
        this.#resolveUnsynced()
        this.#maybeSync()
        this.#tellIdle()
      },
      (error: Error) => {
        this.#isSyncing = false
        const failed = [...covered, ...this.#written]
        this.#written = []
        this.#broken ??= error
        this.#events.syncFailed(error)
        for (const waiter of failed) waiter.failed(error)
        this.#tellIdle()
      },
    )
  }

  async #syncFiles(): Promise<void> {
    const paths = [...this.#unsyncedPaths]
    this.#unsyncedPaths.clear()
    this.#events.syncNames()
    await Promise.all(paths.map((path) => syncFile(this.#openFiles, path)))
  }

  #tellIdle(): void {
    if (!this.isIdle || this.#idleCallbacks.length === 0) return
    const callbacks = this.#idleCallbacks
    this.#idleCallbacks = []
    for (const callback of callbacks) callback()
  }
}

/** fdatasync off the loop. */
export async function syncFile(openFiles: FileAccess, path: string): Promise<void> {
  const file = openFiles.pin(path)
  try {
    await file.handle.sync()
  } finally {
    file.unpin()
  }
}
