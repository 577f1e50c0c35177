import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { invariant } from '../../protocol/invariant.ts'
import type { RecordBatch } from '../../protocol/records/record-batch.ts'
import { formatEpochs, LEADER_EPOCH_FILE, PARTITION_METADATA_FILE } from '../checkpoint-files.ts'
import type { Files } from '../host/host.ts'
import type {
  AbortedTransaction,
  AppendContext,
  AppendRejection,
  AppendResult,
  LogConfig,
  PartitionLog,
  ProducerDescription,
  ReadContext,
  ReadResult,
  TimestampAndOffset,
} from '../partition-log.ts'
import { CorruptIndexError } from '../segment/entry-file.ts'
import { CLEANED_SUFFIX, DELETED_SUFFIX, SWAP_SUFFIX } from '../segment/file-names.ts'
import { Segment, segmentPaths } from '../segment/segment.ts'
import { Tail } from '../tail.ts'
import { syncFile, WriteQueue } from '../write-queue.ts'
import { CleaningAborted, type LastOfProducer } from './compaction.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import { CorruptLogError, emptyRead, readFileRange, readTail } from './log-reader.ts'
import type { LogServices } from './log-services.ts'
import { type DuplicateAppend, originalOffsets, type ProducerChanges, type ProducerState } from './producer-state.ts'
import { type ProducerRebuild, rebuildProducers, rebuildTransactionIndex } from './rebuild-producers.ts'
import { type LoadedLog, type LogLocation, loadLog } from './recovery.ts'
import { deletableSegments } from './retention.ts'
import type { SnapshotFiles } from './snapshot-files.ts'
import { findLatestTimestamp, findTimestamp } from './timestamp-search.ts'
import { type ValidatedBatches, validateBatches } from './validate-batches.ts'

/** Indexes are written when they have so much to write, and where the log is flushed or closed. */
const PENDING_INDEX_BYTES = 4096
/** After a full disk, appends are tried again so often. */
const RETRY_AFTER_MS = 1000
/** Reads this close to the end are answered from the page cache for sure. */
const HOT_BYTES = 64 * 1024 * 1024
/** Sequential readers whose next position is remembered. */
const MOST_HINTS = 8

/** Where a batch starts, as the last read told. */
interface PositionHint {
  readonly offset: number
  readonly segment: Segment
  readonly position: number
}

/** Why appends are refused; a full disk may get room again, any other failure needs a restart. */
interface Refusal {
  readonly error: Error
  readonly retryAtMs: number
}

/**
 * One partition on a local disk. Decides, stages and orders in memory, in the turn of the call; the write queue brings it
 * to the file; then the append is answered. When a write fails, the memory is thrown away and made anew from the files,
 * as at a start. Source: UnifiedLog, LocalLog.
 */
export class Log implements PartitionLog {
  readonly topic: string
  readonly partition: number
  readonly directory: string
  readonly #name: string
  readonly #services: LogServices
  readonly #queue: WriteQueue
  readonly #tail = new Tail()
  #config: LogConfig
  #segments: Segment[]
  #epochs: LeaderEpochs
  #producers: ProducerState
  #snapshots: SnapshotFiles
  #logStartOffset: number
  #logEndOffset: number
  /** Everything below is in the files. */
  #writtenEndOffset: number
  #flushedEndOffset: number
  /** Everything below is on the disk, indexes included: after a crash, recovery starts here. */
  #recoveryPoint: number
  /** End of what the last sync asked for by flush.messages covers. */
  #syncRequestedUpTo: number
  #lastFlushMs: number
  #hasUnsyncedNames: boolean
  /** Segments with files that changed since they were last synced. */
  readonly #unsynced: Set<Segment>
  /** True where something was appended: the indexes have no end yet, the producers no snapshot. */
  #isUnfinished: boolean
  #refusal: Refusal | undefined
  #hints: PositionHint[] = []
  /** Counts up with every change that makes positions in files invalid. */
  #layout = 0
  #cutCount = 0
  #flushing: Promise<void> = Promise.resolve()
  /** Set while segments wait for their readers to leave, to be replaced: nobody may begin to read. */
  #swap: Promise<void> | undefined
  #isClosed = false

