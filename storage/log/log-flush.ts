import { formatEpochs, LEADER_EPOCH_FILE, PARTITION_METADATA_FILE } from '../checkpoint-files.ts'
import type { Disk } from '../disk.ts'
import { inBackground } from '../failure-policy.ts'
import type { Files } from '../host/host.ts'
import type { Segment } from '../segment/segment.ts'
import { syncFile, type WriteQueue } from '../write-queue.ts'
import type { LogAvailability } from './log-availability.ts'
import type { LogServices } from './log-services.ts'
import type { LogState } from './log-state.ts'
import type { SegmentList } from './segment-list.ts'

/** Parts of a log that a flush has to do with. */
interface FlushedParts {
  readonly state: LogState
  readonly segments: SegmentList
  readonly availability: LogAvailability
  readonly queue: WriteQueue
  readonly disk: Disk
}

/**
 * Brings a log to the disk: files of segments, producer snapshots, epochs, and the names of all of them; then the recovery
 * point moves. Source: UnifiedLog.flush.
 */
export class LogFlush {
  readonly #parts: FlushedParts
  readonly #services: LogServices
  /** Segments with files that changed since they were last synced. */
  readonly #unsynced: Set<Segment>
  #hasUnsyncedNames: boolean
  /** Settles with the last sync of names that was begun. */
  #syncingNames: Promise<void> = Promise.resolve()
  /** True where something was appended: the indexes have no end yet, the producers no snapshot. */
  #isUnfinished: boolean
  #flushing: Promise<void> = Promise.resolve()
  #lastFlushMs: number

  /** changed: segments of which recovery changed files. */
  constructor(parts: FlushedParts, services: LogServices, changed: readonly Segment[]) {
    this.#parts = parts
    this.#services = services
    this.#unsynced = new Set(changed)
    this.#hasUnsyncedNames = changed.length > 0
    this.#isUnfinished = changed.length > 0
    this.#lastFlushMs = services.host.clock.nowMs()
  }

  get lastFlushMs(): number {
    return this.#lastFlushMs
  }

  /** True where the files have all that is in memory, and the disk has the files. */
  get isSettled(): boolean {
    const { state, availability, queue } = this.#parts
    const isChanged = this.#unsynced.size > 0 || this.#isUnfinished || state.epochs.isUnsaved
    if (isChanged || !queue.isIdle || availability.failure !== undefined) return false
    return state.recoveryPoint >= state.logEndOffset
  }

  /** Batches came to the segment, or left it. */
  noteChange(segment: Segment): void {
    this.#unsynced.add(segment)
    this.#isUnfinished = true
  }

  /** Files changed that the log already goes by. */
  noteUnsynced(segment: Segment): void {
    this.#unsynced.add(segment)
  }

  /** Files were made. */
  noteNewFiles(segment: Segment): void {
    this.noteChange(segment)
    this.#hasUnsyncedNames = true
  }

  forget(segment: Segment): void {
    this.#unsynced.delete(segment)
    this.#parts.queue.markSynced([segment.logPath])
  }

  /** Resolves once what was begun is over. */
  settled(): Promise<void> {
    return this.#flushing
  }

  /** Resolves once all that is staged now is in the file. A failed write resolves it too: the log has refused it then. */
  whenWritten(): Promise<void> {
    const { queue, state } = this.#parts
    if (queue.isIdle) return Promise.resolve()
    return new Promise((resolve) => {
      queue.wait({ endOffset: state.logEndOffset, needsSync: false, done: resolve, failed: () => resolve() })
    })
  }

  /** Flushes what lies below the offset, after the flushes that were asked for before. */
  start(upToOffset: number): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#flushTo(upToOffset))
    // Not everybody waits for it.
    inBackground(this.#services.host, this.#flushing)
    return this.#flushing
  }

  /** Ends indexes and takes a snapshot of the producers, so that the next start has nothing to read. */
  finishFiles(): void {
    if (!this.#isUnfinished) return
    const { state, segments, availability } = this.#parts
    if (availability.failure !== undefined) return
    const { active } = segments
    try {
      active.finish()
      if (state.config.preallocate) this.#services.openFiles.use(active.logPath).truncate(active.sizeBytes)
      this.#takeSnapshot()
      this.#unsynced.add(active)
      this.#isUnfinished = false
    } catch (error) {
      availability.refuse(error)
    }
  }

  #takeSnapshot(): void {
    const { logStartOffset, logEndOffset, snapshots, producers } = this.#parts.state
    if (logEndOffset === logStartOffset || snapshots.offsets.at(-1) === logEndOffset) return
    snapshots.write(logEndOffset, producers.entries)
    this.#hasUnsyncedNames = true
  }

