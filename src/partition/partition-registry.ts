import { type Rejection, reject } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { eachAlone, failureOfPart, isSystemError } from '../../storage/failure-policy.ts'
import type { Host } from '../../storage/host/host.ts'
import type { LogStore } from '../../storage/log-store.ts'
import { isOpenLimitError } from '../../storage/open-limits.ts'
import type { PartitionLog } from '../../storage/partition-log.ts'
import type { TopicSettings } from '../config/topic-configs.ts'
import { directoryOf } from '../metadata/directory-assignments.ts'
import {
  configResourceKey,
  configResourceType,
  type MetadataImage,
  type PartitionImage,
  type TopicImage,
} from '../metadata/metadata-image.ts'
import type { DirectoryAssignment, MetadataChange, MetadataStore } from '../metadata/metadata-store.ts'
import type { Logger } from '../observe/logger.ts'
import { Partition } from './partition.ts'

/** Whoever waits for partitions: parked fetches. */
export interface PartitionWatcher {
  /** So many more bytes can be read from the partition. */
  appended(partition: Partition, bytes: number): void
  /** Something other than data changed: another leader, a deletion. */
  changed(partition: Partition): void
}

/** The partitions of one topic that were asked for since the start, by number. */
interface HostedTopic {
  image: TopicImage
  readonly partitions: (Partition | undefined)[]
}

/**
 * Finds the partitions that this broker leads, and keeps logs in step with the metadata: a new partition gets its log, a
 * deleted one loses it, new settings reach it. A partition's log is opened when it is first asked for.
 */
export class PartitionRegistry {
  readonly #nodeId: number
  readonly #host: Pick<Host, 'fatal' | 'clock'>
  readonly #logs: LogStore
  readonly #metadata: MetadataStore
  readonly #settings: (topic: string) => TopicSettings
  readonly #watcher: PartitionWatcher
  readonly #logger: Logger
  readonly #topics = new Map<string, HostedTopic>()
  /** What was told last of a partition's failure, by `topic-0`. */
  readonly #toldFailures = new Map<string, string>()
  readonly #readable = (partition: Partition, bytes: number) => this.#watcher.appended(partition, bytes)

  constructor(parts: {
    nodeId: number
    host: Pick<Host, 'fatal' | 'clock'>
    logs: LogStore
    metadata: MetadataStore
    settings: (topic: string) => TopicSettings
    watcher: PartitionWatcher
    logger: Logger
  }) {
    this.#nodeId = parts.nodeId
    this.#host = parts.host
    this.#logs = parts.logs
    this.#metadata = parts.metadata
    this.#settings = parts.settings
    this.#watcher = parts.watcher
    this.#logger = parts.logger
  }

