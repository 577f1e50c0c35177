import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { failureOfPart, inBackground, isSystemError } from '../failure-policy.ts'
import { LogFiles } from '../log-files.ts'
import type {
  AbortedTransaction,
  AppendContext,
  AppendRejection,
  AppendResult,
  LogConfig,
  PartitionLog,
  ProducerDescription,
  ReadableListener,
  ReadContext,
  ReadResult,
  SegmentStart,
  TimestampAndOffset,
  TransactionalBatch,
  TransactionMarker,
  VerificationGuard,
  VerifiedProducer,
} from '../partition-log.ts'
import { ReadableEnd } from '../readable-end.ts'
import type { Segment } from '../segment/segment.ts'
import { AppendOrder, type OrderedAppends } from './append-order.ts'
import { CleaningAborted, type LastOfProducer } from './compaction.ts'
import { CompactionEnd } from './compaction-end.ts'
import type { StagedAppend } from './log-append.ts'
import { storageError } from './log-availability.ts'
import { type LogParts, openLogParts } from './log-parts.ts'
import type { LogServices, SharedServices } from './log-services.ts'
import type { LogState } from './log-state.ts'
import { abortedTransactions, lastOfProducers } from './log-transactions.ts'
import { cutLog } from './log-truncation.ts'
import type { LogLocation } from './recovery.ts'
import { deletableSegments } from './retention.ts'
import type { ValidatedBatches } from './validate-batches.ts'

/** Indexes are written when this many bytes are pending, and when the log is flushed or closed. */
const PENDING_INDEX_BYTES = 4096

/**
 * One partition on a local disk. An append is validated, ordered and staged in memory, in the turn of the call. The
 * write queue writes it to the file; then the append is answered. If a write fails, the memory is discarded and rebuilt
 * from the files, as at a start. The parts LogAppend, LogReads, LogFlush, SegmentList and LogAvailability share the
 * LogState. Source: UnifiedLog, LocalLog.
 */
export class Log implements PartitionLog {
  readonly topic: string
  readonly partition: number
  /** For compaction, which uses the same files. */
  readonly services: LogServices
  readonly #location: LogLocation
  readonly #parts: LogParts
  #readable: ReadableEnd
  /** Where compaction may have left holes. */
  readonly #compactionEnd: CompactionEnd
  /** Log start offset not yet checkpointed. */
  #unsavedStart: number | undefined
  /** Appends that wait while large batches are validated. */
  readonly #order: AppendOrder
  #isClosed = false
  #truncationCount = 0
  /** Without blocking the event loop, while the disk is slow. */
  #isWritingIndexes = false

