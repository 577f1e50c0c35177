import { formatEpochs, LEADER_EPOCH_FILE, PARTITION_METADATA_FILE } from '../checkpoint-files.ts'
import type { Disk } from '../disk.ts'
import { inBackground } from '../failure-policy.ts'
import { isPresent } from '../file-presence.ts'
import type { Files } from '../host/host.ts'
import { LogGoneError } from '../log-files.ts'
import { replaceAside } from '../saved-file.ts'
import type { Segment } from '../segment/segment.ts'
import { syncFile, type WriteQueue } from '../write-queue.ts'
import type { LogAvailability } from './log-availability.ts'
import type { LogServices } from './log-services.ts'
import type { LogState } from './log-state.ts'
import type { ProducerEntry } from './producer-entry.ts'
import type { SegmentList } from './segment-list.ts'

/** Parts of a log that a flush uses. */
interface FlushedParts {
  readonly state: LogState
  readonly segments: SegmentList
  readonly availability: LogAvailability
  readonly queue: WriteQueue
  readonly disk: Disk
}

/**
 * Flushes a log to the disk: segment files, producer snapshots, epochs, and the names of all these files. Then the
 * recovery point moves. Source: UnifiedLog.flush.
 */
export class LogFlush {
  readonly #parts: FlushedParts
  readonly #services: LogServices
  /** Segments whose files changed since their last sync. */
  readonly #unsynced: Set<Segment>
  #hasUnsyncedNames: boolean
  /** Settles with the last sync of file names that was started. */
  #syncingNames: Promise<void> = Promise.resolve()
  /** True after an append: the indexes lack their last entries, the producers a snapshot. */
  #isUnfinished: boolean
  #unsyncedRemovals = 0
  #flushing: Promise<void> = Promise.resolve()
  #lastFlushMs: number

  /** changed: segments whose files recovery changed. */
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

  /** True if everything in memory is in the files, and the files are synced. */
  get isSettled(): boolean {
    const { state, availability, queue } = this.#parts
    const isChanged = this.#unsynced.size > 0 || this.#isUnfinished || state.epochs.isUnsaved
    if (isChanged || !queue.isIdle || availability.failure !== undefined) return false
    return state.recoveryPoint >= state.logEndOffset
  }

  /** Batches were added to the segment or removed from it. */
  noteChange(segment: Segment): void {
    this.#unsynced.add(segment)
    this.#isUnfinished = true
  }

  /** Files that the log already uses changed. */
  noteUnsynced(segment: Segment): void {
    this.#unsynced.add(segment)
  }

  /** Files were created. */
  noteNewFiles(segment: Segment): void {
    this.noteChange(segment)
    this.#hasUnsyncedNames = true
  }

  forget(segment: Segment): void {
    this.#unsynced.delete(segment)
    this.#parts.queue.markSynced([segment.logPath])
  }

  /** Resolves once the flushes started so far have ended. */
  settled(): Promise<void> {
    return this.#flushing
  }

  /** Resolves once all appends staged now are answered, in good or bad. What is left of them is in the file. */
  whenAnswered(): Promise<void> {
    const { queue, state } = this.#parts
    if (queue.isIdle) return Promise.resolve()
    return new Promise((resolve) => {
      const nothing = { endOffset: state.logEndOffset, sizeBytes: 0, needsSync: false }
      queue.wait({ ...nothing, done: resolve, failed: () => resolve() })
    })
  }

  /** Flushes everything below the offset, after the flushes requested before. */
  start(upToOffset: number): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#flushTo(upToOffset))
    // Not every caller awaits it.
    inBackground(this.#services.host, this.#flushing)
    return this.#flushing
  }

  /** Completes the indexes and writes a producer snapshot, so that the next start need not read the log. */
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

  /** Writes the snapshot of the log's end with the producers of the log that it is a copy of. Throws the disk's error. */
  takeSnapshotOf(producers: Iterable<ProducerEntry>): void {
    const { logStartOffset, logEndOffset, snapshots } = this.#parts.state
    if (logEndOffset === logStartOffset) return
    snapshots.write(logEndOffset, producers)
    this.#hasUnsyncedNames = true
  }

