import { NO_TIMESTAMP, type RecordBatch } from '../../protocol/records/record-batch.ts'
import type { Files } from '../host/host.ts'
import type { FileAccess } from '../open-files.ts'
import type { StorageLogger } from '../storage-logger.ts'
import { BatchScanner } from './batch-scanner.ts'
import { CorruptIndexError } from './entry-file.ts'
import {
  LOG_SUFFIX,
  SEGMENT_SUFFIXES,
  type SegmentSuffix,
  segmentFileName,
  type TemporarySuffix,
} from './file-names.ts'
import type { IndexCache } from './index-cache.ts'
import type { OffsetIndex, OffsetPosition } from './offset-index.ts'
import { SegmentIndexes } from './segment-indexes.ts'
import { hasTooLowMaxTimestamp, lastOffsetOf, latestTimestampOf, maxTimestampOf } from './stored-batch.ts'
import type { TimeIndex, TimestampOffset } from './time-index.ts'
import type { TransactionIndex } from './transaction-index.ts'

/** Indexes hold offsets as 31 bits above the base offset. */
const LARGEST_RELATIVE_OFFSET = 2 ** 31 - 1
/** Shared by segments: open files, and memory for indexes. */
export interface SegmentFiles {
  readonly openFiles: FileAccess
  readonly indexCache: IndexCache
  readonly logger: StorageLogger
}

/**
 * One segment of a log: a file of batches and its three indexes. It knows what was staged for it, written or not; the
 * write queue does the writing. Indexes are read when first needed.
 */
export class Segment {
  readonly baseOffset: number
  readonly directory: string
  readonly logPath: string
  readonly indexes: SegmentIndexes
  /** Random reduction of segment.ms, so that the segments of many partitions do not roll at the same moment. */
  readonly rollJitterMs: number
  readonly createdMs: number
  readonly #openFiles: FileAccess
  readonly #logger: StorageLogger
  readonly #indexIntervalBytes: number
  #sizeBytes: number | undefined
  #largest: TimestampOffset | undefined
  /** Timestamp of the first batch; undefined: not read yet, -1: none. */
  #firstTimestamp: number | undefined
  #bytesSinceIndexEntry = 0
  #isChecked: boolean
  #isLargestChecked: boolean
  /** Index entries from this position on were added by this process. Their batches may not be in the file yet. */
  #ownFrom: number | undefined

  constructor(
    directory: string,
    baseOffset: number,
    files: SegmentFiles,
    options: {
      readonly isNew: boolean
      readonly nowMs: number
      readonly indexIntervalBytes: number
      readonly rollJitterMs?: number
      readonly temporary?: TemporarySuffix
      /** Omitted: the directory is checked. */
      readonly hasTransactionIndex?: boolean
    },
  ) {
    this.directory = directory
    this.baseOffset = baseOffset
    this.rollJitterMs = options.rollJitterMs ?? 0
    this.#openFiles = files.openFiles
    this.#logger = files.logger
    this.#indexIntervalBytes = options.indexIntervalBytes
    this.createdMs = options.nowMs
    this.#isChecked = options.isNew
    this.#isLargestChecked = options.isNew
    if (options.isNew) this.#sizeBytes = this.#ownFrom = 0
    const stem = files.openFiles.files
      .join(directory, segmentFileName(baseOffset, LOG_SUFFIX))
      .slice(0, -LOG_SUFFIX.length)
    const path = (suffix: SegmentSuffix) => stem + suffix + (options.temporary ?? '')
    this.logPath = path(LOG_SUFFIX)
    const { isNew, hasTransactionIndex: hasTransactions } = options
    this.indexes = new SegmentIndexes(baseOffset, path, files, { isNew, hasTransactions })
  }

  get offsetIndex(): OffsetIndex {
    return this.indexes.offset
  }

  get timeIndex(): TimeIndex {
    return this.indexes.time
  }

  get transactionIndex(): TransactionIndex {
    return this.indexes.transaction
  }

  /** Creates the files of a new segment, at full size if they are preallocated. */
  createFiles(preallocatedBytes = 0): void {
    this.#openFiles.create(this.logPath)
    if (preallocatedBytes > 0) this.#openFiles.use(this.logPath).truncate(preallocatedBytes)
    this.indexes.createFiles()
  }

  /** Bytes staged, written or not. */
  get sizeBytes(): number {
    this.#sizeBytes ??= this.#openFiles.files.stat(this.logPath)?.size ?? 0
    this.#ownFrom ??= this.#sizeBytes
    return this.#sizeBytes
  }