  async #flushTo(upToOffset: number): Promise<void> {
    const { state, segments, availability } = this.#parts
    if (this.#unsynced.size === 0 && !state.epochs.isUnsaved && !this.#hasUnsyncedNames) return
    await this.whenWritten()
    if (availability.failure !== undefined) return
    const { cutCount } = state
    const isAll = upToOffset >= state.logEndOffset
    const toSync = [...this.#unsynced].filter((segment) => isAll || segment.baseOffset < upToOffset)
    for (const segment of toSync) this.#unsynced.delete(segment)
    try {
      const endOffset = Math.min(upToOffset, state.writtenEndOffset)
      for (const segment of toSync) await this.#syncSegment(segment)
      await this.#syncSnapshot(endOffset)
      // The log may have been deleted in the meantime, and another have its place.
      if (availability.failure !== undefined) return
      this.#writeEpochs()
      await this.syncNames()
      if (availability.failure !== undefined) return
      state.synced(endOffset, cutCount)
      this.#lastFlushMs = this.#services.host.clock.nowMs()
    } catch (error) {
      for (const segment of toSync) if (segments.has(segment)) this.#unsynced.add(segment)
      availability.refuse(error)
    }
  }

  async #syncSegment(segment: Segment): Promise<void> {
    const { segments, queue } = this.#parts
    await segment.writePendingIndexesAside(this.#parts.disk)
    const { openFiles } = this.#services
    for (const path of segment.paths()) {
      // Retention may have removed the segment in the meantime.
      if (segments.has(segment) && openFiles.files.exists(path)) await syncFile(this.#parts.disk, openFiles, path)
    }
    if (segment !== segments.active) queue.markSynced([segment.logPath])
  }

  async #syncSnapshot(offset: number): Promise<void> {
    const { snapshots } = this.#parts.state
    const { files } = this.#services.openFiles
    const path = snapshots.path(offset)
    if (!snapshots.offsets.includes(offset)) return
    await this.#parts.disk.sync(async () => {
      // Retention may have removed it by the time that its turn has come.
      if (files.exists(path)) await syncOnce(files, path)
    })
  }

  #writeEpochs(): void {
    const { epochs, directory } = this.#parts.state
    if (!epochs.isUnsaved) return
    const { files } = this.#services.openFiles
    files.replaceWhole(files.join(directory, LEADER_EPOCH_FILE), formatEpochs(epochs.entries))
    epochs.saved()
  }

  /** Once it resolves, files that were made before the call survive a power loss, and so does what the log is called. */
  syncNames(): Promise<void> {
    if (!this.#hasUnsyncedNames) return this.#syncingNames
    const sync = () => this.#syncNewNames()
    // Whoever began an earlier one that failed is told of it; its names are synced with the next.
    this.#syncingNames = this.#syncingNames.then(sync, sync)
    return this.#syncingNames
  }

  async #syncNewNames(): Promise<void> {
    if (!this.#hasUnsyncedNames) return
    this.#hasUnsyncedNames = false
    const { directory } = this.#parts.state
    const { files } = this.#services.openFiles
    try {
      await this.#parts.disk.sync(async () => {
        // Without it the log would not be known as that of its topic.
        const metadata = files.join(directory, PARTITION_METADATA_FILE)
        if (files.exists(metadata)) await syncOnce(files, metadata)
        await files.syncDirectoryAside(directory)
        await files.syncDirectoryAside(files.join(directory, '..'))
      })
    } catch (error) {
      this.#hasUnsyncedNames = true
      throw error
    }
  }

  /**
   * After a power loss removed segments would be back: records of which a client was told they are gone, or in the place of
   * which others were written since.
   */
  syncRemovals(): void {
    try {
      this.#services.openFiles.files.syncDirectory(this.#parts.state.directory)
    } catch (error) {
      this.#parts.availability.refuse(error)
    }
  }
}

async function syncOnce(files: Files, path: string): Promise<void> {
  const handle = files.open(path, 'r+')
  try {
    await handle.sync()
  } finally {
    handle.close()
  }
}
