import type { Disk } from '../disk.ts'
import { isPresent } from '../file-presence.ts'
import { LogGoneError } from '../log-files.ts'
import type { LogConfig } from '../partition-log.ts'
import { CLEANED_SUFFIX, DELETED_SUFFIX, SWAP_SUFFIX } from '../segment/file-names.ts'
import { Segment, segmentPaths } from '../segment/segment.ts'
import { segmentJitterMs } from '../segment/segment-roll.ts'
import type { LogServices } from './log-services.ts'
import type { ProducerEntry } from './producer-entry.ts'
import type { SnapshotFiles } from './snapshot-files.ts'

/** The state of the log that the list uses. */
interface SegmentListState {
  readonly directory: string
  readonly config: LogConfig
  readonly snapshots: SnapshotFiles
  readonly recoveryPoint: number
}

/** The segments of an open log, in order, the last one active. Creates and removes their files. */
export class SegmentList {
  readonly #state: SegmentListState
  readonly #services: LogServices
  readonly #disk: Disk
  readonly #onRemoved: (segment: Segment) => void
  readonly #onLeft: () => void
  #segments: Segment[]
  #isTorn = false
  /**
   * Files of removed segments, oldest first, and renamed only in this order. If a newer one went first, the next start
   * would find a hole and end the log there.
   */
  #leaving: string[] = []
  #awaitsReader = false

  /**
   * onRemoved: called when a segment has left the list, before its files are removed. onLeft: called when files that
   * waited for readers were renamed.
   */
  constructor(
    segments: readonly Segment[],
    state: SegmentListState,
    services: LogServices,
    disk: Disk,
    { onRemoved, onLeft }: { readonly onRemoved: (segment: Segment) => void; readonly onLeft: () => void },
  ) {
    this.#segments = [...segments]
    this.#state = state
    this.#services = services
    this.#disk = disk
    this.#onRemoved = onRemoved
    this.#onLeft = onLeft
  }

