import { type Rejection, reject } from '../../protocol/error-codes.ts'
import type { AppendContext, AppendRejection, AppendResult, PartitionLog } from '../../storage/partition-log.ts'
import type { TopicSettings } from '../config/topic-configs.ts'
import type { PartitionImage } from '../metadata/metadata-image.ts'

/** Options of a produce: its acks, and the context for the log. */
export interface LeaderAppend extends Omit<AppendContext, 'epochNow'> {
  /** -1: acknowledged by all in-sync replicas. */
  readonly acks: number
}

/** A partition that this broker leads, or follows: then it is only read. Its log may be served by other brokers too. */
export class Partition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly log: PartitionLog
  readonly #nodeId: number
  readonly #settings: () => TopicSettings
  readonly #stopListening: () => void
  #image: PartitionImage
  /** Log end when this broker last began to lead, or to lead in another epoch. */
  #epochStart: { readonly leaderEpoch: number; readonly offset: number } | undefined
  #retired: Rejection | undefined

  constructor(parts: {
    nodeId: number
    topic: string
    topicId: string
    partition: number
    image: PartitionImage
    log: PartitionLog
    settings: () => TopicSettings
    /** Called when the readable end of the log moved. bytes, stableBytes: see ReadableListener. */
    readable: (partition: Partition, bytes: number, stableBytes: number) => void
  }) {
    this.topic = parts.topic
    this.topicId = parts.topicId
    this.partition = parts.partition
    this.log = parts.log
    this.#nodeId = parts.nodeId
    this.#settings = parts.settings
    this.#stopListening = parts.log.onReadable((bytes, stableBytes) => parts.readable(this, bytes, stableBytes))
    this.#image = parts.image
    this.#beginEpoch()
    this.settingsChanged()
  }

  /** Applies the partition's newest metadata. */
  update(image: PartitionImage): void {
    this.#image = image
    this.#beginEpoch()
    this.settingsChanged()
  }

  /** Applies min.insync.replicas. Source: Partition.maybeIncrementLeaderHW. */
  settingsChanged(): void {
    this.log.holdHighWatermark(this.#isUnderMinIsr)
  }

  // Assigns the epoch to the log end before anything is appended in it. Source: Partition.makeLeader.
  #beginEpoch(): void {
    const { leaderEpoch } = this.#image
    if (!this.isLeader) return
    if (this.#epochStart?.leaderEpoch !== leaderEpoch) this.#epochStart = { leaderEpoch, offset: this.log.logEndOffset }
    if ((this.log.latestEpoch ?? -1) < leaderEpoch) this.log.assignEpoch(leaderEpoch)
  }

  get isLeader(): boolean {
    return this.#image.leader === this.#nodeId
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
    return this.log.highWatermark
  }
  /**
   * True while the high watermark is below the start of this leader's epoch. Earlier leaders may have answered higher
   * offsets. Source: Partition.fetchOffsetForTimestamp.
   */
  get isHighWatermarkLagging(): boolean {
    return this.#epochStart !== undefined && this.#epochStart.offset > this.highWatermark
  }
  /** read_committed consumers may read below this offset. */
  get lastStableOffset(): number {
    return this.log.lastStableOffset
  }

  checkEpoch(currentLeaderEpoch: number): Rejection | undefined {
    return checkEpoch(currentLeaderEpoch, this.leaderEpoch)
  }

  endOffsetForEpoch(leaderEpoch: number) {
    return this.log.endOffsetForEpoch(leaderEpoch)
  }

  /** Appends a client's batches. Their order is fixed before this returns. Source: appendRecordsToLeader. */
  append(records: Buffer, append: LeaderAppend): Promise<AppendResult | AppendRejection> {
    const refused = this.appendRefusal(append.acks)
    if (refused !== undefined) return Promise.resolve(refused)
    const epochNow = () => this.appendRefusal(append.acks) ?? this.leaderEpoch
    const appended = this.log.append(records, { epochNow, ...append })
    return append.acks === -1 && append.origin === 'client' ? appended.then(this.#acknowledgeAll) : appended
  }

  /**
   * The in-sync set may have shrunk while the records were flushed. Source: checkEnoughReplicasReachOffset. Records of a
   * coordinator count all the same: its state has changed with them, and the log that has them is that of all replicas.
   */
  readonly #acknowledgeAll = (result: AppendResult | AppendRejection): AppendResult | AppendRejection =>
    'baseOffset' in result && this.#isUnderMinIsr ? reject('NOT_ENOUGH_REPLICAS_AFTER_APPEND') : result

  /** Refuses further appends: the topic is deleted or another broker leads. Waiting appends get the error. */
  retire(why: Rejection): void {
    this.#retired = why
    this.#stopListening()
  }

  /** Why an append with these acks would be refused now, whatever its records are. */
  appendRefusal(acks: number): Rejection | undefined {
    if (this.#retired !== undefined) return this.#retired
    if (!this.isLeader) return reject('NOT_LEADER_OR_FOLLOWER')
    return acks === -1 ? this.#tooFewInSync() : undefined
  }

  /** Never require more replicas than the partition has. Source: Partition.effectiveMinIsr. */
  get #effectiveMinIsr(): number {
    return Math.min(this.settings.minInsyncReplicas, this.#image.replicas.length)
  }

  get #isUnderMinIsr(): boolean {
    return this.#image.isr.length < this.#effectiveMinIsr
  }

  #tooFewInSync(): Rejection | undefined {
    if (!this.#isUnderMinIsr) return undefined
    return reject(
      'NOT_ENOUGH_REPLICAS',
      `The size of the current ISR ${this.#image.isr.join(', ')} is insufficient to satisfy the min.isr requirement of ${this.#effectiveMinIsr} for partition ${this.topic}-${this.partition}`,
    )
  }
}

/** Rejects a client's epoch that is not the current one. -1: it sends none. Source: Partition.checkCurrentLeaderEpoch. */
export function checkEpoch(currentLeaderEpoch: number, leaderEpoch: number): Rejection | undefined {
  if (currentLeaderEpoch === -1 || currentLeaderEpoch === leaderEpoch) return undefined
  return reject(currentLeaderEpoch < leaderEpoch ? 'FENCED_LEADER_EPOCH' : 'UNKNOWN_LEADER_EPOCH')
}
