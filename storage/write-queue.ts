import type { Lease } from '../protocol/buffer-pool.ts'
import { type Disk, LogWriter } from './disk.ts'
import { inBackground } from './failure-policy.ts'
import { isPresent } from './file-presence.ts'
import type { Host } from './host/host.ts'
import type { FileAccess } from './open-files.ts'

/** Approximate size of one write: the rest of a large backlog goes out after the writes of other logs. */
const LARGEST_WRITE_BYTES = 1024 * 1024

/** Callbacks of an append. Exactly one of the two is called, in the order of appending. */
export interface AppendWaiter {
  readonly endOffset: number
  /** Of the append. */
  readonly sizeBytes: number
  /** True: resolves once the file has been synced after the write. */
  readonly needsSync: boolean
  done(): void
  failed(error: Error): void
}

/** Contiguous bytes of a file. */
interface Extent {
  readonly path: string
  readonly position: number
  readonly slices: Buffer[]
  sizeBytes: number
}

/** What was added for one waiter. */
interface Staged {
  readonly extents: readonly Extent[]
  readonly leases: readonly Lease[]
  readonly sizeBytes: number
  readonly waiter: AppendWaiter
}

/** Events for the log; the queue always calls them before the waiters. */
export interface WriteQueueEvents {
  /** Everything below that offset is in the file. */
  written(endOffset: number): void
  /** Everything below that offset is as durable as requested. bytes: size of the appends that are now. */
  flushed(endOffset: number, bytes: number): void
  /** A write failed: nothing still queued will be written. All waiting appends are rejected right after. */
  writeFailed(error: Error): void
  /** A sync failed: it is unknown which bytes are on disk, and a second sync would not tell (fsync reports once). */
  syncFailed(error: Error): void
  /** A sync begins: once it resolves, names of files created since the last sync must be durable too. */
  syncNames(): Promise<void>
}

/**
 * Queue of one log's appends. All appends of one turn of the event loop go out as one gathered write: on the loop while
 * they are few and the disk keeps up (disk.ts decides), else off it with one write under way. Syncs are shared: one is
 * under way, and all that was written before it began is durable when it ends.
 */
export class WriteQueue {
  readonly #host: Host
  readonly #openFiles: FileAccess
  readonly #disk: Disk
  readonly #writer = new LogWriter()
  readonly #events: WriteQueueEvents
  /** Added, but no waiter yet. */
  #extents: Extent[] = []
  #leases: Lease[] = []
  /** In the order of appending. */
  #staged: Staged[] = []
  #stagedBytes = 0
  #isScheduled = false
  #isWriting = false

  /** Written, in order; resolved from the front once the first needs no sync or is synced. */
  #written: AppendWaiter[] = []
  #isSyncing = false
  #unsyncedPaths = new Set<string>()
  #idleCallbacks: (() => void)[] = []
  #broken: Error | undefined

  constructor(host: Host, openFiles: FileAccess, disk: Disk, events: WriteQueueEvents) {
    this.#host = host
    this.#openFiles = openFiles
    this.#disk = disk
    this.#events = events
  }

  /** Files with writes since their last sync. */
  get unsyncedPaths(): ReadonlySet<string> {
    return this.#unsyncedPaths
  }

  get isIdle(): boolean {
    return !this.#isWriting && !this.#isSyncing && this.#staged.length === 0 && this.#written.length === 0
  }