  get all(): readonly Segment[] {
    return this.#segments
  }
  get active(): Segment {
    return this.#segments.at(-1)!
  }
  /** True if an exchange failed half-way. Nothing can be read until the next start finishes it. */
  get isTorn(): boolean {
    return this.#isTorn
  }
  get sizeBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.sizeBytes, 0)
  }

  has(segment: Segment): boolean {
    return this.#segments.includes(segment)
  }

  /** Segments from the one that may hold the offset. */
  *from(offset: number): Generator<Segment> {
    for (let i = Math.max(0, this.#indexOf(offset)); i < this.#segments.length; i++) yield this.#segments[i]!
  }

  /** The segment after it; undefined if it is the last. */
  after(segment: Segment): Segment | undefined {
    return this.#segments[this.#indexOf(segment.baseOffset) + 1]
  }

  /** True if the second offset is in a newer segment than the first. */
  areApart(offset: number, laterOffset: number): boolean {
    return this.#indexOf(offset) < this.#indexOf(laterOffset)
  }

  /** Index of the segment with the largest base offset not above the offset; -1: none. */
  #indexOf(offset: number): number {
    let [low, high] = [0, this.#segments.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#segments[middle]!.baseOffset <= offset) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /**
   * Starts a new active segment and writes a producer snapshot beside it: with the next flush where a write may wait for
   * the disk. If that fails, removes the new files.
   */
  roll(baseOffset: number, producers: Iterable<ProducerEntry>): Segment {
    const { openFiles } = this.#services
    const { config, snapshots, recoveryPoint } = this.#state
    const { active } = this
    this.#removeLeftovers(baseOffset)
    const segment = this.#newSegment(baseOffset)
    const { mayBlock } = this.#disk
    // The flush that follows writes and syncs the indexes that were not written here. Until then a power loss may leave
    // the time index without its last entry, which look-ups and retention notice.
    if (mayBlock) active.addLastTimestamp()
    else active.finish()
    // With a new segment at the recovery point, recovery will not check this one again.
    if (!mayBlock && baseOffset <= recoveryPoint) active.indexes.sync()
    if (config.preallocate) openFiles.use(active.logPath).truncate(active.sizeBytes)
    try {
      segment.createFiles(config.preallocate ? config.segmentBytes : 0)
      if (mayBlock) snapshots.stage(baseOffset, producers)
      else snapshots.write(baseOffset, producers)
    } catch (error) {
      // The next attempt may be at another offset, and these files would be in the way.
      this.#removeLeftovers(baseOffset)
      throw error
    }
    active.indexes.active = false
    segment.indexes.active = true
    this.#segments.push(segment)
    return segment
  }

  #removeLeftovers(baseOffset: number): void {
    const { openFiles } = this.#services
    for (const path of segmentPaths(openFiles.files, this.#state.directory, baseOffset)) {
      if (openFiles.files.exists(path)) openFiles.whenClosed(path, () => openFiles.files.remove(path))
    }
    this.#state.snapshots.remove(baseOffset)
  }

  /** Throws the disk's error. The files that are left are retried with the next removal. */
  removeFirst(count: number): void {
    for (const segment of this.#segments.splice(0, count)) {
      this.#forget(segment)
      this.#leaving.push(...segment.paths())
    }
    this.#takeOutLeaving()
  }

  /** True while files of removed segments keep their names, so that a start would find them. */
  get isLeaving(): boolean {
    return this.#leaving.length > 0
  }

  #takeOutLeaving(): void {
    const { openFiles, logger } = this.#services
    while (this.#leaving.length > 0 && !this.#awaitsReader) {
      let isLater = false
      this.#awaitsReader = true
      openFiles.whenClosed(this.#leaving[0]!, () => {
        this.#awaitsReader = false
        if (!isLater) return this.#takeOutFirst()
        try {
          this.#takeOutFirst()
          this.#takeOutLeaving()
          if (!this.isLeaving) this.#onLeft()
        } catch (error) {
          const { directory } = this.#state
          logger.warn({ directory, reason: (error as Error).message }, 'a removed segment could not be renamed')
        }
      })
      isLater = true
    }
  }

  #takeOutFirst(): void {
    this.#takeOut(this.#leaving[0]!)
    this.#leaving.shift()
  }

  /** Removes the segments that start above the offset, except the first. */
  removeAbove(offset: number): void {
    while (this.#segments.length > 1 && this.active.baseOffset > offset) this.#remove(this.#segments.pop()!)
  }

  /** If none is left, an empty segment at the offset replaces the only one. */
  restartAt(offset: number): Segment {
    this.#remove(this.#segments.pop()!)
    const segment = this.#newSegment(offset)
    segment.createFiles()
    segment.indexes.active = true
    this.#segments = [segment]
    return segment
  }

  /**
   * Durably gives the files of a compacted segment, which are closed, the names by which the next start finishes the
   * exchange: it may happen now. Source: LocalLog.replaceSegments.
   */
  async announceExchange(cleaned: Segment): Promise<void> {
    const { files } = this.#services.openFiles
    const paths = cleaned.paths().filter((path) => isPresent(files, path))
    for (const path of paths.toReversed()) files.rename(path, swapPath(path))
    await this.#disk.sync(() => files.syncDirectoryAside(this.#state.directory))
  }

  /** Removes the announced files, the log first: without it the next start does not use the others. */
  revokeExchange(cleaned: Segment): void {
    const { files } = this.#services.openFiles
    for (const path of cleaned.paths()) files.remove(swapPath(path))
  }

  /**
   * Replaces segments from `start` on by the compacted one that was announced; all their files are closed. Runs in one
   * turn. The next start finishes a failed exchange (temporary-files.ts). The directory has to be synced afterwards.
   */
  exchange(start: number, replaced: readonly Segment[], cleaned: Segment): void {
    const { indexCache, openFiles } = this.#services
    const { files } = openFiles
    for (const path of replaced.flatMap((segment) => segment.paths())) openFiles.detach(path)
    const paths = cleaned.paths().filter((path) => isPresent(files, swapPath(path)))
    this.#isTorn = true
    for (const segment of replaced) this.#remove(segment)
    for (const path of paths) files.rename(swapPath(path), finalPath(path))
    for (const file of cleaned.indexes.files()) indexCache.forget(file)
    this.#segments.splice(start, replaced.length, this.#newSegment(cleaned.baseOffset, false))
    this.#isTorn = false
  }

  /** Releases memory and handles. */
  close(): void {
    const { indexCache, openFiles } = this.#services
    for (const segment of this.#segments) {
      for (const file of segment.indexes.files()) indexCache.forget(file)
      for (const path of segment.paths()) openFiles.detach(path)
    }
  }

  #newSegment(baseOffset: number, isNew = true): Segment {
    const { config, directory } = this.#state
    const { host } = this.#services
    return new Segment(directory, baseOffset, this.#services, {
      isNew,
      nowMs: host.clock.nowMs(),
      indexIntervalBytes: config.indexIntervalBytes,
      rollJitterMs: segmentJitterMs(config, host.random),
    })
  }

  /** Renames the files at once, and deletes them after file.delete.delay.ms. */
  #remove(segment: Segment): void {
    this.#forget(segment)
    for (const path of segment.paths()) this.#services.openFiles.whenClosed(path, () => this.#takeOut(path))
  }

  #forget(segment: Segment): void {
    this.#onRemoved(segment)
    this.#state.snapshots.remove(segment.baseOffset)
    for (const file of segment.indexes.files()) this.#services.indexCache.forget(file)
  }

  #takeOut(path: string): void {
    const { host, openFiles } = this.#services
    if (!isPresent(openFiles.files, path)) return
    openFiles.files.rename(path, path + DELETED_SUFFIX)
    host.timers.after(this.#state.config.fileDeleteDelayMs, () => this.#removeFile(path + DELETED_SUFFIX))
  }

  /** The next start retries. */
  async #removeFile(path: string): Promise<void> {
    try {
      await this.#services.openFiles.files.removeAside(path)
    } catch (error) {
      if (error instanceof LogGoneError) return
      this.#services.logger.warn(
        { file: path, reason: (error as Error).message },
        'a deleted file could not be removed',
      )
    }
  }
}

/** Final name of a file of a compacted segment. */
function finalPath(cleanedPath: string): string {
  return cleanedPath.slice(0, -CLEANED_SUFFIX.length)
}

function swapPath(cleanedPath: string): string {
  return finalPath(cleanedPath) + SWAP_SUFFIX
}
