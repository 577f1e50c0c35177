import { type Rejection, reject } from '../../protocol/error-codes.ts'
import { batchesOf, type RecordBatch } from '../../protocol/records/record-batch.ts'
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
  SegmentStart,
  VerificationGuard,
} from '../../storage/partition-log.ts'
import { type AppendedEnd, ReadableEnd } from '../../storage/readable-end.ts'

/** A log in an array, without files, validation or producer state: enough for the broker's other parts. */
export class MemoryLog implements PartitionLog {
  logStartOffset = 0
  logEndOffset = 0
  flushedEndOffset = 0
  #flushedBytes = 0
  #unstableOffset: number | undefined
  readonly #readable = new ReadableEnd(this)
  aborted: AbortedTransaction[] = []
  producers: ProducerDescription[] = []
  /** Returned by beginVerification. */
  verification: VerificationGuard | undefined | Rejection
  /** Returned by transactionRefusal. */
  refusal: Rejection | undefined
  /** Returned by append instead of appending. */
  nextRejection: AppendRejection | undefined
  /** Offset where a read stops, as at the end of a segment. */
  segmentEnd = Number.POSITIVE_INFINITY
  /** Called by each read, which starts once the promise has resolved. */
  reading: () => Promise<void> = () => Promise.resolve()
  /** Reads whose memory is not released yet. */
  heldReads = 0
  /** Called by each append, which is flushed once the promise has resolved. */
  flushing: () => Promise<void> = () => Promise.resolve()
  readonly epochs: { leaderEpoch: number; startOffset: number }[] = []
  #batches: RecordBatch[] = []
  #flushed: Promise<void> = Promise.resolve()

