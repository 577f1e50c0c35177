import { type Rejection, reject } from '../../protocol/error-codes.ts'
import type { AppendContext, AppendRejection, AppendResult, PartitionLog } from '../../storage/partition-log.ts'
import type { TopicSettings } from '../config/topic-configs.ts'
import type { PartitionImage } from '../metadata/metadata-image.ts'

/** Options of a produce: its acks, and the context for the log. */
export interface LeaderAppend extends AppendContext {
  /** -1: acknowledged by all in-sync replicas. */
  readonly acks: number
}

/**
 * A partition that this broker leads. As long as no other broker has a replica, flushed records are replicated: the
 * high watermark is the flushed end offset.
 */
export class Partition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly log: PartitionLog
  readonly #settings: () => TopicSettings
  /** Called after each append that became readable, with its bytes; with Infinity if it ended a transaction. */
  readonly #readable: (partition: Partition, bytes: number) => void
  /** Last stable offset at the last notification. */
  #notifiedStableOffset: number
  #image: PartitionImage
  #retired: Rejection | undefined

  constructor(parts: {
    topic: string
    topicId: string
    partition: number
    image: PartitionImage
    log: PartitionLog
    settings: () => TopicSettings
    readable: (partition: Partition, bytes: number) => void
  }) {
    this.topic = parts.topic
    this.topicId = parts.topicId
    this.partition = parts.partition
    this.log = parts.log
    this.#settings = parts.settings
    this.#readable = parts.readable
    this.#notifiedStableOffset = this.lastStableOffset
    this.#image = parts.image
    this.#beginEpoch()
  }

  /** Applies the partition's newest metadata. */
  update(image: PartitionImage): void {
    this.#image = image
    this.#beginEpoch()
  }

  // Assigns the epoch to the log end before anything is appended in it. Source: Partition.makeLeader.
  #beginEpoch(): void {
    const { leaderEpoch } = this.#image
    if ((this.log.latestEpoch ?? -1) < leaderEpoch) this.log.assignEpoch(leaderEpoch)
  }

  get leaderEpoch(): number {
    return this.#image.leaderEpoch
  }
  get settings(): TopicSettings {
    return this.#settings()
  }
  get logStartOffset(): number {
    return this.log.logStartOffset
  }
  get logEndOffset(): number {
    return this.log.logEndOffset
  }
  /** Consumers may read below this offset. */
  get highWatermark(): number {
    return this.log.flushedEndOffset
  }
  /**
   * read_committed consumers may read below this offset: the first offset of an open transaction, at most the high
   * watermark.
   */
  get lastStableOffset(): number {
    const { highWatermark } = this
    const unstable = this.log.firstUnstableOffset(highWatermark)
    return unstable !== undefined && unstable < highWatermark ? unstable : highWatermark
  }

  /** Source: Partition.checkCurrentLeaderEpoch. */
  checkEpoch(currentLeaderEpoch: number): Rejection | undefined {
    if (currentLeaderEpoch === -1 || currentLeaderEpoch === this.leaderEpoch) return undefined
    return reject(currentLeaderEpoch < this.leaderEpoch ? 'FENCED_LEADER_EPOCH' : 'UNKNOWN_LEADER_EPOCH')
  }

  endOffsetForEpoch(leaderEpoch: number) {
    return this.log.endOffsetForEpoch(leaderEpoch)
  }

  /** Appends a client's batches. Their order is fixed before this returns. Source: appendRecordsToLeader. */
  append(records: Buffer, append: LeaderAppend): Promise<AppendResult | AppendRejection> {
    const refused = this.#refusal(append)
    if (refused !== undefined) return Promise.resolve(refused)
    const size = records.length
    const epochNow = () => this.#refusal(append) ?? this.leaderEpoch
    const appended = this.log.append(records, { ...append, epochNow })
    return appended.then((result) => {
      if ('baseOffset' in result && !result.duplicate) this.#notifyReadable(result.baseOffset, size)
      return result
    })
  }

  /**
   * Reports readable bytes. The end of a transaction releases everything held back for read_committed readers, not its
   * marker alone.
   */
  #notifyReadable(baseOffset: number, size: number): void {
    const before = this.#notifiedStableOffset
    this.#notifiedStableOffset = this.lastStableOffset
    const endsTransaction = before < baseOffset && this.#notifiedStableOffset > before
    this.#readable(this, endsTransaction ? Number.POSITIVE_INFINITY : size)
  }

  /** Refuses further appends: the topic is deleted or another broker leads. Waiting appends get the error. */
  retire(why: Rejection): void {
    this.#retired = why
  }

  #refusal({ acks }: LeaderAppend): Rejection | undefined {
    return this.#retired ?? (acks === -1 ? this.#tooFewInSync() : undefined)
  }

  /** Never require more replicas than the partition has. Source: Partition.effectiveMinIsr. */
  #tooFewInSync(): Rejection | undefined {
    const { isr, replicas } = this.#image
    const needed = Math.min(this.settings.minInsyncReplicas, replicas.length)
    if (isr.length >= needed) return undefined
    return reject(
      'NOT_ENOUGH_REPLICAS',
      `The size of the current ISR ${isr.join(', ')} is insufficient to satisfy the min.isr requirement of ${needed} for partition ${this.topic}-${this.partition}`,
    )
  }
}