  /** Makes the logs agree with the metadata as it was loaded, and follows it from there. Rejects if that cannot be written. */
  async start(): Promise<void> {
    const { image } = this.#metadata
    this.#setAsideStrays(image)
    const stored = new Set([...this.#logs.list()].map(({ topic, partition }) => `${topic}-${partition}`))
    const topics = [...image.topicsByName.values()]
    const lost = topics.flatMap((topic) => this.#createMissingLogs(topic, stored))
    this.#metadata.onChange((newer, change) => this.#apply(newer, change))
    const assignments = [...lost, ...this.#moved(topics)]
    if (assignments.length > 0) await this.#metadata.assignDirectories(assignments, this.#asItself())
  }

  /**
   * Logs on disk that the metadata does not have here: of a topic that was deleted while this broker was down, or whose
   * metadata is lost. Nothing of them is served, and nothing may remove their records under the settings of no topic.
   * Source: LogManager.isStrayReplica.
   */
  #setAsideStrays(image: MetadataImage): void {
    for (const stored of [...this.#logs.list()]) {
      const { topic, partition } = stored
      const known = image.topicsByName.get(topic)
      if (known?.partitions[partition]?.replicas.includes(this.#nodeId)) continue
      this.#withDisk(`${topic}-${partition}`, 'set aside', () => {
        const id = stored.topicId === ZERO_UUID ? 'without a topic id' : `with the topic id ${stored.topicId}`
        const why =
          known === undefined
            ? `is a partition ${id} of a topic that is not in the metadata`
            : `is a partition that topic ${topic} does not have on this broker`
        this.#logs.setAside(topic, partition, why)
      })
    }
  }

  /** Makes logs of which the disk has nothing, and says so: a line for each topic. Answers where they are. */
  #createMissingLogs(topic: TopicImage, stored: ReadonlySet<string>): DirectoryAssignment[] {
    const created = this.#createLogs(topic, stored)
    if (created.length === 0) return []
    const [word, verb] = created.length === 1 ? ['partition', 'starts'] : ['partitions', 'start']
    this.#logger.warn(
      { topic: topic.name },
      `${word} ${created.join(', ')} of topic ${topic.name} had no files in any data directory and ${verb} empty: ` +
        `after a crash while it was being made that is all there was, else its records are lost`,
    )
    return created.flatMap((partition) => this.#assignment(topic, partition, { isLost: true }))
  }

  /** Partitions that are in another data directory than the metadata says. */
  #moved(topics: readonly TopicImage[]): DirectoryAssignment[] {
    return topics.flatMap((topic) => topic.partitions.flatMap((_, partition) => this.#assignment(topic, partition)))
  }

  #assignment(topic: TopicImage, partition: number, { isLost = false } = {}): DirectoryAssignment[] {
    const image = topic.partitions[partition] as PartitionImage
    const directoryId = this.#logs.directoryOf(topic.name, partition)
    if (directoryId === undefined || (!isLost && directoryOf(image, this.#nodeId) === directoryId)) return []
    return [{ topicId: topic.id, partition, directoryId, isLost }]
  }

  #asItself() {
    return { nowMs: this.#host.clock.nowMs(), principal: 'User:ANONYMOUS' }
  }

  /** Makes the logs that are missing; answers the partitions that got one. */
  #createLogs(topic: TopicImage, existing: ReadonlySet<string> = new Set()): number[] {
    return topic.partitions.flatMap((image, partition) => {
      if (!image.replicas.includes(this.#nodeId) || existing.has(`${topic.name}-${partition}`)) return []
      // Where the disk does not let it be made, it is tried again when the partition is first asked for.
      return this.#openLog(topic, partition) === undefined ? [] : [partition]
    })
  }

  #apply(image: MetadataImage, change: MetadataChange): void {
    const tell = (topic: TopicImage, err: Error) =>
      this.#logger.error({ err, topic: topic.name }, `a change of topic ${topic.name} was not followed`)
    eachAlone(this.#host, change.topicsDeleted, (topic) => this.#delete(topic), tell)
    eachAlone(this.#host, change.topicsChanged, (topic) => this.#change(topic), tell)
    if (change.configsChanged.length > 0) this.#reconfigure(image, change.configsChanged)
  }

  #delete(topic: TopicImage): void {
    const hosted = this.#topics.get(topic.name)
    this.#topics.delete(topic.name)
    topic.partitions.forEach((_, partition) => {
      this.#deleteLog(topic.name, partition)
    })
    for (const partition of hosted?.partitions ?? []) {
      if (partition !== undefined) this.#watcher.changed(partition)
    }
  }

  #change(topic: TopicImage): void {
    this.#createLogs(topic)
    this.#recordDirectories(topic)
    const hosted = this.#topics.get(topic.name)
    if (hosted === undefined) return
    const before = hosted.image
    hosted.image = topic
    hosted.partitions.forEach((partition, index) => {
      const image = topic.partitions[index]
      if (partition === undefined || image === undefined || image === before.partitions[index]) return
      if (image.leader === this.#nodeId) partition.update(image)
      else hosted.partitions[index] = undefined
      this.#watcher.changed(partition)
    })
  }

  /** With several data directories it is decided here which of them a new log gets. */
  #recordDirectories(topic: TopicImage): void {
    const assignments = this.#moved([topic])
    if (assignments.length === 0) return
    this.#metadata.assignDirectories(assignments, this.#asItself()).catch((error: Error) => {
      this.#logger.warn(
        { topic: topic.name, reason: error.message },
        `the data directories of topic ${topic.name} could not be recorded in the metadata; the next start does it`,
      )
    })
  }

  #reconfigure(image: MetadataImage, keys: readonly string[]): void {
    const brokerPrefix = configResourceKey(configResourceType.broker, '')
    const topicPrefix = configResourceKey(configResourceType.topic, '')
    // Broker settings are what topics fall back to, so they may change any of them.
    const names = keys.some((key) => key.startsWith(brokerPrefix))
      ? [...image.topicsByName.keys()]
      : keys.filter((key) => key.startsWith(topicPrefix)).map((key) => key.slice(topicPrefix.length))
    for (const name of names) {
      if (image.topicsByName.has(name)) this.#logs.updateConfig(name, this.#settings(name))
    }
  }

  /** Whether the cluster has such a partition, whoever leads it. */
  isKnown(topic: string, partition: number): boolean {
    return this.#metadata.image.topicsByName.get(topic)?.partitions[partition] !== undefined
  }

  /** The partition, if this broker leads it. UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR. */
  leaderFor(topic: string, partition: number): Partition | Rejection {
    return this.#topics.get(topic)?.partitions[partition] ?? this.#open(topic, partition)
  }

  #open(name: string, index: number): Partition | Rejection {
    const topic = this.#metadata.image.topicsByName.get(name)
    const image = topic?.partitions[index]
    if (topic === undefined || image === undefined) return reject('UNKNOWN_TOPIC_OR_PARTITION')
    if (image.leader !== this.#nodeId) return reject('NOT_LEADER_OR_FOLLOWER')
    const log = this.#openLog(topic, index)
    if (log === undefined) return reject('KAFKA_STORAGE_ERROR')
    const hosted = this.#hosted(topic)
    const partition = this.#lead(topic, index, image, log)
    hosted.partitions[index] = partition
    return partition
  }

  // The topic is gone whatever the disk says: the log store keeps what is left from becoming part of another one.
  #deleteLog(name: string, index: number): void {
    this.#withDisk(`${name}-${index}`, 'deleted', () => this.#logs.delete(name, index))
  }

  // `create` opens the log that is there, unless it is that of an older topic of the same name: a crash may have come
  // between the metadata's change and the directory's.
  #openLog({ name, id }: TopicImage, index: number): PartitionLog | undefined {
    return this.#withDisk(`${name}-${index}`, 'opened', () => this.#logs.create(name, index, id, this.#settings(name)))
  }