  /** First offset of an open transaction; undefined: it ends with the next append. */
  set unstableOffset(offset: number | undefined) {
    this.#unstableOffset = offset
    if (offset !== undefined) this.#readable.startMoved()
  }
  get firstUnstable(): AppendedEnd | undefined {
    if (this.#unstableOffset === undefined) return undefined
    return { offset: this.#unstableOffset, appendedBytes: Number.NEGATIVE_INFINITY }
  }
  get flushedEnd(): AppendedEnd {
    return { offset: this.flushedEndOffset, appendedBytes: this.#flushedBytes }
  }
  forgetTransactionsBelow(): void {}
  get highWatermark(): number {
    return this.#readable.highWatermark
  }
  get lastStableOffset(): number {
    return this.#readable.lastStableOffset
  }
  onReadable(listener: ReadableListener): () => void {
    return this.#readable.onMoved(listener)
  }
  holdHighWatermark(isHeld: boolean): void {
    this.#readable.hold(isHeld)
  }

  async append(records: Buffer, { leaderEpoch }: AppendContext): Promise<AppendResult | AppendRejection> {
    if (this.nextRejection !== undefined) return this.nextRejection
    const baseOffset = this.logEndOffset
    // Copy: the caller's memory is valid during the call only, and this log retains no lease.
    for (const batch of batchesOf(Buffer.from(records)).batches) {
      batch.baseOffset = this.logEndOffset
      batch.partitionLeaderEpoch = leaderEpoch
      this.logEndOffset = batch.nextOffset
      this.#batches.push(batch)
    }
    const { logEndOffset, logStartOffset } = this
    this.#flushed = this.flushing()
    await this.#flushed
    this.flushedEndOffset = logEndOffset
    this.#flushedBytes += records.length
    this.#readable.flushed()
    return { baseOffset, lastOffset: logEndOffset - 1, logAppendTimeMs: -1, logStartOffset, duplicate: false }
  }

  locate() {
    return { file: 'memory', position: 0 }
  }

  async read(offset: number, { maxBytes, minOneBatch, upToOffset }: ReadContext) {
    if (offset < this.logStartOffset || offset > this.logEndOffset) return reject('OFFSET_OUT_OF_RANGE')
    await this.reading()
    const slices: Buffer[] = []
    let [sizeBytes, nextOffset, isLimited] = [0, offset, false]
    for (const batch of this.#batches) {
      if (batch.lastOffset < offset || batch.nextOffset > Math.min(upToOffset, this.segmentEnd)) continue
      const mustTake = minOneBatch && slices.length === 0
      isLimited = !mustTake && sizeBytes + batch.sizeBytes > maxBytes
      if (isLimited) break
      slices.push(batch.bytes)
      sizeBytes += batch.sizeBytes
      nextOffset = batch.nextOffset
    }
    this.heldReads++
    const isBehind = offset < this.segmentEnd && this.segmentEnd <= upToOffset
    return { slices, sizeBytes, nextOffset, isLimited, isBehind, release: () => this.heldReads-- }
  }

  async abortedTransactions(fromOffset: number, toOffset: number): Promise<AbortedTransaction[]> {
    return this.aborted.filter(({ firstOffset, lastOffset }) => firstOffset < toOffset && lastOffset >= fromOffset)
  }

  readonly denseFrom = undefined

  async offsetForTimestamp(timestampMs: number) {
    const batch = this.#batches.find((each) => each.maxTimestamp >= timestampMs)
    if (batch === undefined) return undefined
    return { timestampMs: batch.maxTimestamp, offset: batch.baseOffset, leaderEpoch: batch.partitionLeaderEpoch }
  }

  /** Returned by segmentStarts; empty: one segment, last modified at time 0. */
  starts: SegmentStart[] = []

  segmentStarts(): readonly SegmentStart[] {
    if (this.starts.length > 0) return this.starts
    return [{ offset: this.logStartOffset, isEmpty: this.#batches.length === 0, modifiedMs: () => 0 }]
  }

  async maxTimestamp() {
    const [latest] = [...this.#batches].sort((a, b) => b.maxTimestamp - a.maxTimestamp)
    if (latest === undefined) return undefined
    return { timestampMs: latest.maxTimestamp, offset: latest.baseOffset, leaderEpoch: latest.partitionLeaderEpoch }
  }

  get latestEpoch(): number | undefined {
    return this.epochs.at(-1)?.leaderEpoch
  }
  endOffsetForEpoch(leaderEpoch: number) {
    const index = this.epochs.findLastIndex((each) => each.leaderEpoch <= leaderEpoch)
    const found = this.epochs[index]
    if (found === undefined || leaderEpoch > (this.latestEpoch ?? -1)) return undefined
    return { leaderEpoch: found.leaderEpoch, endOffset: this.epochs[index + 1]?.startOffset ?? this.logEndOffset }
  }
  epochForOffset(offset: number): number | undefined {
    return this.epochs.findLast(({ startOffset }) => startOffset <= offset)?.leaderEpoch
  }
  assignEpoch(leaderEpoch: number): void {
    this.epochs.push({ leaderEpoch, startOffset: this.logEndOffset })
  }

  async deleteRecordsBefore(offset: number): Promise<undefined> {
    this.logStartOffset = Math.max(this.logStartOffset, offset)
    this.#readable.startMoved()
    return undefined
  }
  async truncateTo(offset: number): Promise<void> {
    const { sizeBytes } = this
    this.#batches = this.#batches.filter((batch) => batch.nextOffset <= offset)
    this.logEndOffset = this.flushedEndOffset = this.#batches.at(-1)?.nextOffset ?? 0
    this.#flushedBytes -= sizeBytes - this.sizeBytes
    this.#readable.truncated()
  }

  hasOpenTransaction(): boolean {
    return false
  }
  beginVerification(): VerificationGuard | undefined | Rejection {
    return this.verification
  }
  transactionRefusal(): Rejection | undefined {
    return this.refusal
  }
  activeProducers(): ProducerDescription[] {
    return this.producers
  }
  get sizeBytes(): number {
    return this.#batches.reduce((sum, batch) => sum + batch.sizeBytes, 0)
  }
  updateConfig(_config: LogConfig): void {}
  whenAnswered(): Promise<void> {
    return this.#flushed
  }
  async flush(): Promise<void> {}
  async close(): Promise<void> {}
}