  async #flushTo(upToOffset: number): Promise<void> {
    const { state, segments, availability } = this.#parts
    if (this.#unsynced.size === 0 && !state.epochs.isUnsaved && !this.#hasUnsyncedNames) return
    await this.whenAnswered()
    if (availability.failure !== undefined) return
    const { cutCount } = state
    const isAll = upToOffset >= state.logEndOffset
    const toSync = [...this.#unsynced].filter((segment) => isAll || segment.baseOffset < upToOffset)
    for (const segment of toSync) this.#unsynced.delete(segment)
    try {
      const endOffset = Math.min(upToOffset, state.writtenEndOffset)
      for (const segment of toSync) await this.#syncSegment(segment)
      await state.snapshots.writeStaged(this.#parts.disk)
      await this.#syncSnapshot(endOffset)
      // The log may have been deleted meanwhile, and another may have its directory.
      if (availability.failure !== undefined) return
      if (!(await this.#writeEpochs())) return
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
    const { segments, queue, disk } = this.#parts
    const { openFiles } = this.#services
    // Retention may remove the segment meanwhile.
    const isGone = () => !segments.has(segment)
    await segment.indexes.writePendingAside(disk, isGone)
    if (segment.indexes.takeNewName()) this.#hasUnsyncedNames = true
    for (const path of segment.paths())
      if (!isGone() && isPresent(openFiles.files, path)) await syncFile(disk, openFiles, path)
    if (segment !== segments.active) queue.markSynced([segment.logPath])
  }

  async #syncSnapshot(offset: number): Promise<void> {
    const { snapshots } = this.#parts.state
    const { files } = this.#services.openFiles
    const path = snapshots.path(offset)
    if (!snapshots.offsets.includes(offset)) return
    await this.#parts.disk.sync(async () => {
      // Retention may have removed it while the sync waited.
      if (isPresent(files, path)) await syncOnce(files, path)
    })
  }

  /** False: appends were refused meanwhile, so the file may be that of another log. The next flush writes it. */
  async #writeEpochs(): Promise<boolean> {
    const { state, disk, availability } = this.#parts
    const { epochs, directory } = state
    if (!epochs.isUnsaved) return true
    const { files } = this.#services.openFiles
    const text = formatEpochs(epochs.entries)
    const isLate = (): boolean => availability.failure !== undefined
    const isWritten = await disk.sync(() => replaceAside(files, files.join(directory, LEADER_EPOCH_FILE), text, isLate))
    if (isWritten && formatEpochs(epochs.entries) === text) epochs.saved()
    return isWritten
  }

  /** Once it resolves, files created before the call survive a power loss, and so does the log's topic id. */
  syncNames(): Promise<void> {
    if (!this.#hasUnsyncedNames) return this.#syncingNames
    const sync = () => this.#syncNewNames()
    // The caller of a failed earlier sync gets its error. This sync includes its names.
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
        // Without it the next start could not tell the log's topic.
        const metadata = files.join(directory, PARTITION_METADATA_FILE)
        if (isPresent(files, metadata)) await syncOnce(files, metadata)
        await files.syncDirectoryAside(directory)
        await files.syncDirectoryAside(files.join(directory, '..'))
      })
    } catch (error) {
      this.#hasUnsyncedNames = true
      throw error
    }
  }

  /**
   * Syncs the directory after retention, with the flushes. If a power loss comes before, removed segments are back: the
   * log start offset must be checkpointed until then.
   */
  syncRemovalsAside(): void {
    const { state, disk } = this.#parts
    const { files } = this.#services.openFiles
    this.#unsyncedRemovals++
    this.#flushing = this.#flushing.then(async () => {
      try {
        await disk.sync(() => files.syncDirectoryAside(state.directory))
        this.#unsyncedRemovals--
      } catch (error) {
        this.#refuse(error)
      }
    })
    inBackground(this.#services.host, this.#flushing)
  }

  /** True while a power loss would bring removed segments back. */
  get hasUnsyncedRemovals(): boolean {
    return this.#unsyncedRemovals > 0
  }

  /** The same on the loop, before offsets are written again: a power loss must not bring the old records back. */
  syncRemovals(): void {
    try {
      this.#services.openFiles.files.syncDirectory(this.#parts.state.directory)
    } catch (error) {
      this.#refuse(error)
    }
  }

  #refuse(error: unknown): void {
    if (!(error instanceof LogGoneError)) this.#parts.availability.refuse(error)
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