  /** Undefined where it fails: this partition answers KAFKA_STORAGE_ERROR, the others go on. */
  #withDisk<T>(name: string, what: string, task: () => T): T | undefined {
    try {
      const result = task()
      this.#toldFailures.delete(name)
      return result
    } catch (caught) {
      const error = failureOfPart(this.#host, caught)
      // The log store tells it once for all partitions.
      if (isOpenLimitError(error)) return undefined
      // Clients ask again and again.
      if (this.#toldFailures.get(name) === error.message) return undefined
      this.#toldFailures.set(name, error.message)
      const fields = isSystemError(error) ? {} : { err: error }
      this.#logger.error(fields, `${name} cannot be ${what}: ${error.message}`)
      return undefined
    }
  }

  #lead(topic: TopicImage, index: number, image: PartitionImage, log: Partition['log']): Partition {
    return new Partition({
      topic: topic.name,
      topicId: topic.id,
      partition: index,
      image,
      log,
      settings: () => this.#settings(topic.name),
      readable: this.#readable,
    })
  }

  #hosted(topic: TopicImage): HostedTopic {
    const known = this.#topics.get(topic.name)
    if (known !== undefined) return known
    const hosted = { image: topic, partitions: [] }
    this.#topics.set(topic.name, hosted)
    return hosted
  }

  /** Name of the topic with this id; undefined where there is none. */
  nameOf(topicId: string): string | undefined {
    return this.#metadata.image.topicsById.get(topicId)?.name
  }
}
