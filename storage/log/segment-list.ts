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
  readonly #onRemoved: (segment: Segment) => void
  #segments: Segment[]
  #isTorn = false
  /**
   * Files of removed segments, oldest first, and renamed only in this order. If a newer one went first, the next start
   * would find a hole and end the log there.
   */
  #leaving: string[] = []
  #awaitsReader = false

  /** onRemoved: called when a segment has left the list, before its files are removed. */
  constructor(
    segments: readonly Segment[],
    state: SegmentListState,
    services: LogServices,
    onRemoved: (segment: Segment) => void,
  ) {
    this.#segments = [...segments]
    this.#state = state
    this.#services = services
    this.#onRemoved = onRemoved
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

  /** Starts a new active segment and writes a producer snapshot beside it. If that fails, removes the new files. */
  roll(baseOffset: number, producers: Iterable<ProducerEntry>): Segment {
    const { openFiles } = this.#services
    const { config, snapshots, recoveryPoint } = this.#state
    const { active } = this
    this.#removeLeftovers(baseOffset)
    const segment = this.#newSegment(baseOffset)
    active.finish()
    // With a new segment at the recovery point, recovery will not check this one again.
    if (baseOffset <= recoveryPoint) active.indexes.sync()
    if (config.preallocate) openFiles.use(active.logPath).truncate(active.sizeBytes)
    try {
      segment.createFiles(config.preallocate ? config.segmentBytes : 0)
      snapshots.write(baseOffset, producers)
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
          if (!this.isLeaving) openFiles.files.syncDirectory(this.#state.directory)
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
   * Replaces segments from `start` on by the one compacted from them; all their files are closed. Runs in one turn. The
   * next start finishes or undoes a failed exchange (temporary-files.ts). Source: LocalLog.replaceSegments.
   */
  exchange(start: number, replaced: readonly Segment[], cleaned: Segment): void {
    const { indexCache, openFiles } = this.#services
    const { files } = openFiles
    for (const path of replaced.flatMap((segment) => segment.paths())) openFiles.detach(path)
    const finalPath = (path: string): string => path.slice(0, -CLEANED_SUFFIX.length)
    const paths = cleaned.paths().filter((path) => files.exists(path))
    for (const path of paths.toReversed()) files.rename(path, finalPath(path) + SWAP_SUFFIX)
    files.syncDirectory(this.#state.directory)
    this.#isTorn = true
    for (const segment of replaced) this.#remove(segment)
    for (const path of paths) files.rename(finalPath(path) + SWAP_SUFFIX, finalPath(path))
    for (const file of cleaned.indexes.files()) indexCache.forget(file)
    this.#segments.splice(start, replaced.length, this.#newSegment(cleaned.baseOffset, false))
    this.#isTorn = false
    files.syncDirectory(this.#state.directory)
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
    if (!openFiles.files.exists(path)) return
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