  constructor(topic: string, partition: number, config: LogConfig, services: LogServices, location: LogLocation) {
    const loaded: LoadedLog = loadLog(location, config, services)
    this.topic = topic
    this.partition = partition
    this.directory = location.directory
    this.#name = location.partition
    this.#services = services
    this.#config = config
    this.#segments = loaded.segments
    this.#epochs = loaded.epochs
    this.#producers = loaded.producers
    this.#snapshots = loaded.snapshots
    this.#logStartOffset = loaded.logStartOffset
    this.#logEndOffset = loaded.logEndOffset
    this.#writtenEndOffset = loaded.logEndOffset
    this.#flushedEndOffset = loaded.logEndOffset
    this.#syncRequestedUpTo = loaded.logEndOffset
    this.#recoveryPoint = loaded.recoveryPoint
    this.#unsynced = new Set(loaded.changed)
    this.#hasUnsyncedNames = loaded.changed.length > 0
    this.#isUnfinished = loaded.changed.length > 0
    this.#lastFlushMs = services.host.clock.nowMs()
    this.#queue = new WriteQueue(services.host, services.openFiles, {
      written: (endOffset) => this.#onWritten(endOffset),
      flushed: (endOffset) => this.#onFlushed(endOffset),
      writeFailed: (error) => this.#onWriteFailed(error),
      syncFailed: (error) => this.#onSyncFailed(error),
      syncNames: () => this.#syncNames(),
    })
  }

  get logStartOffset(): number {
    return this.#logStartOffset
  }
  get logEndOffset(): number {
    return this.#logEndOffset
  }
  get flushedEndOffset(): number {
    return this.#flushedEndOffset
  }
  get recoveryPoint(): number {
    return this.#recoveryPoint
  }
  get latestEpoch(): number | undefined {
    return this.#epochs.latestEpoch
  }
  get sizeBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.sizeBytes, 0)
  }
  get config(): LogConfig {
    return this.#config
  }
  /** In order; the last is appended to. */
  get segments(): readonly Segment[] {
    return this.#segments
  }
  get lastFlushMs(): number {
    return this.#lastFlushMs
  }
  /** Changes whenever the log is cut from its end: what compaction knows of it means nothing then. */
  get cutCount(): number {
    return this.#cutCount
  }
  get isClosed(): boolean {
    return this.#isClosed
  }
  /** The failure for which appends are refused; undefined: they are not. */
  get failure(): Error | undefined {
    return this.#refusal?.error
  }

  firstUnstableOffset(upToOffset: number): number | undefined {
    const first = this.#producers.firstUnstableOffset(upToOffset)
    return first === undefined ? undefined : Math.max(first, this.#logStartOffset)
  }

  append(records: Buffer, context: AppendContext): Promise<AppendResult | AppendRejection> {
    const refusal = this.#checkUsable()
    if (refusal !== undefined) return Promise.resolve(refusal)
    let staged: Staged | AppendRejection
    try {
      staged = this.#stage(records, context)
    } catch (error) {
      return this.#failedWhileStaging(error as Error)
    }
    if (isRejection(staged)) return Promise.resolve(staged)
    const { result, needsSync } = staged
    return new Promise((resolve) => {
      this.#queue.wait({
        endOffset: this.#logEndOffset,
        needsSync,
        done: () => resolve(result),
        failed: () => resolve(this.#storageError()),
      })
    })
  }

  #stage(records: Buffer, context: AppendContext): Staged | AppendRejection {
    const plan = validateBatches(records, this.#config, context, this.#name)
    if (isRejection(plan)) return plan
    if (plan.sizeBytes > this.#config.segmentBytes) {
      return reject(
        'RECORD_LIST_TOO_LARGE',
        `Message batch size is ${plan.sizeBytes} bytes in append to partition ${this.#name}, which exceeds the maximum configured segment size of ${this.#config.segmentBytes}.`,
      )
    }
    if (context.origin !== 'replication') assignOffsets(plan.batches, this.#logEndOffset, context.leaderEpoch)
    else if ((plan.batches[0]?.baseOffset ?? this.#logEndOffset) < this.#logEndOffset) {
      return reject(
        'OFFSET_OUT_OF_RANGE',
        `Unexpected offset in append to ${this.#name}: the next is ${this.#logEndOffset}`,
      )
    }
    const changes = this.#producers.check(plan.batches, context)
    if (isRejection(changes)) return changes
    return 'duplicate' in changes ? this.#answerDuplicate(changes) : this.#carryOut(plan, changes, context)
  }

  /** A retry is answered like the original, and not before it: the original may still be on its way to the file. */
  #answerDuplicate(duplicate: DuplicateAppend): Staged {
    const { timestampMs } = duplicate.duplicate
    const result = {
      ...originalOffsets(duplicate),
      logAppendTimeMs: this.#config.messageTimestampType === 'LogAppendTime' ? timestampMs : -1,
      logStartOffset: this.#logStartOffset,
      duplicate: true,
    }
    return { result, needsSync: false }
  }

  #carryOut(plan: ValidatedBatches, changes: ProducerChanges, context: AppendContext): Staged {
    const first = plan.batches[0]
    const baseOffset = first?.baseOffset ?? this.#logEndOffset
    const lastOffset = plan.batches.at(-1)?.lastOffset ?? this.#logEndOffset - 1
    if (first !== undefined) {
      const segment = this.#maybeRoll(plan, baseOffset, lastOffset, context.nowMs)
      const lease = plan.rewritten ? undefined : context.lease
      for (const batch of plan.batches) this.#stageBatch(segment, batch, lease)
      this.#producers.apply(changes, (completed, lastStableOffset) => {
        if (completed.aborted) segment.transactionIndex.append({ ...completed, lastStableOffset })
      })
      this.#logEndOffset = lastOffset + 1
    }
    const { logAppendTimeMs } = plan
    const result = { baseOffset, lastOffset, logAppendTimeMs, logStartOffset: this.#logStartOffset, duplicate: false }
    return { result, needsSync: this.#takesSync() }
  }

  #stageBatch(segment: Segment, batch: RecordBatch, lease: AppendContext['lease']): void {
    const { baseOffset, lastOffset, partitionLeaderEpoch, bytes } = batch
    if (partitionLeaderEpoch >= 0) this.#epochs.assign(partitionLeaderEpoch, baseOffset)
    this.#unsynced.add(segment)
    this.#isUnfinished = true
    this.#queue.add(segment.logPath, segment.sizeBytes, bytes, lease)
    segment.stage(batch)
    this.#services.tailMemory.keep(this.#tail, baseOffset, lastOffset, bytes, lease)
  }

  /** True where flush.messages asks for a sync after this append. */
  #takesSync(): boolean {
    if (this.#logEndOffset - this.#syncRequestedUpTo < this.#config.flushMessages) return false
    this.#syncRequestedUpTo = this.#logEndOffset
    return true
  }

  #maybeRoll(plan: ValidatedBatches, baseOffset: number, lastOffset: number, nowMs: number): Segment {
    const active = this.#segments.at(-1)!
    const question = { appendBytes: plan.sizeBytes, maxTimestamp: plan.maxTimestamp, lastOffset, nowMs }
    if (!active.shouldRoll(this.#config, question)) return active
    // An empty segment takes anything, but for offsets that its indexes cannot hold.
    if (active.sizeBytes === 0 && active.holdsOffset(lastOffset)) return active
    return this.#roll(Math.max(baseOffset, this.#logEndOffset))
  }

  /** Starts a new segment. What is behind it is flushed in the background, as it will not change again. */
  #roll(baseOffset: number): Segment {
    const active = this.#segments.at(-1)!
    if (active.baseOffset === baseOffset) return active
    const { host, openFiles } = this.#services
    this.#removeLeftovers(baseOffset)
    const rollJitterMs = this.#config.segmentJitterMs > 0 ? host.random.below(this.#config.segmentJitterMs) : 0
    const segment = new Segment(this.directory, baseOffset, this.#services, {
      isNew: true,
      nowMs: host.clock.nowMs(),
      indexIntervalBytes: this.#config.indexIntervalBytes,
      rollJitterMs,
    })
    this.#unsynced.add(active)
    active.finish()
    if (this.#config.preallocate) openFiles.use(active.logPath).truncate(active.sizeBytes)
    try {
      segment.createFiles(this.#config.preallocate ? this.#config.segmentBytes : 0)
      this.#snapshots.write(baseOffset, this.#producers.entries)
    } catch (error) {
      // The next attempt may be at another offset: then these would be in the way.
      this.#removeLeftovers(baseOffset)
      throw error
    }
    active.active = false
    segment.active = true
    this.#segments.push(segment)
    this.#unsynced.add(segment)
    this.#isUnfinished = true
    this.#hasUnsyncedNames = true
    this.#startFlush(baseOffset)
    return segment
  }

  #removeLeftovers(baseOffset: number): void {
    const { openFiles } = this.#services
    for (const path of segmentPaths(openFiles.files, this.directory, baseOffset)) {
      if (openFiles.files.exists(path)) openFiles.whenClosed(path, () => openFiles.files.remove(path))
    }
    this.#snapshots.remove(baseOffset)
  }

  async read(offset: number, read: ReadContext): Promise<ReadResult | Rejection> {
    for (;;) {
      const refusal = this.#checkOffset(offset)
      if (refusal !== undefined) return refusal
      if (offset >= read.upToOffset) return emptyRead(offset)
      const tailStart = this.#tail.startOffset
      if (tailStart !== undefined && offset >= tailStart) return readTail(this.#tail, offset, read, this.#services.pool)
      const layout = this.#layout
      const result = await this.#readFiles(offset, read)
      // Truncation or compaction may have changed the files while they were read.
      if (layout === this.#layout) return result
      if (!isRejection(result)) result.release()
    }
  }

  #checkOffset(offset: number): Rejection | undefined {
    if (offset < this.#logStartOffset) {
      return reject(
        'OFFSET_OUT_OF_RANGE',
        `Received request for offset ${offset} for partition ${this.#name}, but we only have log segments starting from offset: ${this.#logStartOffset}.`,
      )
    }
    if (offset <= this.#logEndOffset) return undefined
    return reject(
      'OFFSET_OUT_OF_RANGE',
      `Received request for offset ${offset} for partition ${this.#name}, but we only have log segments upto ${this.#logEndOffset}.`,
    )
  }

  async #readFiles(offset: number, asked: ReadContext): Promise<ReadResult | Rejection> {
    while (this.#swap !== undefined) await this.#swap
    const read = { ...asked, upToOffset: Math.min(asked.upToOffset, this.#writtenEndOffset) }
    const { openFiles, pool } = this.#services
    try {
      for (const segment of this.#segmentsFrom(offset)) {
        // Nothing of it may be read, or is even written.
        if (segment.baseOffset >= read.upToOffset) break
        const hint = this.#takeHint(offset, segment)
        const position = hint?.position ?? segment.positionFor(offset)
        const range = {
          path: segment.logPath,
          position,
          endPosition: segment.sizeBytes,
          isExact: hint !== undefined,
          isHot: this.#isHot(segment, position),
        }
        const found = await readFileRange(openFiles, pool, range, offset, read)
        if (found === undefined) continue
        this.#addHint({ offset: found.result.nextOffset, segment, position: found.nextPosition })
        return found.result
      }
      return emptyRead(offset)
    } catch (error) {
      return this.#readFailure(error as Error)
    }
  }

  *#segmentsFrom(offset: number): Generator<Segment> {
    for (let i = Math.max(0, this.#segmentIndexOf(offset)); i < this.#segments.length; i++) yield this.#segments[i]!
  }

  /** Index of the segment with the largest base offset not above the offset; -1: none. */
  #segmentIndexOf(offset: number): number {
    let [low, high] = [0, this.#segments.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#segments[middle]!.baseOffset <= offset) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  #isHot(segment: Segment, position: number): boolean {
    return segment === this.#segments.at(-1) && position >= segment.sizeBytes - HOT_BYTES
  }

  #takeHint(offset: number, segment: Segment): PositionHint | undefined {
    const index = this.#hints.findIndex((hint) => hint.offset === offset && hint.segment === segment)
    return index < 0 ? undefined : this.#hints.splice(index, 1)[0]
  }

  #addHint(hint: PositionHint): void {
    if (this.#hints.length === MOST_HINTS) this.#hints.shift()
    this.#hints.push(hint)
  }

  abortedTransactions(fromOffset: number, toOffset: number): AbortedTransaction[] {
    const found: AbortedTransaction[] = []
    for (const segment of this.#segmentsFrom(fromOffset)) {
      this.#ensureTransactionIndex(segment)
      if (segment.transactionIndex.collect(fromOffset, toOffset, found)) break
    }
    return found
  }

  #ensureTransactionIndex(segment: Segment): void {
    try {
      segment.transactionIndex.check()
    } catch (error) {
      if (!(error instanceof CorruptIndexError)) throw error
      this.#services.logger.warn(
        { reason: error.message },
        'a transaction index is corrupt: it is made anew from the log',
      )
      rebuildTransactionIndex(this.#producerRebuild(), segment)
      this.#unsynced.add(segment)
    }
  }

  async offsetForTimestamp(timestampMs: number, upToOffset: number): Promise<TimestampAndOffset | undefined> {
    while (this.#swap !== undefined) await this.#swap
    const found = findTimestamp(this.#segments, timestampMs, this.#logStartOffset)
    return found !== undefined && found.offset < upToOffset ? found : undefined
  }

  async maxTimestamp(): Promise<TimestampAndOffset | undefined> {
    while (this.#swap !== undefined) await this.#swap
    return findLatestTimestamp(this.#segments)
  }

  endOffsetForEpoch(leaderEpoch: number): { readonly leaderEpoch: number; readonly endOffset: number } | undefined {
    return this.#epochs.endOffsetFor(leaderEpoch, this.#logEndOffset)
  }
  epochForOffset(offset: number): number | undefined {
    return this.#epochs.epochFor(offset)
  }
  assignEpoch(leaderEpoch: number): void {
    this.#epochs.assign(leaderEpoch, this.#logEndOffset)
  }

  hasOpenTransaction(producerId: number, producerEpoch: number): boolean {
    return this.#producers.hasOpenTransaction(producerId, producerEpoch)
  }
  activeProducers(): ProducerDescription[] {
    return this.#producers.describe()
  }
  removeExpiredProducers(nowMs: number): void {
    this.#producers.removeExpired(nowMs, this.#services.settings.producerIdExpirationMs)
  }

  /** Moves the start up; the log manager makes it durable. Source: maybeIncrementLogStartOffset. */
  moveStartTo(offset: number): boolean {
    invariant(offset <= this.#flushedEndOffset, 'the log cannot start above its high watermark')
    if (offset <= this.#logStartOffset) return false
    this.#logStartOffset = offset
    this.#epochs.truncateFromStart(offset)
    return true
  }

  async deleteRecordsBefore(offset: number): Promise<void> {
    if (this.moveStartTo(Math.min(offset, this.#flushedEndOffset))) await this.#services.saveLogStart(this)
  }

  /** Removes segments that retention has no use for. Answers how many. Source: UnifiedLog.deleteOldSegments. */
  deleteOldSegments(nowMs: number): number {
    const deletable = deletableSegments(this.#segments, this.#config, {
      nowMs,
      highWatermark: this.#flushedEndOffset,
      logStartOffset: this.#logStartOffset,
      logEndOffset: this.#logEndOffset,
    })
    if (deletable.length === 0) return 0
    if (deletable.length === this.#segments.length) this.#roll(this.#logEndOffset)
    const kept = this.#segments.slice(deletable.length)
    this.#services.logger.info(
      { partition: this.#name, baseOffsets: deletable.map((segment) => segment.baseOffset) },
      'deleting segments by retention',
    )
    this.moveStartTo(kept[0]!.baseOffset)
    this.#segments = kept
    for (const segment of deletable) this.#removeSegment(segment)
    this.#syncRemovals()
    return deletable.length
  }

  /** After a power loss removed segments would be back, and records with them of which a client was told they are gone. */
  #syncRemovals(): void {
    try {
      this.#services.openFiles.files.syncDirectory(this.directory)
    } catch (error) {
      this.#refuse(error as Error)
    }
  }

  /** Takes the files out of the log at once, and off the disk after file.delete.delay.ms. */
  #removeSegment(segment: Segment): void {
    const { openFiles, host } = this.#services
    const { files } = openFiles
    this.#hints = this.#hints.filter((hint) => hint.segment !== segment)
    this.#unsynced.delete(segment)
    this.#snapshots.remove(segment.baseOffset)
    this.#queue.markSynced([segment.logPath])
    for (const file of segment.indexFiles()) this.#services.indexCache.forget(file)
    for (const path of segment.paths()) {
      openFiles.whenClosed(path, () => {
        if (!files.exists(path)) return
        files.rename(path, path + DELETED_SUFFIX)
        host.timers.after(this.#config.fileDeleteDelayMs, () => this.#removeFile(path + DELETED_SUFFIX))
      })
    }
  }

  /** The next start tries again. */
  #removeFile(path: string): void {
    try {
      this.#services.openFiles.files.remove(path)
    } catch (error) {
      this.#services.logger.warn(
        { file: path, reason: (error as Error).message },
        'a deleted file could not be removed',
      )
    }
  }

  async truncateTo(offset: number): Promise<void> {
    await this.#queue.idle()
    if (offset >= this.#logEndOffset) return
    this.#cutTo(offset)
    await this.#services.saveLogStart(this)
  }

  /** Last batch of each producer, which compaction keeps. */
  lastOfProducers(): Map<number, LastOfProducer> {
    const last = new Map<number, LastOfProducer>()
    for (const { producerId, producerEpoch, lastBatch } of this.#producers.entries) {
      last.set(producerId, { lastDataOffset: lastBatch?.lastOffset ?? -1, producerEpoch })
    }
    return last
  }

  /**
   * Puts a compacted segment in the place of those that it was made from. Handles are closed before anything is renamed,
   * which Windows demands; so new reads wait until those under way are done. Source: LocalLog.replaceSegments.
   */
  async replaceSegments(replaced: readonly Segment[], cleaned: Segment): Promise<void> {
    const { openFiles } = this.#services
    await this.#flushing
    let open = (): void => {}
    this.#swap = new Promise((resolve) => {
      open = resolve
    })
    try {
      const paths = [...replaced.flatMap((segment) => segment.paths()), ...cleaned.paths()]
      await Promise.all(paths.map((path) => new Promise<void>((resolve) => openFiles.whenClosed(path, resolve))))
      const start = this.#segments.indexOf(replaced[0]!)
      const isStill = replaced.every((segment, i) => this.#segments[start + i] === segment)
      if (this.#isClosed || start < 0 || !isStill) throw new CleaningAborted(this.directory)
      this.#exchange(start, replaced, cleaned)
    } finally {
      this.#swap = undefined
      open()
    }
  }

  /** In one turn; a crash in between is finished or undone at the next start (temporary-files.ts). */
  #exchange(start: number, replaced: readonly Segment[], cleaned: Segment): void {
    const { files } = this.#services.openFiles
    for (const path of replaced.flatMap((segment) => segment.paths())) this.#services.openFiles.detach(path)
    const finalPath = (path: string): string => path.slice(0, -CLEANED_SUFFIX.length)
    const paths = cleaned.paths().filter((path) => files.exists(path))
    for (const path of paths.toReversed()) files.rename(path, finalPath(path) + SWAP_SUFFIX)
    files.syncDirectory(this.directory)
    this.#layout++
    this.#hints = []
    for (const segment of replaced) this.#removeSegment(segment)
    for (const path of paths) files.rename(finalPath(path) + SWAP_SUFFIX, finalPath(path))
    files.syncDirectory(this.directory)
    for (const file of cleaned.indexFiles()) this.#services.indexCache.forget(file)
    const segment = new Segment(this.directory, cleaned.baseOffset, this.#services, {
      isNew: false,
      nowMs: this.#services.host.clock.nowMs(),
      indexIntervalBytes: this.#config.indexIntervalBytes,
    })
    this.#segments.splice(start, replaced.length, segment)
  }

  updateConfig(config: LogConfig): void {
    this.#config = config
  }

  flush(): Promise<void> {
    return this.#whenWritten().then(() => this.#startFlush(this.#logEndOffset))
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    // There may be room again.
    if (this.#refusal !== undefined && this.#refusal.retryAtMs < Number.POSITIVE_INFINITY) this.#refusal = undefined
    if (this.#refusal === undefined) {
      await this.#whenWritten()
      await this.#flushing
      this.#finishFiles()
      await this.#startFlush(this.#logEndOffset)
    }
    await this.#queue.idle()
    this.#letGo()
  }

  /** Closes at once where the files have all that is in memory. Answers whether it did. */
  closeIfUntouched(): boolean {
    if (
      this.#unsynced.size > 0 ||
      this.#isUnfinished ||
      this.#epochs.changed ||
      !this.#queue.isIdle ||
      this.#refusal !== undefined
    )
      return false
    if (this.#recoveryPoint < this.#logEndOffset) return false
    this.#letGo()
    return true
  }

  /** Time before which retention finds nothing to delete, unless something is appended. */
  get nextRetentionMs(): number {
    const { cleanupPolicy, retentionMs } = this.#config
    if (!cleanupPolicy.includes('delete') || retentionMs < 0) return Number.POSITIVE_INFINITY
    const first = this.#segments[0]!
    return first.sizeBytes === 0 ? Number.POSITIVE_INFINITY : first.retentionTimestampMs + retentionMs
  }

  /** Lets go of memory and handles. The log must not be used after it. */
  #letGo(): void {
    this.#isClosed = true
    this.#services.tailMemory.forget(this.#tail)
    for (const segment of this.#segments) {
      for (const file of segment.indexFiles()) this.#services.indexCache.forget(file)
      for (const path of segment.paths()) this.#services.openFiles.whenClosed(path, () => {})
    }
  }

  /** Stops using the files, whose directory is about to go. Appends under way are refused. */
  abandon(): void {
    this.#queue.break(new Error('the log was deleted'))
    this.#letGo()
  }

  #finishFiles(): void {
    if (!this.#isUnfinished) return
    const active = this.#segments.at(-1)!
    try {
      active.finish()
      if (this.#config.preallocate) this.#services.openFiles.use(active.logPath).truncate(active.sizeBytes)
      this.#takeSnapshot()
      this.#unsynced.add(active)
      this.#isUnfinished = false
    } catch (error) {
      this.#refuse(error as Error)
    }
  }

  #takeSnapshot(): void {
    if (this.#logEndOffset === this.#logStartOffset || this.#snapshots.offsets.at(-1) === this.#logEndOffset) return
    this.#snapshots.write(this.#logEndOffset, this.#producers.entries)
    this.#hasUnsyncedNames = true
  }

  /** Resolves once all that is staged now is in the file. A failed write resolves it too: the log has refused it then. */
  #whenWritten(): Promise<void> {
    if (this.#queue.isIdle) return Promise.resolve()
    return new Promise((resolve) => {
      this.#queue.wait({ endOffset: this.#logEndOffset, needsSync: false, done: resolve, failed: () => resolve() })
    })
  }

  #startFlush(upToOffset: number): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#flushTo(upToOffset))
    return this.#flushing
  }

  /** Syncs what lies below the offset, and moves the recovery point there. */
  async #flushTo(upToOffset: number): Promise<void> {
    if (this.#unsynced.size === 0 && !this.#epochs.changed && !this.#hasUnsyncedNames) return
    await this.#whenWritten()
    if (this.#refusal !== undefined) return
    const isAll = upToOffset >= this.#logEndOffset
    const segments = [...this.#unsynced].filter((segment) => isAll || segment.baseOffset < upToOffset)
    for (const segment of segments) this.#unsynced.delete(segment)
    try {
      const endOffset = Math.min(upToOffset, this.#writtenEndOffset)
      for (const segment of segments) await this.#syncSegment(segment)
      await this.#syncSnapshot(endOffset)
      this.#writeEpochs()
      this.#syncNames()
      if (endOffset > this.#recoveryPoint) this.#recoveryPoint = Math.min(endOffset, this.#logEndOffset)
      this.#lastFlushMs = this.#services.host.clock.nowMs()
    } catch (error) {
      for (const segment of segments) if (this.#segments.includes(segment)) this.#unsynced.add(segment)
      this.#refuse(error as Error)
    }
  }

  async #syncSegment(segment: Segment): Promise<void> {
    segment.writePendingIndexes()
    const { openFiles } = this.#services
    for (const path of segment.paths()) {
      // Retention may have removed the segment in the meantime.
      if (this.#segments.includes(segment) && openFiles.files.exists(path)) await syncFile(openFiles, path)
    }
    if (segment !== this.#segments.at(-1)) this.#queue.markSynced([segment.logPath])
  }

  async #syncSnapshot(offset: number): Promise<void> {
    if (this.#snapshots.offsets.includes(offset)) {
      await syncOnce(this.#services.openFiles.files, this.#snapshots.path(offset))
    }
  }

  #writeEpochs(): void {
    if (!this.#epochs.changed) return
    const { files } = this.#services.openFiles
    files.replaceWhole(files.join(this.directory, LEADER_EPOCH_FILE), formatEpochs(this.#epochs.entries))
    this.#epochs.changed = false
  }

  #syncNames(): void {
    if (!this.#hasUnsyncedNames) return
    const { files } = this.#services.openFiles
    // Without it the log would not be known as that of its topic.
    const metadata = files.join(this.directory, PARTITION_METADATA_FILE)
    if (files.exists(metadata)) syncOnceNow(files, metadata)
    files.syncDirectory(this.directory)
    files.syncDirectory(files.join(this.directory, '..'))
    this.#hasUnsyncedNames = false
  }

  #onWritten(endOffset: number): void {
    this.#writtenEndOffset = endOffset
    const active = this.#segments.at(-1)!
    if (active.pendingIndexBytes < PENDING_INDEX_BYTES) return
    try {
      active.writePendingIndexes()
    } catch (error) {
      // The records are in the file: recovery makes the index anew. Appends stop until the disk has room.
      this.#refuse(error as Error)
    }
  }

  #onFlushed(endOffset: number): void {
    if (endOffset > this.#flushedEndOffset) this.#flushedEndOffset = endOffset
  }

  #onWriteFailed(error: Error): void {
    if (this.#isClosed) return
    this.#refuse(error)
    try {
      this.#cutTo(this.#writtenEndOffset)
    } catch (second) {
      this.#goOffline(second as Error)
    }
  }

  #onSyncFailed(error: Error): void {
    this.#goOffline(error)
    // What was refused must not be seen; whether the disk has it, the next start will tell.
    this.#logEndOffset = this.#flushedEndOffset
    this.#services.tailMemory.forget(this.#tail)
  }

  /** A segment could not be made. Nothing of the append was staged before that. */
  #failedWhileStaging(error: Error): Promise<AppendRejection> {
    if ((error as NodeJS.ErrnoException).code === undefined) return Promise.reject(error)
    this.#refuse(error)
    return Promise.resolve(this.#storageError())
  }

  /** Removes what is not below the offset, from files and memory, and makes the memory anew from the files. */
  #cutTo(offset: number): void {
    this.#layout++
    this.#cutCount++
    this.#isUnfinished = true
    this.#hints = []
    this.#services.tailMemory.forget(this.#tail)
    while (this.#segments.length > 1 && this.#segments.at(-1)!.baseOffset > offset) {
      this.#removeSegment(this.#segments.pop()!)
    }
    const active = this.#segments.at(-1)!
    this.#unsynced.add(active)
    active.active = true
    if (active.baseOffset > offset) this.#restartAt(offset)
    else active.truncateTo(offset, this.#services.openFiles.use(active.logPath).size())
    this.#logStartOffset = Math.min(this.#logStartOffset, offset)
    this.#logEndOffset = offset
    this.#writtenEndOffset = Math.min(this.#writtenEndOffset, offset)
    this.#flushedEndOffset = Math.min(this.#flushedEndOffset, offset)
    this.#syncRequestedUpTo = Math.min(this.#syncRequestedUpTo, offset)
    this.#recoveryPoint = Math.min(this.#recoveryPoint, offset)
    this.#epochs.truncateFromEnd(offset)
    this.#snapshots.removeWhere((each) => each > offset)
    this.#producers = rebuildProducers(this.#producerRebuild(), offset)
  }

  #producerRebuild(): ProducerRebuild {
    const { host, settings } = this.#services
    return {
      partition: this.#name,
      segments: this.#segments,
      snapshots: this.#snapshots,
      logStartOffset: this.#logStartOffset,
      nowMs: host.clock.nowMs(),
      expirationMs: settings.producerIdExpirationMs,
    }
  }

  /** Nothing is left: an empty segment at the offset takes the place of the last one. */
  #restartAt(offset: number): void {
    this.#removeSegment(this.#segments.pop()!)
    const segment = new Segment(this.directory, offset, this.#services, {
      isNew: true,
      nowMs: this.#services.host.clock.nowMs(),
      indexIntervalBytes: this.#config.indexIntervalBytes,
    })
    segment.createFiles()
    segment.active = true
    this.#segments = [segment]
    this.#unsynced.add(segment)
    this.#hasUnsyncedNames = true
  }

  #refuse(error: Error): void {
    const isFull = ['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE'].includes((error as NodeJS.ErrnoException).code ?? '')
    if (!isFull) {
      this.#goOffline(error)
      return
    }
    const retryAtMs = this.#services.host.clock.monotonicMs() + RETRY_AFTER_MS
    if (this.#refusal === undefined) {
      this.#services.logger.error(
        { partition: this.#name, reason: error.message },
        'no room to write: appends are refused until there is some again',
      )
    }
    this.#refusal = { error, retryAtMs }
  }

  /** No append is accepted until the next start; what is there can still be read. */
  #goOffline(error: Error): void {
    if (this.#refusal?.retryAtMs === Number.POSITIVE_INFINITY) return
    this.#refusal = { error, retryAtMs: Number.POSITIVE_INFINITY }
    this.#queue.break(error)
    this.#services.logger.error(
      { partition: this.#name, directory: this.directory, reason: error.message },
      'the disk failed: appends are refused until the broker is started anew',
    )
    this.#services.onDiskFailure(this.directory, error)
  }

  #checkUsable(): Rejection | undefined {
    if (this.#isClosed) return reject('KAFKA_STORAGE_ERROR', `The log of ${this.#name} is closed`)
    if (this.#refusal === undefined) return undefined
    if (this.#services.host.clock.monotonicMs() < this.#refusal.retryAtMs) return this.#storageError()
    this.#refusal = undefined
    return undefined
  }

  #storageError(): Rejection {
    return reject('KAFKA_STORAGE_ERROR')
  }

  #readFailure(error: Error): Rejection {
    if (error instanceof CorruptLogError) {
      this.#services.logger.error({ partition: this.#name, reason: error.message }, 'the log is corrupt')
      return reject('CORRUPT_MESSAGE', error.message)
    }
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    this.#services.logger.error({ partition: this.#name, reason: error.message }, 'the log cannot be read')
    return this.#storageError()
  }
}

/** An append that has its place in the log. */
interface Staged {
  readonly result: AppendResult
  readonly needsSync: boolean
}

/** Batches follow each other from the offset on. */
function assignOffsets(batches: readonly RecordBatch[], offset: number, leaderEpoch: number): void {
  let next = offset
  for (const batch of batches) {
    batch.baseOffset = next
    batch.partitionLeaderEpoch = leaderEpoch
    next = batch.nextOffset
  }
}

function syncOnceNow(files: Files, path: string): void {
  const handle = files.open(path, 'r+')
  try {
    handle.syncNow()
  } finally {
    handle.close()
  }
}

async function syncOnce(files: Files, path: string): Promise<void> {
  if (!files.exists(path)) return
  const handle = files.open(path, 'r+')
  try {
    await handle.sync()
  } finally {
    handle.close()
  }
}