  /** When its file was last written or created. */
  get modifiedMs(): number {
    return this.#openFiles.files.stat(this.logPath)?.modifiedMs ?? this.createdMs
  }

  /** Largest timestamp so far, with the last offset of its batch. */
  get largestTimestamp(): TimestampOffset {
    if (this.#largest === undefined) {
      if (this.timeIndex.file.hasWholeEntries()) this.#largest = this.timeIndex.last()
      else this.ensureIndexes()
    }
    this.#largest ??= this.timeIndex.last()
    return this.#largest
  }

  /**
   * Checks once that the time index agrees with the end of the log, and rebuilds it if not. No checksum covers it, and
   * its last entry decides which segments retention deletes and searches skip.
   */
  ensureLargestTimestamp(): void {
    if (this.#isLargestChecked) return
    this.#isLargestChecked = true
    const largest = this.largestTimestamp
    const from = this.#lastIndexedAtMost(largest.offset)
    const isTrue = this.#isLatestOfEnd(largest) && (largest.timestampMs < 0 || this.hasBatch(largest, from))
    if (!isTrue) this.timeIndexIsWrong(largest)
  }

  /** False if the first batch, or one of the last, has a later timestamp. Usually the last batches have the latest. */
  #isLatestOfEnd({ timestampMs }: TimestampOffset): boolean {
    if (this.firstTimestampMs > timestampMs) return false
    const scanner = this.scan(this.#lastIndexedAtMost(Number.MAX_SAFE_INTEGER))
    for (let at = scanner.next(); at !== undefined; at = scanner.next())
      if (this.#latestTimestampOf(at.batch, at.position) > timestampMs) return false
    return true
  }

  /**
   * Position from which to search for the batch with the offset. The batch is usually among the last ones, and then the
   * last entry of the index is enough. Reading little of each segment matters when there are many.
   */
  #lastIndexedAtMost(offset: number): number {
    const last = this.offsetIndex.file.hasWholeEntries() ? this.offsetIndex.peekLast() : undefined
    if (last === undefined || last.offset > offset || last.position >= this.sizeBytes) return this.positionFor(offset)
    return this.#isTrue(last) ? last.position : this.positionFor(offset)
  }

  /** False if the file has no batch at that offset, or one with another largest timestamp. */
  hasBatch({ timestampMs, offset }: TimestampOffset, from = this.positionFor(offset)): boolean {
    const scanner = this.scan(from)
    for (let at = scanner.next(); at !== undefined; at = scanner.next()) {
      if (lastOffsetOf(at.batch) < offset) continue
      return this.#latestTimestampOf(at.batch, at.position) === timestampMs
    }
    // The batch may not be in the file yet.
    return scanner.position < this.sizeBytes
  }

  /** The time index contradicts the log. Rebuilds the indexes. */
  timeIndexIsWrong({ timestampMs, offset }: TimestampOffset): void {
    this.#logger.warn(
      { file: this.timeIndex.file.path, timestampMs, offset },
      'a time index contains a timestamp that is not in its log',
    )
    this.rebuildIndexes()
  }

  /** Timestamp for retention: the largest timestamp, or the time of the last write if no record has one. */
  get retentionTimestampMs(): number {
    const { timestampMs } = this.largestTimestamp
    return timestampMs >= 0 ? timestampMs : this.modifiedMs
  }

  /** Accounts for a batch that will be appended at the end. Source: LogSegment.append. */
  stage(batch: RecordBatch): void {
    this.#note(batch, this.sizeBytes, batch.bytes.length)
    this.#sizeBytes = this.sizeBytes + batch.bytes.length
  }

  /** Accounts for a batch at the position while indexes are rebuilt. Header fields are enough. */
  index(batch: RecordBatch, position: number): void {
    this.#note(batch, position, batch.sizeBytes)
  }

