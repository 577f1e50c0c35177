import { invariant } from '../../protocol/invariant.ts'
import type { LogConfig } from '../partition-log.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { ProducerState } from './producer-state.ts'
import type { SnapshotFiles } from './snapshot-files.ts'

/** What a log is opened with. */
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
 * The state that the parts of an open log share. Only its methods change it. It changes in the turn in which something is
 * decided, before any byte is written: the files follow.
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
  /** The offset that the next append gets. */
  get logEndOffset(): number {
    return this.#logEndOffset
  }
  /** Everything below is in the files. */
  get writtenEndOffset(): number {
    return this.#writtenEndOffset
  }
  /** Everything below is as durable as the settings ask. */
  get flushedEndOffset(): number {
    return this.#flushedEndOffset
  }
  /** Everything below is on the disk, indexes included: after a crash, recovery starts here. */
  get recoveryPoint(): number {
    return this.#recoveryPoint
  }
  /** Counts the cuts of the log's end. Work that began before a cut must not rely on what it knew of the log. */
  get cutCount(): number {
    return this.#cutCount
  }

  updateConfig(config: LogConfig): void {
    this.#config = config
  }

  /** Batches up to this offset were staged. */
  staged(logEndOffset: number): void {
    invariant(logEndOffset >= this.#logEndOffset, 'an append moves the end of the log up')
    this.#logEndOffset = logEndOffset
  }

  /** Everything below the offset is in the files. A write may end after a failed sync has cut the log short. */
  written(endOffset: number): void {
    this.#writtenEndOffset = Math.min(endOffset, this.#logEndOffset)
  }

  /** Everything below the offset is as durable as the settings ask. */
  flushed(endOffset: number): void {
    this.#flushedEndOffset = Math.max(this.#flushedEndOffset, Math.min(endOffset, this.#logEndOffset))
  }

  /** Everything below the offset is on the disk, indexes included, unless the log was cut since `cutCount`. */
  synced(endOffset: number, cutCount: number): void {
    if (cutCount === this.#cutCount && endOffset > this.#recoveryPoint)
      this.#recoveryPoint = Math.min(endOffset, this.#logEndOffset)
  }

  /** Moves the start of the log up. Answers false where it is not below the offset. */
  moveStartTo(offset: number): boolean {
    invariant(offset <= this.#flushedEndOffset, 'the log cannot start above its high watermark')
    if (offset <= this.#logStartOffset) return false
    this.#logStartOffset = offset
    this.epochs.truncateFromStart(offset)
    return true
  }

  /** The log ends at the offset now. */
  cutTo(offset: number): void {
    this.#cutCount++
    this.#logEndOffset = offset
    this.#logStartOffset = Math.min(this.#logStartOffset, offset)
    this.#writtenEndOffset = Math.min(this.#writtenEndOffset, offset)
    this.#flushedEndOffset = Math.min(this.#flushedEndOffset, offset)
    this.#recoveryPoint = Math.min(this.#recoveryPoint, offset)
    this.epochs.truncateFromEnd(offset)
  }

  /** After a cut, producers are made anew from the files. */
  replaceProducers(producers: ProducerState): void {
    this.#producers = producers
  }

  /** A sync failed: what was not flushed before is refused, and must not be seen. The files may hold it. */
  dropUnflushed(): void {
    this.#logEndOffset = this.#flushedEndOffset
    this.#writtenEndOffset = this.#flushedEndOffset
    this.#recoveryPoint = Math.min(this.#recoveryPoint, this.#flushedEndOffset)
  }
}
