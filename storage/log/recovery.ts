import type { RecordBatch } from '../../protocol/records/record-batch.ts'
import { LEADER_EPOCH_FILE, parseEpochs } from '../checkpoint-files.ts'
import type { LogConfig } from '../partition-log.ts'
import {
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  parseSegmentFileName,
  segmentFileName,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from '../segment/file-names.ts'
import { Segment } from '../segment/segment.ts'
import { segmentJitterMs } from '../segment/segment-roll.ts'
import { hasValidChecksum, hasValidOffsets, lastOffsetOf, leaderEpochOf } from '../segment/stored-batch.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import type { LogServices } from './log-services.ts'
import type { ProducerState } from './producer-state.ts'
import { type ProducerRebuild, rebuildProducers, replayBatch } from './rebuild-producers.ts'
import { SnapshotFiles } from './snapshot-files.ts'
import { tidyTemporaryFiles } from './temporary-files.ts'

/** Facts known about a log before its files are read. */
export interface LogLocation {
  /** `topic-0`, for messages. */
  readonly partition: string
  /** `<log directory>/topic-0` */
  readonly directory: string
  readonly logDirectory: string
  /** True: the broker stopped cleanly, so the files are as it left them. */
  readonly wasCleanStop: boolean
  /** From the checkpoints. Below recoveryPoint everything was synced; below logStartOffset everything was deleted. */
  readonly recoveryPoint: number
  readonly logStartOffset: number
  /** Nothing above both this and the recovery point has been compacted. undefined: the checkpoints are lost. */
  readonly compactedUpTo: number | undefined
}

/** A loaded log. */
export interface LoadedLog {
  /** Ordered by base offset; the last is the active one. */
  readonly segments: Segment[]
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly recoveryPoint: number
  readonly epochs: LeaderEpochs
  readonly producers: ProducerState
  readonly snapshots: SnapshotFiles
  /** Segments whose files were created or changed during loading. */
  readonly changed: readonly Segment[]
}

/**
 * Opens the log in a directory, in these passes. Source: LogLoader.
 *  1. Interrupted compactions and deletions are finished or undone.
 *  2. Segments are found by their file names.
 *  3. After an unclean stop, segments from the recovery point on are read. The log is truncated at the first batch that
 *     is not whole and valid; indexes and epochs are rebuilt.
 *  4. The end of the log is read, and compared with its start.
 *  5. Epochs outside of the log are forgotten.
 *  6. Producers come from the newest snapshot and the batches after it.
 */
export function loadLog(location: LogLocation, config: LogConfig, services: LogServices): LoadedLog {
  const loader = new LogLoader(location, config, services)
  loader.findSegments()
  if (!location.wasCleanStop || !loader.endsInOrder()) loader.recover()
  return loader.finish()
}

class LogLoader {
  readonly #location: LogLocation
  readonly #config: LogConfig
  readonly #services: LogServices
  readonly #epochs: LeaderEpochs
  readonly #snapshots: SnapshotFiles
  /** Names of the files found in the directory. */
  readonly #names: readonly string[]
  #segments: Segment[] = []
  /** Set by recovery, which reads all batches of the producers. */
  #producers: ProducerState | undefined
  readonly #changed = new Set<Segment>()
  #hasRemoved = false

  constructor(location: LogLocation, config: LogConfig, services: LogServices) {
    const { files } = services.openFiles
    this.#location = location
    this.#config = config
    this.#services = services
    this.#names = tidyTemporaryFiles(files, location.directory, services.logger)
    this.#snapshots = new SnapshotFiles(files, location.directory, this.#names)
    this.#epochs = readEpochs(services, location)
  }

  findSegments(): void {
    const { files } = this.#services.openFiles
    const names = new Set(this.#names)
    for (const name of [...names].sort()) {
      const parsed = parseSegmentFileName(name)
      if (parsed === undefined || parsed.temporary !== '' || parsed.suffix === '.snapshot') continue
      const logName = segmentFileName(parsed.baseOffset, LOG_SUFFIX)
      if (!names.has(logName)) this.#removeLone(files.join(this.#location.directory, name), parsed.baseOffset)
      else if (parsed.suffix === LOG_SUFFIX) {
        const hasTransactionIndex = names.has(segmentFileName(parsed.baseOffset, TRANSACTION_INDEX_SUFFIX))
        this.#segments.push(this.#openSegment(parsed.baseOffset, { isNew: false, hasTransactionIndex }))
      }
    }
    for (const segment of this.#segments) {
      const has = (suffix: typeof OFFSET_INDEX_SUFFIX | typeof TIME_INDEX_SUFFIX) =>
        names.has(segmentFileName(segment.baseOffset, suffix))
      if (has(OFFSET_INDEX_SUFFIX) && has(TIME_INDEX_SUFFIX)) continue
      segment.rebuildIndexes()
      this.#changed.add(segment)
    }
  }

  #removeLone(path: string, baseOffset: number): void {
    const { partition } = this.#location
    this.#services.logger.warn(
      { partition, file: path, baseOffset },
      'removed an index without log file: the records of its segment, from this offset on, are lost',
    )
    this.#services.openFiles.files.remove(path)
  }

  /**
   * False if the last log file does not end with a batch, or the log does not end at its recovery point. A clean stop
   * ensures both.
   */
  endsInOrder(): boolean {
    const last = this.#segments.at(-1)
    if (last === undefined) return true
    const { position, nextOffset } = last.readEnd()
    const { recoveryPoint } = this.#location
    if (position !== last.sizeBytes || !last.holdsOffset(nextOffset)) return false
    return recoveryPoint === 0 || recoveryPoint === nextOffset
  }

  /** Pass 3. */
  recover(): void {
    const unflushed = this.#segments.slice(this.#firstUnflushed())
    if (unflushed.length === 0) return
    const firstOffset = unflushed[0]!.baseOffset
    this.#snapshots.removeWhere((offset) => offset > firstOffset)
    this.#producers = rebuildProducers(this.#producerRebuild(), firstOffset)
    for (const segment of unflushed) {
      // Removed because of an earlier segment.
      if (!this.#segments.includes(segment)) continue
      this.#changed.add(segment)
      const cutBytes = this.#recoverSegment(segment, this.#producers)
      this.#dropEmptyWithin(segment)
      if (!this.#isHoleAfter(segment, cutBytes)) continue
      this.#dropAfter(segment)
      break
    }
    if (this.#config.flushMessages < Number.MAX_SAFE_INTEGER) this.#syncRecovered(unflushed)
  }

  /**
   * Index of the segment with the recovery point. An empty one may be of a roll that failed: a power loss undid its
   * removal, and the log went on in the segment before.
   */
  #firstUnflushed(): number {
    const { recoveryPoint } = this.#location
    const first = Math.max(
      0,
      this.#segments.findLastIndex((segment) => segment.baseOffset <= recoveryPoint),
    )
    const before = this.#segments[first - 1]
    if (before === undefined || this.#segments[first]!.scan().next() !== undefined) return first
    return before.readNextOffset() > this.#segments[first]!.baseOffset ? first - 1 : first
  }

  /**
   * Records that were written but never synced may be read and acknowledged again from now on. If the settings demand
   * syncs, these records have to be as durable.
   */
  #syncRecovered(unflushed: readonly Segment[]): void {
    const { openFiles } = this.#services
    for (const segment of unflushed) {
      if (this.#segments.includes(segment)) openFiles.use(segment.logPath).syncNow()
    }
    openFiles.files.syncDirectory(this.#location.directory)
  }

  /** Removes empty segments that a crash left during their creation. The log went on in the segment before. */
  #dropEmptyWithin(segment: Segment): void {
    for (let next = this.#after(segment); next !== undefined; next = this.#after(segment)) {
      if (next.baseOffset >= segment.readNextOffset() || next.scan().next() !== undefined) return
      this.#removeSegment(next)
      this.#segments.splice(this.#segments.indexOf(next), 1)
    }
  }

  #after(segment: Segment): Segment | undefined {
    return this.#segments[this.#segments.indexOf(segment) + 1]
  }

  finish(): LoadedLog {
    const { logStartOffset: checkpointedStart } = this.#location
    let logEndOffset = this.#segments.at(-1)?.readNextOffset() ?? 0
    if (this.#segments.length > 0 && logEndOffset < checkpointedStart) {
      this.#services.logger.warn(
        { partition: this.#location.partition, logEndOffset, logStartOffset: checkpointedStart },
        'the log ends below its checkpointed log start offset, because its files were deleted; it starts empty at that offset',
      )
      this.#dropAll()
    }
    if (this.#segments.length === 0) {
      const segment = this.#openSegment(checkpointedStart, { isNew: true })
      segment.createFiles(this.#config.preallocate ? this.#config.segmentBytes : 0)
      this.#segments = [segment]
      this.#changed.add(segment)
      logEndOffset = checkpointedStart
    }
    this.#tellOfLostEnd(logEndOffset)
    this.#segments.at(-1)!.indexes.active = true
    // Removed files must not come back: neither among new records, nor below a log start offset that the checkpoint
    // will no longer hold.
    const isAtStart = checkpointedStart > 0 && checkpointedStart <= this.#segments[0]!.baseOffset
    if (this.#hasRemoved || isAtStart) this.#services.openFiles.files.syncDirectory(this.#location.directory)
    const logStartOffset = Math.max(checkpointedStart, this.#segments[0]!.baseOffset)
    this.#epochs.truncateFromEnd(logEndOffset)
    this.#epochs.truncateFromStart(logStartOffset)
    return {
      segments: this.#segments,
      logStartOffset,
      logEndOffset,
      recoveryPoint: this.#location.wasCleanStop ? logEndOffset : Math.min(this.#location.recoveryPoint, logEndOffset),
      epochs: this.#epochs,
      producers: this.#finishProducers(logStartOffset, logEndOffset),
      snapshots: this.#snapshots,
      changed: this.#segments.filter((segment) => this.#changed.has(segment)),
    }
  }

  #tellOfLostEnd(logEndOffset: number): void {
    const { partition, directory, recoveryPoint } = this.#location
    if (logEndOffset >= recoveryPoint) return
    this.#services.logger.warn(
      { partition, directory, logEndOffset, recoveryPoint },
      'the log ends below its recovery point: records that were flushed are missing from its files',
    )
  }

  /** Pass 6. */
  #finishProducers(logStartOffset: number, logEndOffset: number): ProducerState {
    this.#snapshots.removeStray(this.#segments.map((segment) => segment.baseOffset))
    this.#snapshots.removeWhere((offset) => offset > logEndOffset || offset <= logStartOffset)
    return this.#producers ?? rebuildProducers(this.#producerRebuild(), logEndOffset)
  }

  #recoverSegment(segment: Segment, producers: ProducerState): number {
    const { partition } = this.#location
    if (segment !== this.#segments[0]) this.#snapshots.write(segment.baseOffset, producers.entries)
    segment.resetIndexes()
    const scanner = segment.scan(0, 'whole')
    let fault: string | undefined
    let validBytes = 0
    let nextOffset = segment.baseOffset
    for (let at = scanner.next(); at !== undefined; at = scanner.next()) {
      const { batch, position } = at
      if (!hasValidChecksum(batch)) fault = 'the checksum is wrong'
      else if (!hasValidOffsets(batch) || batch.baseOffset < nextOffset) fault = 'offsets go backwards'
      else if (this.#isHoleBefore(batch, nextOffset)) fault = 'offsets are missing before it'
      else if (!segment.holdsOffset(lastOffsetOf(batch))) fault = 'the offset is too far from the base offset'
      if (fault !== undefined) break
      this.#tellOfHole(segment, batch, position, nextOffset)
      segment.index(batch, position)
      this.#noteEpoch(leaderEpochOf(batch), batch.baseOffset)
      replayBatch(producers, batch, (completed, lastStableOffset) => {
        if (completed.aborted) segment.transactionIndex.append({ ...completed, lastStableOffset })
      })
      nextOffset = lastOffsetOf(batch) + 1
      validBytes = scanner.position
    }
    fault ??= scanner.fault
    const cutBytes = segment.sizeBytes - validBytes
    if (cutBytes > 0) {
      this.#services.logger.warn(
        { partition, file: segment.logPath, position: validBytes, cutBytes, logEndOffset: nextOffset, fault },
        'recovery truncated the log after the last valid batch',
      )
      segment.truncateLog(validBytes)
    }
    segment.finish()
    return cutBytes
  }

  /**
   * A segment may have lost its last batches, or all, while the next one reached the disk. In a compacted log, offsets
   * may be missing anyway. Truncated bytes need not be records: a preallocated file ends in zeros.
   */
  #isHoleAfter(segment: Segment, cutBytes: number): boolean {
    const next = this.#after(segment)
    const logEndOffset = segment.readNextOffset()
    if (next === undefined || logEndOffset === next.baseOffset) return false
    if (cutBytes === 0 && this.#isCompacted && logEndOffset < this.#denseFrom) return false
    this.#services.logger.warn(
      { partition: this.#location.partition, file: segment.logPath, logEndOffset, nextBaseOffset: next.baseOffset },
      'recovery found offsets missing between two segments',
    )
    return true
  }

  /**
   * The checksum does not cover the base offset. If the disk damaged a bit of it, offsets are missing in a range where
   * none can be.
   */
  #isHoleBefore(batch: RecordBatch, nextOffset: number): boolean {
    return !batch.isLegacy && nextOffset >= this.#denseFrom && batch.baseOffset > nextOffset
  }

  /**
   * A hole below the recovery point, in a log that was never compacted: batches that were on the disk are gone from the
   * middle of its file. What follows stays readable, as in Kafka.
   */
  #tellOfHole(segment: Segment, batch: RecordBatch, position: number, nextOffset: number): void {
    const { partition, compactedUpTo } = this.#location
    if (this.#isCompacted || batch.isLegacy || batch.baseOffset <= nextOffset) return
    if (compactedUpTo === undefined || nextOffset < compactedUpTo) return
    this.#services.logger.warn(
      { partition, file: segment.logPath, position, fromOffset: nextOffset, toOffset: batch.baseOffset - 1 },
      'records are gone from the middle of the log: restore the file if they matter',
    )
  }

  get #isCompacted(): boolean {
    return this.#config.cleanupPolicy.includes('compact')
  }

  /**
   * From this offset on no offset is missing: unsynced records have not been compacted. If the checkpoints of a
   * compacted log are lost, only its last segment is sure not to be compacted.
   */
  get #denseFrom(): number {
    const { recoveryPoint, compactedUpTo } = this.#location
    if (compactedUpTo === undefined && this.#isCompacted) return this.#segments.at(-1)!.baseOffset
    return Math.max(recoveryPoint, compactedUpTo ?? 0)
  }

  #noteEpoch(epoch: number | undefined, baseOffset: number): void {
    if (epoch !== undefined && epoch > (this.#epochs.latestEpoch ?? -1)) this.#epochs.assign(epoch, baseOffset)
  }

  /** Removes the segments after a truncated one: their offsets no longer follow. */
  #dropAfter(segment: Segment): void {
    const dropped = this.#segments.filter((each) => each.baseOffset > segment.baseOffset)
    for (const each of dropped) this.#removeSegment(each)
    this.#segments = this.#segments.filter((each) => each.baseOffset <= segment.baseOffset)
    const logEndOffset = segment.readNextOffset()
    this.#snapshots.removeWhere((offset) => offset > logEndOffset)
    if (dropped.length === 0) return
    this.#services.logger.warn(
      { partition: this.#location.partition, baseOffsets: dropped.map((each) => each.baseOffset) },
      'recovery removed the segments after the truncation',
    )
  }

  #dropAll(): void {
    for (const segment of this.#segments) this.#removeSegment(segment)
    this.#segments = []
    this.#epochs.clear()
    this.#snapshots.removeWhere(() => true)
    this.#producers = undefined
  }

  #removeSegment(segment: Segment): void {
    this.#hasRemoved = true
    const { files } = this.#services.openFiles
    for (const path of segment.paths()) this.#services.openFiles.whenClosed(path, () => files.remove(path))
  }

  #openSegment(baseOffset: number, found: { isNew: boolean; hasTransactionIndex?: boolean }): Segment {
    const { host } = this.#services
    return new Segment(this.#location.directory, baseOffset, this.#services, {
      ...found,
      nowMs: host.clock.nowMs(),
      indexIntervalBytes: this.#config.indexIntervalBytes,
      rollJitterMs: segmentJitterMs(this.#config, host.random),
    })
  }

  #producerRebuild(): ProducerRebuild {
    const { partition } = this.#location
    return {
      partition,
      segments: this.#segments,
      snapshots: this.#snapshots,
      nowMs: this.#services.host.clock.nowMs(),
      expirationMs: this.#services.settings.producerIdExpirationMs,
    }
  }
}

function readEpochs({ openFiles, logger }: LogServices, { directory, partition }: LogLocation): LeaderEpochs {
  const { files } = openFiles
  const text = files.readWhole(files.join(directory, LEADER_EPOCH_FILE))?.toString('utf8')
  const entries = text === undefined ? [] : parseEpochs(text)
  if (entries === undefined) logger.warn({ partition }, 'leader-epoch-checkpoint is corrupt: its epochs are lost')
  return new LeaderEpochs(entries ?? [])
}