  #note(batch: RecordBatch, position: number, batchBytes: number): void {
    const timestampMs = this.#latestTimestampOf(batch, position)
    const lastOffset = lastOffsetOf(batch)
    if (position === 0) this.#firstTimestamp = timestampMs
    if (timestampMs > this.largestTimestamp.timestampMs) this.#largest = { timestampMs, offset: lastOffset }
    if (this.#bytesSinceIndexEntry > this.#indexIntervalBytes) {
      this.offsetIndex.append(lastOffset, position)
      this.timeIndex.maybeAppend(this.largestTimestamp)
      this.#bytesSinceIndexEntry = 0
    }
    this.#bytesSinceIndexEntry += batchBytes
  }

  /** Reads the records of the batch if its header cannot be right. `batch` may hold the header only. */
  #latestTimestampOf(batch: RecordBatch, position: number): number {
    if (!hasTooLowMaxTimestamp(batch)) return maxTimestampOf(batch)
    const isWhole = batch.bytes.length >= batch.sizeBytes
    const whole = isWhole ? batch : this.readBatch(position, batch.sizeBytes)
    return latestTimestampOf(whole ?? batch)
  }

  /** True if the indexes can represent the offset. */
  holdsOffset(offset: number): boolean {
    return offset >= this.baseOffset && offset - this.baseOffset <= LARGEST_RELATIVE_OFFSET
  }

  /** Clears all indexes, to be rebuilt from the log. */
  resetIndexes(): void {
    this.indexes.clearTransactions()
    this.#resetOffsetIndexes()
  }

  #resetOffsetIndexes(): void {
    this.indexes.clearOffsetsAndTimes()
    this.#isChecked = true
    this.#isLargestChecked = true
    this.#ownFrom = 0
    this.#largest = undefined
    this.#firstTimestamp = undefined
    this.#bytesSinceIndexEntry = 0
  }

  /** Adds the last time index entry and writes the indexes. Called when the segment is closed or no longer active. */
  finish(): void {
    this.addLastTimestamp()
    this.indexes.writePending()
  }

  /** Adds the last time index entry, in memory. */
  addLastTimestamp(): void {
    if (this.#largest !== undefined) this.timeIndex.maybeAppend(this.#largest)
  }

  /**
   * Truncates the log file; the caller handles the indexes. Syncs at once: after a power loss, truncated bytes could
   * otherwise reappear in place of what was written since.
   */
  truncateLog(sizeBytes: number): void {
    const file = this.#openFiles.use(this.logPath)
    file.truncate(sizeBytes)
    file.syncNow()
    this.#sizeBytes = sizeBytes
  }

  /**
   * Removes the batches from the offset on, and what was staged but never written. A batch that spans the offset is
   * removed whole. Source: LogSegment.truncateTo.
   */
  truncateTo(offset: number, writtenBytes = this.sizeBytes): void {
    this.#sizeBytes = writtenBytes
    const position = this.positionOf(offset)
    this.indexes.truncateTo(offset)
    this.truncateLog(position)
    this.#bytesSinceIndexEntry = 0
    if (position === 0) this.#firstTimestamp = undefined
    this.#largest = this.readLargestTimestamp()
  }

  /** Position of the first batch whose last offset is at or above the offset; the size if there is none. */
  positionOf(offset: number): number {
    const scanner = this.scan(this.positionFor(offset))
    for (let at = scanner.next(); at !== undefined; at = scanner.next()) {
      if (lastOffsetOf(at.batch) >= offset) return at.position
    }
    return scanner.position
  }

  /** The log end offset, read from the end of the file. */
  readNextOffset(): number {
    return this.readEnd().nextOffset
  }

  /** The same, and the end of the last whole batch. It is before the end of the file if other bytes follow. */
  readEnd(): { readonly nextOffset: number; readonly position: number } {
    this.ensureIndexes()
    const scanner = this.scan(this.positionFor(Number.MAX_SAFE_INTEGER))
    let nextOffset = this.baseOffset
    for (let at = scanner.next(); at !== undefined; at = scanner.next()) nextOffset = lastOffsetOf(at.batch) + 1
    return { nextOffset, position: scanner.position }
  }

  /**
   * Checks once that offset and time index can belong to this log file, and rebuilds them if not. Headers are enough:
   * the log was valid when it was closed. The transaction index needs more (recovery.ts).
   */
  ensureIndexes(): void {
    if (this.#isChecked) return
    try {
      this.offsetIndex.check(this.sizeBytes)
      this.timeIndex.check()
      this.#isChecked = true
    } catch (error) {
      if (!(error instanceof CorruptIndexError)) throw error
      this.#logger.warn({ reason: error.message }, 'an index is corrupt')
      this.rebuildIndexes()
    }
  }

  rebuildIndexes(): void {
    this.#logger.warn({ file: this.logPath }, 'indexes are rebuilt from the log')
    const before = this.#largest
    this.#resetOffsetIndexes()
    const scanner = this.scan()
    let lastOffset = this.baseOffset - 1
    for (let at = scanner.next(); at !== undefined; at = scanner.next()) {
      const offset = lastOffsetOf(at.batch)
      // No checksum covers the base offset. A wrong one must not make other batches unreachable: entries have to rise.
      if (offset <= lastOffset || !this.holdsOffset(offset)) continue
      this.index(at.batch, at.position)
      lastOffset = offset
    }
    const isUnderWay = scanner.position < this.sizeBytes && before !== undefined && before.offset > lastOffset
    if (isUnderWay && before.timestampMs > this.largestTimestamp.timestampMs) this.#largest = before
    this.finish()
    this.indexes.sync()
  }

  /** Position from which a forward search finds the batch with the offset, or the first batch after it. */
  positionFor(offset: number): number {
    this.ensureIndexes()
    const entry = this.offsetIndex.lookup(offset)
    if (entry === undefined || this.#isTrue(entry)) return entry?.position ?? 0
    this.indexIsWrong(entry)
    return this.offsetIndex.lookup(offset)?.position ?? 0
  }

  /**
   * Index entry at which such a search begins; undefined: at position 0. No checksum covers an index file. If an entry
   * came from a file, and no batch starts at its position, or the batch there ends above the entry's offset, the reader
   * must call `indexIsWrong`. A batch that ends below is right: Kafka before 4.0 wrote one entry for several batches
   * that came together.
   */
  indexEntryFor(offset: number): (OffsetPosition & { readonly isOwn: boolean }) | undefined {
    this.ensureIndexes()
    const entry = this.offsetIndex.lookup(offset)
    return entry && { isOwn: this.#isOwn(entry), ...entry }
  }

  #isTrue(entry: OffsetPosition): boolean {
    if (this.#isOwn(entry)) return true
    const first = this.scan(entry.position).next()
    return first !== undefined && lastOffsetOf(first.batch) <= entry.offset
  }

  #isOwn({ position }: OffsetPosition): boolean {
    this.#ownFrom ??= this.sizeBytes
    return position >= this.#ownFrom
  }

  /** The offset index contradicts the log. Rebuilds the indexes. */
  indexIsWrong({ offset, position }: OffsetPosition): void {
    this.#logger.warn(
      { file: this.offsetIndex.file.path, offset, position },
      'an index entry points to a position without a batch',
    )
    this.rebuildIndexes()
  }

  /** Scans headers, or whole batches, from a position at which a batch starts. */
  scan(position = 0, parts: 'headers' | 'whole' = 'headers'): BatchScanner {
    return new BatchScanner(this.#openFiles.use(this.logPath), position, this.sizeBytes, parts)
  }

  /** The whole batch whose header a scan found. A view of its own buffer. */
  readBatch(position: number, sizeBytes: number): RecordBatch | undefined {
    const file = this.#openFiles.use(this.logPath)
    return new BatchScanner(file, position, position + sizeBytes, 'whole').next()?.batch
  }

  /** All files that the segment may have, the log first. */
  paths(): string[] {
    return [this.logPath, ...this.indexes.files().map((file) => file.path)]
  }

  /** Largest timestamp of the first batch; -1 if there is none. */
  get firstTimestampMs(): number {
    if (this.#firstTimestamp === undefined) {
      const first = this.sizeBytes === 0 ? undefined : this.scan().next()
      if (first === undefined) return NO_TIMESTAMP
      this.#firstTimestamp = maxTimestampOf(first.batch)
    }
    return this.#firstTimestamp
  }

  /** Largest timestamp of the last entry of the time index and the batches behind it. */
  readLargestTimestamp(): TimestampOffset {
    let largest = this.timeIndex.last()
    const scanner = this.scan(this.offsetIndex.lookup(largest.offset)?.position ?? 0)
    for (let at = scanner.next(); at !== undefined; at = scanner.next()) {
      const timestampMs = this.#latestTimestampOf(at.batch, at.position)
      const offset = lastOffsetOf(at.batch)
      if (timestampMs > largest.timestampMs && this.holdsOffset(offset)) largest = { timestampMs, offset }
    }
    return largest
  }
}

/** Names of all files that a segment may have. */
export function segmentPaths(files: Files, directory: string, baseOffset: number): string[] {
  return SEGMENT_SUFFIXES.map((suffix) => files.join(directory, segmentFileName(baseOffset, suffix)))
}