  /** Queues bytes for a position of a file. The lease is released once they are written. */
  add(path: string, position: number, bytes: Buffer, lease: Lease | undefined): void {
    addExtent(this.#extents, { path, position, slices: [bytes], sizeBytes: bytes.length })
    if (lease === undefined) return
    lease.retain()
    this.#leases.push(lease)
  }

  /** Waits for all that was added so far. */
  wait(waiter: AppendWaiter): void {
    const sizeBytes = this.#extents.reduce((sum, extent) => sum + extent.sizeBytes, 0)
    this.#staged.push({ extents: this.#extents, leases: this.#leases, sizeBytes, waiter })
    this.#stagedBytes += sizeBytes
    this.#extents = []
    this.#leases = []
    if (this.#isScheduled || this.#isWriting) return
    this.#isScheduled = true
    this.#host.timers.atTurnEnd(this.#writeScheduled)
  }

  readonly #writeScheduled = (): void => {
    this.#isScheduled = false
    this.#write()
  }

  /** Resolves once nothing is queued or under way. */
  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve()
    return new Promise((resolve) => this.#idleCallbacks.push(resolve))
  }

  /** Forgets writes to these files: they were synced elsewhere, or removed. */
  markSynced(paths: Iterable<string>): void {
    for (const path of paths) this.#unsyncedPaths.delete(path)
  }

  /** Refuses everything from now on. */
  break(error: Error): void {
    this.#broken ??= error
  }

  #write(): void {
    if (this.#isWriting || this.#isScheduled || this.#staged.length === 0) return
    if (this.#broken !== undefined) {
      this.#afterFailure(this.#broken, [])
      return
    }
    const place = this.#disk.placeFor(this.#stagedBytes, this.#writer)
    if (place === 'later') {
      this.#isScheduled = true
      this.#disk.later(this.#writeScheduled)
      return
    }
    const { staged, extents, sizeBytes } = this.#take()
    const finish = (error: Error | undefined): void => {
      release(staged)
      const waiters = staged.map(({ waiter }) => waiter)
      if (error === undefined) this.#afterWrite(waiters)
      else this.#afterFailure(error, waiters)
    }
    if (place === 'here') finish(this.#writeHere(extents))
    else this.#writeAside(extents, sizeBytes, finish)
  }

  /** The oldest staged appends, as one write. */
  #take(): { staged: Staged[]; extents: Extent[]; sizeBytes: number } {
    const extents: Extent[] = []
    let [count, sizeBytes] = [0, 0]
    for (const staged of this.#staged) {
      if (count > 0 && sizeBytes + staged.sizeBytes > LARGEST_WRITE_BYTES) break
      for (const extent of staged.extents) addExtent(extents, extent)
      sizeBytes += staged.sizeBytes
      count++
    }
    this.#stagedBytes -= sizeBytes
    return { staged: this.#staged.splice(0, count), extents, sizeBytes }
  }

  #writeHere(extents: readonly Extent[]): Error | undefined {
    try {
      this.#disk.writeHere(() => {
        for (const { path, position, slices } of extents) {
          this.#openFiles.use(path).writeSync(slices, position)
          this.#unsyncedPaths.add(path)
        }
      })
      return undefined
    } catch (error) {
      return error as Error
    }
  }

  #writeAside(extents: readonly Extent[], sizeBytes: number, finish: (error: Error | undefined) => void): void {
    this.#isWriting = true
    const end = (error: Error | undefined): void => {
      this.#isWriting = false
      finish(error)
      this.#write()
      this.#tellIdle()
    }
    // The log may have been deleted, or its disk have failed, while the write was under way.
    const writing = this.#disk.writeAside(sizeBytes, () => this.#writeExtents(extents))
    inBackground(
      this.#host,
      writing.then(() => end(this.#broken), end),
    )
  }

  async #writeExtents(extents: readonly Extent[]): Promise<void> {
    // The same while the write waited for a thread.
    if (this.#broken !== undefined) throw this.#broken
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

  /** Appends queued behind the failed write depend on it. */
  #afterFailure(error: Error, waiters: readonly AppendWaiter[]): void {
    const behind = this.#staged
    this.#staged = []
    this.#stagedBytes = 0
    release(behind)
    this.#events.writeFailed(error)
    for (const waiter of [...waiters, ...behind.map((staged) => staged.waiter)]) waiter.failed(error)
    this.#tellIdle()
  }

  /** Resolves from the front all appends that need no sync: a later one is never acknowledged before an earlier one. */
  #resolveUnsynced(): void {
    if (this.#isSyncing) return
    const needing = this.#written.findIndex((waiter) => waiter.needsSync)
    const count = needing < 0 ? this.#written.length : needing
    this.#resolve(this.#written.splice(0, count))
  }

  #resolve(waiters: readonly AppendWaiter[]): void {
    const last = waiters.at(-1)
    if (last === undefined) return
    let bytes = 0
    for (const { sizeBytes } of waiters) bytes += sizeBytes
    this.#events.flushed(last.endOffset, bytes)
    for (const waiter of waiters) waiter.done()
  }

  #maybeSync(): void {
    if (this.#isSyncing || this.#written.length === 0) return
    this.#isSyncing = true
    const covered = this.#written
    this.#written = []
    const synced = this.#syncFiles().then(
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
    inBackground(this.#host, synced)
  }

  async #syncFiles(): Promise<void> {
    const paths = [...this.#unsyncedPaths]
    this.#unsyncedPaths.clear()
    const data = paths.map((path) => syncFile(this.#disk, this.#openFiles, path))
    await Promise.all([this.#events.syncNames(), ...data])
  }

  #tellIdle(): void {
    if (!this.isIdle || this.#idleCallbacks.length === 0) return
    const callbacks = this.#idleCallbacks
    this.#idleCallbacks = []
    for (const callback of callbacks) callback()
  }
}

function addExtent(extents: Extent[], added: Extent): void {
  const last = extents.at(-1)
  if (last !== undefined && last.path === added.path && last.position + last.sizeBytes === added.position) {
    last.slices.push(...added.slices)
    last.sizeBytes += added.sizeBytes
  } else extents.push({ ...added, slices: [...added.slices] })
}

function release(staged: readonly Staged[]): void {
  for (const { leases } of staged) for (const lease of leases) lease.release()
}

/** fdatasync off the loop. Does nothing if retention removed the file while this waited for its turn. */
export function syncFile(disk: Disk, openFiles: FileAccess, path: string): Promise<void> {
  return disk.sync(async () => {
    if (!isPresent(openFiles.files, path)) return
    const file = openFiles.pin(path)
    try {
      await file.handle.sync()
    } finally {
      file.unpin()
    }
  })
}
