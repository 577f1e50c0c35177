import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { eachAlone, inBackground } from '../../storage/failure-policy.ts'
import type { Host } from '../../storage/host/host.ts'
import type { FailedDirectory } from '../../storage/log-store.ts'
import type { MetadataImage, PartitionImage } from '../metadata/metadata-image.ts'
import type { MetadataChange, MetadataStore, NewTopic } from '../metadata/metadata-store.ts'
import type { Logger } from '../observe/logger.ts'
import { coordinatorPartition } from './java-hash.ts'
import type { Shard } from './shard.ts'
import type { ShardRuntime } from './shard-runtime.ts'

export interface CoordinatorRuntimeParts<S extends Shard> {
  readonly nodeId: number
  readonly host: Pick<Host, 'fatal'>
  readonly logger: Logger
  readonly metadata: MetadataStore
  /** Coordinator's internal topic; `newTopic` describes it for creation on first use. */
  readonly topic: string
  newTopic(): NewTopic
  nowMs(): number
  /** Creates the shard of a partition that this broker leads; it is not loaded yet. */
  open(partition: number): ShardRuntime<S>
}

/** A shard and the leadership for which it was loaded. */
interface LoadedShard<S extends Shard> {
  readonly runtime: ShardRuntime<S>
  readonly topicId: string
  readonly leaderEpoch: number
}

/**
 * Shards of one coordinator: one for each partition of its topic that this broker leads. It follows the metadata: it
 * loads a shard when this broker becomes leader and unloads it when leadership moves. Source: CoordinatorRuntime.
 */
export class CoordinatorRuntime<S extends Shard> {
  readonly #parts: CoordinatorRuntimeParts<S>
  readonly #shards = new Map<number, LoadedShard<S>>()
  #creating: Promise<void> | undefined
  /** Last logged reason why the topic could not be created: clients retry often. */
  #loggedReason: string | undefined
  #isRunning = false
  #unsubscribe = () => {}

  constructor(parts: CoordinatorRuntimeParts<S>) {
    this.#parts = parts
  }

  /** Resolves once each shard led here is active or failed to load: no shard holds up the others. */
  async start(): Promise<void> {
    this.#isRunning = true
    this.#unsubscribe = this.#parts.metadata.onChange((image, change) => this.#follow(image, change))
    this.#lead(this.#parts.metadata.image)
    await Promise.all([...this.#shards.values()].map(({ runtime }) => runtime.settled()))
  }

  stop(): void {
    this.#isRunning = false
    this.#unsubscribe()
    for (const { runtime } of this.#shards.values()) runtime.close()
    this.#shards.clear()
  }

  /** Partition count of the topic, or the count it will be created with. */
  get partitionCount(): number {
    return this.#topicPartitions(this.#parts.metadata.image)?.length ?? this.#parts.newTopic().partitionCount
  }

  /** NOT_COORDINATOR if another broker leads the partition; COORDINATOR_NOT_AVAILABLE after stop. Without messages. */
  shard(partition: number): ShardRuntime<S> | Rejection {
    if (!this.#isRunning) return reject('COORDINATOR_NOT_AVAILABLE', null)
    return this.#shards.get(partition)?.runtime ?? reject('NOT_COORDINATOR', null)
  }

  /** Stops serving the shards of these partitions: their data directory failed. */
  takeOffline(partitions: FailedDirectory['partitions']): void {
    for (const { topic, partition } of partitions)
      if (topic === this.#parts.topic) this.#shards.get(partition)?.runtime.takeOffline()
  }

  shards(): ShardRuntime<S>[] {
    return [...this.#shards.values()].map(({ runtime }) => runtime)
  }

  /**
   * Broker that coordinates the key. If it is this broker, the shard is active once this resolves.
   * COORDINATOR_NOT_AVAILABLE if there is no leader or the key's shard failed to load.
   */
  async coordinatorOf(key: string, principal: string): Promise<number | Rejection> {
    const { metadata } = this.#parts
    if (this.#topicPartitions(metadata.image) === undefined) await this.#create(principal)
    const partitions = this.#topicPartitions(metadata.image)
    const partition = coordinatorPartition(key, partitions?.length ?? 1)
    const leader = partitions?.[partition]?.leader ?? -1
    const shard = this.#shards.get(partition)?.runtime
    await shard?.settled()
    if (leader === -1 || shard?.isFailed) return reject('COORDINATOR_NOT_AVAILABLE')
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
    if (reason !== this.#loggedReason)
      logger.warn({ topic, reason }, 'A coordinator’s topic cannot be created, so the coordinator is not available.')
    this.#loggedReason = reason
  }

  #topicPartitions(image: MetadataImage): readonly PartitionImage[] | undefined {
    return image.topicsByName.get(this.#parts.topic)?.partitions
  }

  #follow(image: MetadataImage, change: MetadataChange): void {
    if (!this.#isRunning) return
    this.#lead(image)
    const { host, logger, topic } = this.#parts
    eachAlone(
      host,
      this.#shards,
      ([, { runtime }]) => runtime.metadataChanged(change),
      ([partition], err) => logger.error({ err }, `${topic}-${partition} could not apply a metadata change`),
    )
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
      inBackground(this.#parts.host, runtime.load())
    })
  }
}
