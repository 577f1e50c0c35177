import { isRejection, type Rejection } from '../protocol/error-codes.ts'
import type { Log } from './log/log.ts'
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
} from './partition-log.ts'

/**
 * A log as the broker has it: it stays the same when the log moves to another directory, where other files replace
 * those of now. Reads that meet the change are repeated. Changes of the log wait for it, in their order.
 */
export class ServedLog implements PartitionLog {
  #log: Log
  /** Changes that wait; undefined: none has to. The bytes that connections may have in flight bound them. */
  #held: (() => void)[] | undefined

  constructor(log: Log) {
    this.#log = log
  }

  /** The log behind it, for those who use its files. */
  get log(): Log {
    return this.#log
  }

  /** From now on changes wait. Those under way go on. */
  hold(): void {
    this.#held ??= []
  }

  /** Carries out the changes that waited. */
  resume(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const change of held) change()
  }

  /** The log has other files from now on, with the same content. */
  switchTo(log: Log): void {
    log.takeOverUsers(this.#log)
    this.#log = log
  }

  get logStartOffset(): number {
    return this.#log.logStartOffset
  }
  get logEndOffset(): number {
    return this.#log.logEndOffset
  }
  get highWatermark(): number {
    return this.#log.highWatermark
  }
  get lastStableOffset(): number {
    return this.#log.lastStableOffset
  }
  get denseFrom(): { readonly offset: number; readonly file: string } | undefined {
    return this.#log.denseFrom
  }
  get latestEpoch(): number | undefined {
    return this.#log.latestEpoch
  }
  get sizeBytes(): number {
    return this.#log.sizeBytes
  }

  append(records: Buffer, context: AppendContext): Promise<AppendResult | AppendRejection> {
    if (this.#held === undefined) return this.#log.append(records, context)
    context.lease?.retain()
    return this.#whenResumed(() => {
      const appended = this.#appendLater(records, context)
      // The log has its own leases by now.
      context.lease?.release()
      return appended
    })
  }

  #appendLater(records: Buffer, context: AppendContext): Promise<AppendResult | AppendRejection> {
    const leaderEpoch = context.epochNow?.() ?? context.leaderEpoch
    if (typeof leaderEpoch !== 'number') return Promise.resolve(leaderEpoch)
    return this.#log.append(records, { ...context, leaderEpoch })
  }

  #whenResumed<T>(change: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#held!.push(() => {
        try {
          resolve(change())
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  read(offset: number, read: ReadContext): Promise<ReadResult | Rejection> {
    const log = this.#log
    return log
      .read(offset, read)
      .then((result) => (log !== this.#log && isRejection(result) ? this.read(offset, read) : result))
  }

  offsetForTimestamp(timestampMs: number, upToOffset: number): Promise<TimestampAndOffset | undefined> {
    return this.#search((log) => log.offsetForTimestamp(timestampMs, upToOffset))
  }
  maxTimestamp(): Promise<TimestampAndOffset | undefined> {
    return this.#search((log) => log.maxTimestamp())
  }
  abortedTransactions(fromOffset: number, toOffset: number): Promise<AbortedTransaction[]> {
    return this.#search((log) => log.abortedTransactions(fromOffset, toOffset))
  }

  async #search<T>(search: (log: Log) => Promise<T>): Promise<T> {
    for (;;) {
      const log = this.#log
      try {
        return await search(log)
      } catch (error) {
        if (log === this.#log) throw error
      }
    }
  }

  locate(offset: number): { readonly file: string; readonly position: number } {
    return this.#log.locate(offset)
  }
  segmentStarts(): Iterable<SegmentStart> {
    return this.#log.segmentStarts()
  }
  onReadable(listener: ReadableListener): () => void {
    return this.#log.onReadable(listener)
  }
  holdHighWatermark(isHeld: boolean): void {
    this.#log.holdHighWatermark(isHeld)
  }
  hasOpenTransaction(producerId: number, producerEpoch: number): boolean {
    return this.#log.hasOpenTransaction(producerId, producerEpoch)
  }
  beginVerification(producer: VerifiedProducer): VerificationGuard | undefined | Rejection {
    return this.#log.beginVerification(producer)
  }
  transactionRefusal(append: TransactionalBatch | TransactionMarker): Rejection | undefined {
    return this.#log.transactionRefusal(append)
  }
  activeProducers(): ProducerDescription[] {
    return this.#log.activeProducers()
  }
  endOffsetForEpoch(leaderEpoch: number): { readonly leaderEpoch: number; readonly endOffset: number } | undefined {
    return this.#log.endOffsetForEpoch(leaderEpoch)
  }
  epochForOffset(offset: number): number | undefined {
    return this.#log.epochForOffset(offset)
  }
  assignEpoch(leaderEpoch: number): void {
    this.#log.assignEpoch(leaderEpoch)
  }
  updateConfig(config: LogConfig): void {
    this.#log.updateConfig(config)
  }

  deleteRecordsBefore(offset: number): Promise<Rejection | undefined> {
    if (this.#held === undefined) return this.#log.deleteRecordsBefore(offset)
    return this.#whenResumed(() => this.#log.deleteRecordsBefore(offset))
  }
  truncateTo(offset: number): Promise<void> {
    if (this.#held === undefined) return this.#log.truncateTo(offset)
    return this.#whenResumed(() => this.#log.truncateTo(offset))
  }
  whenAnswered(): Promise<void> {
    return this.#log.whenAnswered()
  }
  flush(): Promise<void> {
    return this.#log.flush()
  }
  close(): Promise<void> {
    return this.#log.close()
  }
}