  constructor(topic: string, partition: number, config: LogConfig, shared: SharedServices, location: LogLocation) {
    const services: LogServices = {
      ...shared,
      openFiles: new LogFiles(shared.openFiles, location.directory),
      noteFailure: (error) => shared.noteFailure(location.logDirectory, error),
    }
    this.topic = topic
    this.partition = partition
    this.services = services
    this.#location = location
    this.#parts = openLogParts(location, config, services, {
      written: (endOffset) => this.#onWritten(endOffset),
      flushed: (endOffset, bytes) => this.#onFlushed(endOffset, bytes),
      writeFailed: (error) => this.#onWriteFailed(error),
      syncFailed: (error) => this.#onSyncFailed(error),
    })
    this.#readable = new ReadableEnd(this.#state)
    const { logger, openFiles } = services
    const compactionFiles = { files: openFiles.files, logger, partition: location.partition }
    this.#compactionEnd = new CompactionEnd(compactionFiles, location.directory, location.compactedUpTo ?? 0)
    this.#noteCompactionBegin()
    const ordered: OrderedAppends = {
      validate: (records, append) => this.#parts.appends.validate(records, append),
      refusal: () => this.#checkUsable(),
      stage: (plan, append) => this.#stage(plan, append),
    }
    this.#order = new AppendOrder(ordered, services.slicedWork)
  }

  get #state(): LogState {
    return this.#parts.state
  }
  get directory(): string {
    return this.#state.directory
  }
  get logStartOffset(): number {
    return this.#state.logStartOffset
  }
  get logEndOffset(): number {
    return this.#state.logEndOffset
  }
  get flushedEndOffset(): number {
    return this.#state.flushedEndOffset
  }
  get highWatermark(): number {
    return this.#readable.highWatermark
  }
  get lastStableOffset(): number {
    return this.#readable.lastStableOffset
  }
  get recoveryPoint(): number {
    return this.#state.recoveryPoint
  }
  get latestEpoch(): number | undefined {
    return this.#state.epochs.latestEpoch
  }
  get sizeBytes(): number {
    return this.#parts.segments.sizeBytes
  }
  get config(): LogConfig {
    return this.#state.config
  }
  /** In order; the last is the active one. */
  get segments(): readonly Segment[] {
    return this.#parts.segments.all
  }
  get denseFrom(): { readonly offset: number; readonly file: string } | undefined {
    const { offset, file } = this.#compactionEnd
    return offset === undefined ? undefined : { offset, file }
  }
  get lastFlushMs(): number {
    return this.#parts.flush.lastFlushMs
  }
  /** Changes with every truncation. Compaction must then discard what it read. */
  get cutCount(): number {
    return this.#state.cutCount
  }
  /** Number of truncations that were asked for. A failed write truncates as well, but removes nothing that was readable. */
  get truncationCount(): number {
    return this.#truncationCount
  }
  get isClosed(): boolean {
    return this.#isClosed
  }
  /** The failure because of which appends are refused; undefined if they are not. */
  get failure(): Error | undefined {
    return this.#parts.availability.failure
  }

  append(records: Buffer, context: AppendContext): Promise<AppendResult | AppendRejection> {
    const refusal = this.#checkUsable()
    return refusal === undefined ? this.#order.append(records, context) : Promise.resolve(refusal)
  }

  #stage(plan: ValidatedBatches, context: AppendContext): Promise<AppendResult | AppendRejection> {
    let staged: StagedAppend | AppendRejection
    try {
      staged = this.#parts.appends.stage(plan, context)
    } catch (error) {
      // A segment could not be created. Nothing of the append was staged before.
      if (!isSystemError(error)) return Promise.reject(error)
      this.#parts.availability.refuse(error)
      return Promise.resolve(storageError())
    }
    if (isRejection(staged)) return Promise.resolve(staged)
    const { result, needsSync, sizeBytes } = staged
    return new Promise((resolve) => {
      this.#parts.queue.wait({
        endOffset: this.#state.logEndOffset,
        sizeBytes,
        needsSync,
        done: () => resolve(result),
        failed: () => resolve(storageError()),
      })
    })
  }

  #checkUsable(): Rejection | undefined {
    if (this.#isClosed) return reject('KAFKA_STORAGE_ERROR', `The log of ${this.#state.name} is closed`)
    return this.#parts.availability.check()
  }

  read(offset: number, read: ReadContext): Promise<ReadResult | Rejection> {
    return this.#parts.reads.read(offset, read)
  }
  offsetForTimestamp(timestampMs: number, upToOffset: number): Promise<TimestampAndOffset | undefined> {
    return this.#parts.reads.offsetForTimestamp(timestampMs, upToOffset)
  }
  maxTimestamp(): Promise<TimestampAndOffset | undefined> {
    return this.#parts.reads.maxTimestamp()
  }
  *segmentStarts(): Generator<SegmentStart> {
    for (const segment of this.segments.toReversed()) {
      const offset = Math.max(segment.baseOffset, this.logStartOffset)
      const modifiedMs = () => this.#noting(() => segment.modifiedMs)
      yield { offset, isEmpty: segment.sizeBytes === 0, modifiedMs }
    }
  }

  /** Does a task that uses files. Its disk error may be the failure of the whole directory. */
  #noting<T>(task: () => T): T {
    try {
      return task()
    } catch (error) {
      throw this.services.noteFailure(failureOfPart(this.services.host, error))
    }
  }

  locate(offset: number): { readonly file: string; readonly position: number } {
    const [segment = this.#parts.segments.active] = this.#parts.segments.from(offset)
    return { file: segment.logPath, position: segment.positionOf(offset) }
  }

  // How far it can be read.

  onReadable(listener: ReadableListener): () => void {
    return this.#readable.onMoved(listener)
  }
  holdHighWatermark(isHeld: boolean): void {
    this.#readable.hold(isHeld)
  }
  /**
   * This log replaces another one, with the same content, which changes no more: whoever reads that one reads this one
   * from now on. Its producers come along: their snapshot has the last batch of each only, and clients may send any of
   * those in flight again.
   */
  takeOverUsers(previous: Log): void {
    this.#state.takeOver(previous.#state)
    this.#readable = previous.#readable
    this.#readable.follow(this.#state)
  }

  // Producers and epochs.

  async abortedTransactions(fromOffset: number, toOffset: number): Promise<AbortedTransaction[]> {
    return this.abortedTransactionsNow(fromOffset, toOffset)
  }
  /** The same without a promise, for compaction. */
  abortedTransactionsNow(fromOffset: number, toOffset: number): AbortedTransaction[] {
    return this.#noting(() => abortedTransactions(this.#parts, this.services, fromOffset, toOffset))
  }
  hasOpenTransaction(producerId: number, producerEpoch: number): boolean {
    return this.#state.producers.hasOpenTransaction(producerId, producerEpoch)
  }
  beginVerification(producer: VerifiedProducer): VerificationGuard | undefined | Rejection {
    return this.#state.producers.beginVerification(producer, this.services.host.clock.nowMs())
  }
  transactionRefusal(append: TransactionalBatch | TransactionMarker): Rejection | undefined {
    return this.#state.producers.refusalOf(append, this.#state.logEndOffset)
  }
  activeProducers(): ProducerDescription[] {
    return this.#state.producers.describe()
  }
  removeExpiredProducers(nowMs: number): void {
    this.#state.producers.removeExpired(nowMs, this.services.settings.producerIdExpirationMs)
  }

  /** Last batch of each producer, which compaction keeps. */
  lastOfProducers(): Map<number, LastOfProducer> {
    return lastOfProducers(this.#state)
  }

  endOffsetForEpoch(leaderEpoch: number): { readonly leaderEpoch: number; readonly endOffset: number } | undefined {
    return this.#state.epochs.endOffsetFor(leaderEpoch, this.#state.logEndOffset)
  }
  epochForOffset(offset: number): number | undefined {
    return this.#state.epochs.epochFor(offset)
  }
  assignEpoch(leaderEpoch: number): void {
    this.#state.epochs.assign(leaderEpoch, this.#state.logEndOffset)
  }

  // Moving the log start offset.

  /** Raises the log start offset; the log manager makes it durable. Source: maybeIncrementLogStartOffset. */
  moveStartTo(offset: number): boolean {
    const hasMoved = this.#state.moveStartTo(offset)
    if (hasMoved) this.#readable.startMoved()
    return hasMoved
  }

  async deleteRecordsBefore(offset: number): Promise<Rejection | undefined> {
    // A log without disk space allows this too: it frees some.
    if (this.#isClosed || this.#parts.availability.isOffline) return storageError()
    const start = Math.min(offset, this.highWatermark)
    // Retention may have moved it there before, but a power loss would bring its segments back.
    if (this.moveStartTo(start) || this.mayRegainSegments) this.#unsavedStart = start
    const unsaved = this.#unsavedStart
    if (unsaved === undefined) return undefined
    try {
      await this.services.saveLogStarts(this.#location.logDirectory)
      if (this.#unsavedStart === unsaved) this.#unsavedStart = undefined
      return undefined
    } catch (error) {
      this.#parts.availability.refuse(error)
      return storageError()
    }
  }

  /**
   * Removes segments that retention does not keep. Returns how many. If all are removed, an empty one replaces the
   * last. Creating it may fail on a full disk, so the others are removed first. Source: UnifiedLog.deleteOldSegments.
   */
  deleteOldSegments(nowMs: number): number {
    const { config, logStartOffset, logEndOffset } = this.#state
    const facts = { nowMs, highWatermark: this.highWatermark, logStartOffset, logEndOffset }
    const { segments, appends, availability } = this.#parts
    // The next start finishes the exchange with these segments.
    if (segments.isTorn) return 0
    // A damaged time index must not delete records: its entries are checked against the log first.
    for (const segment of deletableSegments(segments.all, config, facts)) segment.ensureLargestTimestamp()
    const deletable = deletableSegments(segments.all, config, facts)
    const last = deletable.length === segments.all.length ? deletable.pop() : undefined
    if (deletable.length > 0) this.#removeFirst(deletable)
    // An offline log has state of batches that never reached the disk. A new segment would save their producers'
    // state.
    if (last === undefined || availability.isOffline) return deletable.length
    this.services.withReserve(this.#location.logDirectory, () => appends.roll(logEndOffset))
    this.#removeFirst([last])
    return deletable.length + 1
  }

  #removeFirst(deletable: readonly Segment[]): void {
    const { segments, reads, availability, flush } = this.#parts
    this.services.logger.info(
      { partition: this.#state.name, baseOffsets: deletable.map((segment) => segment.baseOffset) },
      'deleting segments by retention',
    )
    this.moveStartTo(segments.all[deletable.length]!.baseOffset)
    reads.noteLayoutChange()
    try {
      segments.removeFirst(deletable.length)
    } catch (error) {
      availability.refuse(error)
    }
    flush.syncRemovalsAside()
  }

  /** True if a start may find removed segments again. It needs the log start offset to remove them. */
  get mayRegainSegments(): boolean {
    const { segments, flush } = this.#parts
    return segments.isLeaving || flush.hasUnsyncedRemovals || this.failure !== undefined
  }

  /** Retention deletes nothing before this time, unless something is appended. */
  get nextRetentionMs(): number {
    const { cleanupPolicy, retentionMs } = this.#state.config
    if (!cleanupPolicy.includes('delete') || retentionMs < 0) return Number.POSITIVE_INFINITY
    const first = this.#parts.segments.all[0]!
    return first.sizeBytes === 0 ? Number.POSITIVE_INFINITY : first.retentionTimestampMs + retentionMs
  }

  // Truncation and replacement.

  async truncateTo(offset: number): Promise<void> {
    // An append may arrive in the turn in which the queue becomes idle. Its bytes would land behind the truncated
    // end.
    while (!this.#parts.queue.isIdle) await this.#parts.queue.idle()
    if (this.#isClosed || offset >= this.#state.logEndOffset) return
    this.#truncationCount++
    cutLog(this.#parts, offset, this.services)
    this.#readable.truncated()
    // Before the next append: recovery would trust what it writes below the old recovery point.
    this.services.saveRecoveryPointsAtOnce(this.#location.logDirectory)
    await this.services.saveLogStarts(this.#location.logDirectory)
  }

  /**
   * Replaces segments by the one compacted from them. From endOfHoles on compaction removed no offset. Windows demands
   * that handles are closed before a rename, so new reads wait until those in progress end. Source:
   * LocalLog.replaceSegments.
   */
  async replaceSegments(replaced: readonly Segment[], cleaned: Segment, endOfHoles: number): Promise<void> {
    const { cutCount } = this
    const { segments, flush, reads } = this.#parts
    const { openFiles } = this.services
    const closed = (paths: readonly string[]) => Promise.all(paths.map((path) => openFiles.closed(path)))
    await flush.settled()
    await closed(cleaned.paths())
    this.#startOf(replaced, cutCount)
    const isLate = () => this.#isClosed || cutCount !== this.cutCount
    await this.#parts.disk.sync(() => this.#compactionEnd.moveTo(endOfHoles, isLate))
    this.#startOf(replaced, cutCount)
    try {
      await segments.announceExchange(cleaned)
      await reads.pauseWhile(async () => {
        await closed(replaced.flatMap((segment) => segment.paths()))
        this.#exchange(this.#startOf(replaced, cutCount), replaced, cleaned)
      })
    } catch (error) {
      // The next start finishes an exchange that began.
      if (!segments.isTorn && !this.#isClosed && !this.#parts.availability.isOffline) segments.revokeExchange(cleaned)
      throw error
    }
  }

  /** Index of the first of the segments. Throws if they are no longer those that compaction read. */
  #startOf(replaced: readonly Segment[], cutCount: number): number {
    const start = this.segments.indexOf(replaced[0]!)
    const isStill = replaced.every((segment, i) => this.segments[start + i] === segment)
    if (this.#isClosed || start < 0 || !isStill || cutCount !== this.cutCount) throw new CleaningAborted(this.directory)
    return start
  }

  #exchange(start: number, replaced: readonly Segment[], cleaned: Segment): void {
    const { segments, flush, reads, availability, tail } = this.#parts
    reads.noteLayoutChange()
    const endOffset = segments.all[start + replaced.length]?.baseOffset ?? this.logEndOffset
    // Removed records must not be read from memory: their transactions may be forgotten.
    this.services.tailMemory.forgetBelow(tail, endOffset)
    try {
      segments.exchange(start, replaced, cleaned)
    } catch (error) {
      if (isSystemError(error)) availability.goOffline(error)
      throw error
    }
    flush.syncRemovalsAside()
  }

  // As a copy of another log.

  /** True if no append is waiting or being written. */
  get isQuiet(): boolean {
    const { queue } = this.#parts
    return this.#order.isIdle && queue.isIdle && this.flushedEndOffset === this.logEndOffset
  }

  /** Base offset of the segment with the log start offset. */
  get firstBaseOffset(): number {
    const [first = this.#parts.segments.active] = this.#parts.segments.from(this.logStartOffset)
    return first.baseOffset
  }

  /**
   * Continues at a higher offset, in a new segment: the log that this is a copy of has no record in between. Throws the
   * disk's error.
   */
  skipTo(offset: number): void {
    this.#parts.appends.roll(offset)
    this.#state.staged(offset, 0)
    this.#state.written(offset)
    this.#onFlushed(offset, 0)
  }

  /**
   * Takes what cannot be seen in the records: the producers whose last records are deleted, the epochs without records,
   * and where compaction left holes. Both logs end at the same offset, and this one must be closed and opened again
   * before it is used. Throws the disk's error.
   */
  async takeOver(source: Log): Promise<void> {
    this.#state.epochs.replace(source.#state.epochs.entries)
    this.#parts.flush.takeSnapshotOf(source.#state.producers.entries)
    const { offset } = source.#compactionEnd
    if (offset === undefined) return
    await this.#parts.disk.sync(() => this.#compactionEnd.moveTo(offset, () => this.#isClosed))
  }

  updateConfig(config: LogConfig): void {
    this.#state.updateConfig(config)
    this.#noteCompactionBegin()
  }

  #noteCompactionBegin(): void {
    if (this.config.cleanupPolicy.includes('compact')) this.#compactionEnd.begin(this.logEndOffset)
  }

  whenAnswered(): Promise<void> {
    return this.#parts.flush.whenAnswered()
  }
  flush(): Promise<void> {
    return this.#parts.flush.whenAnswered().then(() => this.#parts.flush.start(this.#state.logEndOffset))
  }

  // Closing.

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#refuseWaiting()
    // The disk may have room again.
    this.#parts.availability.tryAgain()
    if (this.failure === undefined) {
      await this.#parts.flush.whenAnswered()
      await this.#parts.flush.settled()
      this.#parts.flush.finishFiles()
      await this.#parts.flush.start(this.#state.logEndOffset)
    }
    await this.#parts.queue.idle()
    this.#letGo()
  }

  /** Closes at once if everything in memory is in the files. Returns whether it did. */
  closeIfUntouched(): boolean {
    if (!this.#parts.flush.isSettled || !this.#order.isIdle) return false
    this.#letGo()
    return true
  }

  /** Stops using the files: their directory is about to be renamed, or failed. Refuses pending appends and reads. */
  abandon(why: Error = new Error('the log was deleted')): void {
    this.#parts.availability.abandon(why)
    this.#parts.queue.break(why)
    this.#refuseWaiting()
    try {
      this.#letGo()
    } finally {
      // Also where a disk that failed does not let a file be closed.
      this.services.openFiles.release()
    }
  }

  #refuseWaiting(): void {
    this.#order.refuse(this.#checkUsable() ?? storageError())
  }

  /** Releases memory and handles. The log must not be used afterwards. */
  #letGo(): void {
    this.#isClosed = true
    this.#parts.reads.close()
    this.services.tailMemory.forget(this.#parts.tail)
    this.#parts.segments.close()
  }

  // Events of the write queue.

  #onWritten(endOffset: number): void {
    this.#state.written(endOffset)
    const { active } = this.#parts.segments
    if (active.indexes.pendingBytes < PENDING_INDEX_BYTES) return
    if (this.#parts.disk.mayBlock) {
      this.#writeIndexesAside(active)
      return
    }
    try {
      active.indexes.writePending()
    } catch (error) {
      // The records are in the file, so recovery can rebuild the index. Appends stop until the disk has room.
      this.#parts.availability.refuse(error)
    }
  }

  #writeIndexesAside(active: Segment): void {
    if (this.#isWritingIndexes) return
    this.#isWritingIndexes = true
    const end = (error?: unknown): void => {
      this.#isWritingIndexes = false
      if (error !== undefined && !this.#isClosed) this.#parts.availability.refuse(error)
    }
    const { segments, disk } = this.#parts
    const written = active.indexes.writePendingAside(disk, () => !segments.has(active))
    inBackground(
      this.services.host,
      written.then(() => end(), end),
    )
  }

  #onFlushed(endOffset: number, bytes: number): void {
    this.#state.flushed(endOffset, bytes)
    this.#readable.flushed()
  }

  #onWriteFailed(error: Error): void {
    if (this.#isClosed) return
    this.#parts.availability.refuse(error)
    try {
      cutLog(this.#parts, this.#state.writtenEndOffset, this.services)
    } catch (second) {
      this.#parts.availability.goOffline(second)
    }
  }

  #onSyncFailed(error: Error): void {
    this.#parts.availability.goOffline(error)
    // Refused records must not be read. The next start finds out whether the disk has them.
    this.#state.dropUnflushed()
    this.services.tailMemory.forget(this.#parts.tail)
  }
}
