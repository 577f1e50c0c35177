import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import type { MetadataImage, PartitionImage } from '../metadata/metadata-image.ts'
import type { MetadataChange, MetadataStore, NewTopic } from '../metadata/metadata-store.ts'
import type { Logger } from '../observe/logger.ts'
import { coordinatorPartition } from './java-hash.ts'
import type { Shard } from './shard.ts'
import type { ShardRuntime } from './shard-runtime.ts'

export interface CoordinatorRuntimeParts<S extends Shard> {
  readonly nodeId: number
  readonly logger: Logger
  readonly metadata: MetadataStore
  /** The coordinator's internal topic, and how it is made on first need. */
  readonly topic: string
  newTopic(): NewTopic
  nowMs(): number
  /** The shard behind a partition that this broker leads, not loaded yet. */
  open(partition: number): ShardRuntime<S>
}

/** A shard, and the leadership for which it was loaded. */
interface LedShard<S extends Shard> {
  readonly runtime: ShardRuntime<S>
  readonly topicId: string
  readonly leaderEpoch: number
}

/**
 * The shards of one coordinator: one behind each partition of its topic that this broker leads. Follows the metadata:
 * a shard is loaded when leadership comes and thrown away when it goes. Source: CoordinatorRuntime.
 */
export class CoordinatorRuntime<S extends Shard> {
  readonly #parts: CoordinatorRuntimeParts<S>
  readonly #shards = new Map<number, LedShard<S>>()
  #creating: Promise<void> | undefined
  /** Why the topic could not be made, as it was told last: clients ask again and again. */
  #toldReason: string | undefined
  #isRunning = false

  constructor(parts: CoordinatorRuntimeParts<S>) {
    this.#parts = parts
  }

  /** Resolves when all that is led here is loaded. */
  async start(): Promise<void> {
    this.#isRunning = true
    this.#parts.metadata.onChange((image, change) => this.#follow(image, change))
    this.#lead(this.#parts.metadata.image)
    await Promise.all([...this.#shards.values()].map(({ runtime }) => runtime.load()))
  }

  stop(): void {
    this.#isRunning = false
    for (const { runtime } of this.#shards.values()) runtime.close()
    this.#shards.clear()
  }

  /** Partitions of the topic; what it will have as long as there is none. */
  get partitionCount(): number {
    return this.#topicPartitions(this.#parts.metadata.image)?.length ?? this.#parts.newTopic().partitionCount
  }

  /** NOT_COORDINATOR where another broker leads the partition; COORDINATOR_NOT_AVAILABLE after stop. */
  shard(partition: number): ShardRuntime<S> | Rejection {
    if (!this.#isRunning) return reject('COORDINATOR_NOT_AVAILABLE')
    return this.#shards.get(partition)?.runtime ?? reject('NOT_COORDINATOR')
  }

  shards(): ShardRuntime<S>[] {
    return [...this.#shards.values()].map(({ runtime }) => runtime)
  }

  /** The broker that coordinates the key. If it is this one, it serves the key once this resolves. */
  async coordinatorOf(key: string, principal: string): Promise<number | Rejection> {
    const { metadata } = this.#parts
    if (this.#topicPartitions(metadata.image) === undefined) await this.#create(principal)
    const partitions = this.#topicPartitions(metadata.image)
    const partition = coordinatorPartition(key, partitions?.length ?? 1)
    const leader = partitions?.[partition]?.leader ?? -1
    if (leader === -1) return reject('COORDINATOR_NOT_AVAILABLE')
    await this.#shards.get(partition)?.runtime.load()
    return leader
  }

  #create(principal: string): Promise<void> {
    this.#creating ??= this.#createOnce(principal).finally(() => {
      this.#creating = undefined
    })
    return this.#creating
  }

  async #createOnce(principal: string): Promise<void> {
    const { metadata, topic, logger } = this.#parts
    const [made] = await metadata.createTopics([this.#parts.newTopic()], { nowMs: this.#parts.nowMs(), principal })
    if (!isRejection(made) || made.error === 'TOPIC_ALREADY_EXISTS') return
    const reason = `${made.error}: ${made.message}`
    if (reason !== this.#toldReason)
      logger.warn({ topic, reason }, 'A coordinator’s topic cannot be made: it serves nobody.')
    this.#toldReason = reason
  }

  #topicPartitions(image: MetadataImage): readonly PartitionImage[] | undefined {
    return image.topicsByName.get(this.#parts.topic)?.partitions
  }

  #follow(image: MetadataImage, change: MetadataChange): void {
    if (!this.#isRunning) return
    this.#lead(image)
    for (const { runtime } of this.#shards.values()) runtime.metadataChanged(change)
  }

  #lead(image: MetadataImage): void {
    const topic = image.topicsByName.get(this.#parts.topic)
    for (const [partition, led] of this.#shards) {
      const now = topic?.partitions[partition]
      const isSame = topic?.id === led.topicId && now?.leader === this.#parts.nodeId
      if (isSame && now?.leaderEpoch === led.leaderEpoch) continue
      this.#shards.delete(partition)
      led.runtime.close()
    }
    topic?.partitions.forEach(({ leader, leaderEpoch }, partition) => {
      if (leader !== this.#parts.nodeId || this.#shards.has(partition)) return
      const runtime = this.#parts.open(partition)
      this.#shards.set(partition, { runtime, topicId: topic.id, leaderEpoch })
      void runtime.load()
    })
  }
}
