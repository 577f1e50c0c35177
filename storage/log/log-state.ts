import { invariant } from '../../protocol/invariant.ts'
import type { LogConfig } from '../partition-log.ts'
import type { AppendedEnd } from '../readable-end.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { ProducerState } from './producer-state.ts'
import type { SnapshotFiles } from './snapshot-files.ts'

/** Inputs for opening a log. */
export interface OpenedState {
  /** `topic-0`, for messages. */
  readonly name: string
  readonly directory: string
  readonly config: LogConfig
  readonly epochs: LeaderEpochs
  readonly producers: ProducerState
  readonly snapshots: SnapshotFiles
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly recoveryPoint: number
}

/**
 * The state shared by the parts of an open log. Only its methods change it. It changes in the turn of the decision,
 * before any byte is written; the files follow.
 *
 * logStartOffset <= flushedEndOffset <= writtenEndOffset <= logEndOffset, and recoveryPoint <= logEndOffset.
 */
export class LogState {
  /** `topic-0`, for messages. */
  readonly name: string
  readonly directory: string
  readonly epochs: LeaderEpochs
  readonly snapshots: SnapshotFiles
  #config: LogConfig
  #producers: ProducerState
  #logStartOffset: number
  #logEndOffset: number
  #writtenEndOffset: number
  #flushedEndOffset: number
  #recoveryPoint: number
  /** Appended since the log was opened, without what was truncated. */
  #stagedBytes = 0
  /** Those of them up to flushedEndOffset. */
  #flushedBytes = 0
  #cutCount = 0

  constructor(opened: OpenedState) {
    this.name = opened.name
    this.directory = opened.directory
    this.epochs = opened.epochs
    this.snapshots = opened.snapshots
    this.#config = opened.config
    this.#producers = opened.producers
    this.#logStartOffset = opened.logStartOffset
    this.#logEndOffset = opened.logEndOffset
    this.#writtenEndOffset = opened.logEndOffset
    this.#flushedEndOffset = opened.logEndOffset
    this.#recoveryPoint = opened.recoveryPoint
  }

  get config(): LogConfig {
    return this.#config
  }
  get producers(): ProducerState {
    return this.#producers
  }
  get logStartOffset(): number {
    return this.#logStartOffset
  }
  /** The offset of the next append. */
  get logEndOffset(): number {
    return this.#logEndOffset
  }
  /** Everything below is in the files. */
  get writtenEndOffset(): number {
    return this.#writtenEndOffset
  }
  /** Everything below is as durable as the settings demand. */
  get flushedEndOffset(): number {
    return this.#flushedEndOffset
  }
  /** Bytes of all appends since the log was opened, without what was truncated. */
  get stagedBytes(): number {
    return this.#stagedBytes
  }
  get flushedEnd(): AppendedEnd {
    return { offset: this.#flushedEndOffset, appendedBytes: this.#flushedBytes }
  }
  /** Everything below is on the disk, indexes included. After a crash, recovery starts here. */
  get recoveryPoint(): number {
    return this.#recoveryPoint
  }
  /** Number of truncations. Work that began before a truncation must not rely on what it read of the log. */
  get cutCount(): number {
    return this.#cutCount
  }

  /** Start of the oldest transaction that is open, or ended and not forgotten; undefined: none. */
  get firstUnstable(): AppendedEnd | undefined {
    const first = this.#producers.firstUnstable
    if (first === undefined || first.offset >= this.#logStartOffset) return first
    return { offset: this.#logStartOffset, appendedBytes: first.appendedBytes }
  }

  forgetTransactionsBelow(highWatermark: number): void {
    this.#producers.forgetCompletedBelow(highWatermark)
  }

  updateConfig(config: LogConfig): void {
    this.#config = config
  }

  /** Batches up to this offset were staged. */
  staged(logEndOffset: number, bytes: number): void {
    invariant(logEndOffset >= this.#logEndOffset, 'an append moves the end of the log up')
    this.#logEndOffset = logEndOffset
    this.#stagedBytes += bytes
  }

  /** Everything below the offset is in the files. A write may end after a failed sync has truncated the log. */
  written(endOffset: number): void {
    this.#writtenEndOffset = Math.min(endOffset, this.#logEndOffset)
  }

  /** Everything below the offset is as durable as the settings demand. bytes: of the appends that are now. */
  flushed(endOffset: number, bytes: number): void {
    this.#flushedBytes += bytes
    this.#flushedEndOffset = Math.max(this.#flushedEndOffset, Math.min(endOffset, this.#logEndOffset))
  }

  /** Everything below the offset is on the disk, indexes included, unless the log was truncated since `cutCount`. */
  synced(endOffset: number, cutCount: number): void {
    if (cutCount === this.#cutCount && endOffset > this.#recoveryPoint)
      this.#recoveryPoint = Math.min(endOffset, this.#logEndOffset)
  }

  /** Raises the log start offset. Returns false if it is not below the offset. */
  moveStartTo(offset: number): boolean {
    invariant(offset <= this.#flushedEndOffset, 'the log cannot start above its high watermark')
    if (offset <= this.#logStartOffset) return false
    this.#logStartOffset = offset
    this.epochs.truncateFromStart(offset)
    return true
  }

  /** Truncates the log to the offset. flushedBytes: those that are lost. */
  cutTo(offset: number, flushedBytes: number): void {
    this.#cutCount++
    this.#flushedBytes -= flushedBytes
    this.#stagedBytes = this.#flushedBytes
    this.#logEndOffset = offset
    this.#logStartOffset = Math.min(this.#logStartOffset, offset)
    this.#writtenEndOffset = Math.min(this.#writtenEndOffset, offset)
    this.#flushedEndOffset = Math.min(this.#flushedEndOffset, offset)
    this.#recoveryPoint = Math.min(this.#recoveryPoint, offset)
    this.epochs.truncateFromEnd(offset)
  }

  /** Replaces the producers by those rebuilt from the files after a truncation. */
  replaceProducers(producers: ProducerState): void {
    this.#producers = producers
  }

  /** Continues a log with the same content, and its count of bytes, to which its open transactions refer. */
  takeOver(previous: LogState): void {
    this.#producers = previous.#producers
    this.#stagedBytes = previous.#stagedBytes
    this.#flushedBytes = previous.#flushedBytes
  }

  /** A sync failed. Unflushed records are refused and must not be read, though the files may hold them. */
  dropUnflushed(): void {
    this.#logEndOffset = this.#flushedEndOffset
    this.#writtenEndOffset = this.#flushedEndOffset
    this.#stagedBytes = this.#flushedBytes
    this.#recoveryPoint = Math.min(this.#recoveryPoint, this.#flushedEndOffset)
  }
}
