import { type Rejection, reject } from '../../protocol/error-codes.ts'
import type { AppendContext, AppendRejection, AppendResult, PartitionLog } from '../../storage/partition-log.ts'
import type { TopicSettings } from '../config/topic-configs.ts'
import type { PartitionImage } from '../metadata/metadata-image.ts'

/** What a produce asks for: acks of the request, and what the log must know of it. */
export interface LeaderAppend extends AppendContext {
  /** -1: acknowledged by all in-sync replicas. */
  readonly acks: number
}

/**
 * One partition that this broker leads: who may append and read, and up to where. As long as no other broker holds a
 * replica, what is flushed here is replicated: the high watermark is the log's flushed end.
 */
export class Partition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly log: PartitionLog
  readonly #settings: () => TopicSettings
  /** Told after each append that became readable, with its bytes; without a bound where it ended a transaction. */
  readonly #readable: (partition: Partition, bytes: number) => void
  /** Last stable offset when an append was told last. */
  #toldStableOffset: number
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
    this.#toldStableOffset = this.lastStableOffset
    this.#image = parts.image
    this.#beginEpoch()
  }

  /** Takes over what the metadata says now. */
  update(image: PartitionImage): void {
    this.#image = image
    this.#beginEpoch()
  }

  // As Partition.makeLeader: the epoch is known to the log from its first offset on, before anything is appended in it.
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
  /** End of what consumers may read. */
  get highWatermark(): number {
    return this.log.flushedEndOffset
  }
  /** End of what read_committed consumers may read: no open transaction reaches below it. Never above the high watermark. */
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

  /** Appends a client's batches; their place is fixed before the promise is returned. Source: appendRecordsToLeader. */
  append(records: Buffer, append: LeaderAppend): Promise<AppendResult | AppendRejection> {
    const refused = this.#refusal(append)
    if (refused !== undefined) return Promise.resolve(refused)
    const size = records.length
    const epochNow = () => this.#refusal(append) ?? this.leaderEpoch
    const appended = this.log.append(records, { ...append, epochNow })
    return appended.then((result) => {
      if ('baseOffset' in result && !result.duplicate) this.#tellReadable(result.baseOffset, size)
      return result
    })
  }

  /** The end of a transaction lets read_committed readers have all that was held back for it, not its marker alone. */
  #tellReadable(baseOffset: number, size: number): void {
    const before = this.#toldStableOffset
    this.#toldStableOffset = this.lastStableOffset
    const endsTransaction = before < baseOffset && this.#toldStableOffset > before
    this.#readable(this, endsTransaction ? Number.POSITIVE_INFINITY : size)
  }

  /** Nothing is appended any more: the topic is gone, or another broker leads. Appends that wait are told why. */
  retire(why: Rejection): void {
    this.#retired = why
  }

  #refusal({ acks }: LeaderAppend): Rejection | undefined {
    return this.#retired ?? (acks === -1 ? this.#tooFewInSync() : undefined)
  }

  /** A partition cannot ask for more replicas than it has. Source: Partition.effectiveMinIsr. */
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
