import { ZERO_UUID } from '../../protocol/schema.ts'
import { failureOfPart, inBackground, isSystemError } from '../../storage/failure-policy.ts'
import type { Host } from '../../storage/host/host.ts'
import { StepQueue } from '../../storage/host/step-queue.ts'
import type { Slices } from '../../storage/host/turn-slices.ts'
import type { LogStore } from '../../storage/log-store.ts'
import { isOpenLimitError } from '../../storage/open-limits.ts'
import type { PartitionLog } from '../../storage/partition-log.ts'
import type { TopicSettings } from '../config/topic-configs.ts'
import { directoryOf } from '../metadata/directory-assignments.ts'
import { namesOf } from '../metadata/meta-properties-rules.ts'
import {
  configResourceKey,
  configResourceType,
  type MetadataImage,
  type PartitionImage,
  type TopicImage,
} from '../metadata/metadata-image.ts'
import type { DirectoryAssignment, MetadataStore } from '../metadata/metadata-store.ts'
import type { Logger } from '../observe/logger.ts'

/** What logs are kept in step with, and with what. */
export interface PartitionLogParts {
  readonly nodeId: number
  readonly host: Pick<Host, 'fatal' | 'clock'>
  readonly slices: Slices
  readonly logs: LogStore
  readonly metadata: MetadataStore
  readonly settings: (topic: string) => TopicSettings
  readonly logger: Logger
}

/**
 * Keeps the logs on the disk in step with the metadata: makes and deletes them, and hands on their settings. The logs of
 * thousands of partitions are made in slices of several turns; one that is asked for before its turn is made at once.
 */
export class PartitionLogs {
  readonly #parts: PartitionLogParts
  readonly #queue = new StepQueue()
  /** Logs of deleted topics that still are on the disk, by `topic-0`. */
  readonly #doomed = new Set<string>()
  /** What was told last of a partition's failure, by `topic-0`. */
  readonly #toldFailures = new Map<string, string>()
  /** Partitions, by `topic id-0`, whose files may be in a data directory that failed. No empty log takes their place. */
  readonly #hidden = new Set<string>()
  #isStopped = false

  constructor(parts: PartitionLogParts) {
    this.#parts = parts
  }

  /** Makes the logs agree with the metadata as it was loaded. Rejects if what it found cannot be written there. */
  async start(): Promise<void> {
    const { logs, metadata } = this.#parts
    const { image } = metadata
    this.#setAsideStrays(image)
    const stored = new Set([...logs.list()].map(({ topic, partition }) => `${topic}-${partition}`))
    const topics = [...image.topicsByName.values()]
    const found = this.#queue.run(() => this.#lost(topics, stored), this.#parts.slices)
    const lost = found instanceof Promise ? await found : found
    this.#tellHidden(topics)
    const assignments = [...lost, ...this.#moved(topics)]
    if (assignments.length > 0) await metadata.assignDirectories(assignments, this.#asItself())
  }

  /**
   * Logs on disk that the metadata does not have here: of a topic that was deleted while this broker was down, or whose
   * metadata is lost. Nothing of them is served, and nothing may remove their records under the settings of no topic.
   * Source: LogManager.isStrayReplica.
   */
  #setAsideStrays(image: MetadataImage): void {
    const { logs, nodeId } = this.#parts
    for (const stored of [...logs.list()]) {
      const { topic, partition } = stored
      const known = image.topicsByName.get(topic)
      if (known?.partitions[partition]?.replicas.includes(nodeId)) continue
      this.#withDisk(`${topic}-${partition}`, 'set aside', () => {
        const id = stored.topicId === ZERO_UUID ? 'without a topic id' : `with the topic id ${stored.topicId}`
        const why =
          known === undefined
            ? `is a partition ${id} of a topic that is not in the metadata`
            : `is a partition that topic ${topic} does not have on this broker`
        logs.setAside(topic, partition, why)
      })
    }
  }

  /** Makes logs of which the disk has nothing, and says so: a line for each topic. Answers where they are. */
  *#lost(topics: readonly TopicImage[], stored: ReadonlySet<string>): Generator<void, DirectoryAssignment[]> {
    const assignments: DirectoryAssignment[] = []
    for (const topic of topics) {
      const made: number[] = []
      for (const partition of this.#hosted(topic)) {
        if (stored.has(`${topic.name}-${partition}`)) continue
        if (this.#parts.logs.mayHideLogs) this.#hidden.add(`${topic.id}-${partition}`)
        else if (this.open(topic, partition) !== undefined) made.push(partition)
        yield
      }
      if (made.length > 0) this.#tellLost(topic, made)
      for (const partition of made) assignments.push(...this.#assignment(topic, partition, { isLost: true }))
      yield
    }
    return assignments
  }

  #tellHidden(topics: readonly TopicImage[]): void {
    if (this.#hidden.size === 0) return
    const isHidden = ({ id, partitions }: TopicImage) =>
      [...partitions.keys()].some((i) => this.#hidden.has(`${id}-${i}`))
    const names = namesOf(topics.filter(isHidden).map(({ name }) => name))
    this.#parts.logger.warn(
      { partitions: this.#hidden.size },
      `partitions of ${names} are in no data directory that can be read: they answer KAFKA_STORAGE_ERROR until the next start`,
    )
  }

  #tellLost(topic: TopicImage, made: readonly number[]): void {
    const names = made.map((partition) => `${topic.name}-${partition}`)
    this.#parts.logger.warn(
      { topic: topic.name },
      `${names.join(', ')} had no files in any data directory and ${names.length === 1 ? 'starts' : 'start'} empty: ` +
        'after a crash while the topic was being made that is all there was, else the records are lost',
    )
  }

  /** Partitions that are in another data directory than the metadata says. */
  #moved(topics: readonly TopicImage[]): DirectoryAssignment[] {
    return topics.flatMap((topic) => topic.partitions.flatMap((_, partition) => this.#assignment(topic, partition)))
  }

  #assignment(topic: TopicImage, partition: number, { isLost = false } = {}): DirectoryAssignment[] {
    const { logs, nodeId } = this.#parts
    const image = topic.partitions[partition] as PartitionImage
    const directoryId = logs.directoryOf(topic.name, partition)
    if (directoryId === undefined || (!isLost && directoryOf(image, nodeId) === directoryId)) return []
    return [{ topicId: topic.id, partition, directoryId, isLost }]
  }

  #asItself() {
    return { nowMs: this.#parts.host.clock.nowMs(), principal: 'User:ANONYMOUS' }
  }

  /** Partitions with a replica here. */
  #hosted({ partitions }: TopicImage): number[] {
    return [...partitions.keys()].filter((index) => partitions[index]!.replicas.includes(this.#parts.nodeId))
  }

  /** Makes the logs of a topic that are missing. */
  create(topic: TopicImage): void {
    const isDeleted = () => this.#isStopped || !this.#parts.metadata.image.topicsById.has(topic.id)
    this.#inTurn(
      this.#hosted(topic),
      // Where the disk does not let it be made, it is tried again when the partition is first asked for.
      (index) => void (isDeleted() || this.open(topic, index)),
      () => void (isDeleted() || this.#recordDirectories(topic)),
    )
  }

  /** With several data directories it is decided here which of them a new log gets. */
  #recordDirectories(topic: TopicImage): void {
    const { metadata, logger } = this.#parts
    const assignments = this.#moved([topic])
    if (assignments.length === 0) return
    metadata.assignDirectories(assignments, this.#asItself()).catch((error: Error) => {
      logger.warn(
        { topic: topic.name, reason: error.message },
        `the data directories of topic ${topic.name} could not be recorded in the metadata; the next start does it`,
      )
    })
  }

  /** The topic is gone whatever the disk says: the log store keeps what is left from becoming part of another one. */
  delete({ id, name, partitions }: TopicImage): void {
    for (const index of partitions.keys()) {
      this.#doomed.add(`${name}-${index}`)
      this.#hidden.delete(`${id}-${index}`)
    }
    this.#inTurn(partitions.keys(), (index) => this.#deleteIfDoomed(name, index))
  }

  #deleteIfDoomed(name: string, index: number): void {
    if (!this.#doomed.delete(`${name}-${index}`)) return
    this.#withDisk(`${name}-${index}`, 'deleted', () => this.#parts.logs.delete(name, index))
    this.#toldFailures.delete(`${name}-${index}`)
  }

  /** Hands on settings of resources with these keys. */
  reconfigure(image: MetadataImage, keys: readonly string[]): void {
    const { metadata, settings, logs } = this.#parts
    const brokerPrefix = configResourceKey(configResourceType.broker, '')
    const topicPrefix = configResourceKey(configResourceType.topic, '')
    // Broker settings are what topics fall back to, so they may change any of them.
    const names = keys.some((key) => key.startsWith(brokerPrefix))
      ? image.topicsByName.keys()
      : keys.filter((key) => key.startsWith(topicPrefix)).map((key) => key.slice(topicPrefix.length))
    this.#inTurn(names, (name) => {
      if (metadata.image.topicsByName.has(name)) logs.updateConfig(name, settings(name))
    })
  }

  /**
   * The log, made where there is none yet; undefined where the disk does not let it be opened. `create` opens the log
   * that is there, unless it is that of an older topic of the same name: a crash may have come between the metadata's
   * change and the directory's.
   */
  open({ name, id }: TopicImage, index: number): PartitionLog | undefined {
    this.#deleteIfDoomed(name, index)
    if (this.#hidden.has(`${id}-${index}`)) return undefined
    const { logs, settings } = this.#parts
    return this.#withDisk(`${name}-${index}`, 'opened', () => logs.create(name, index, id, settings(name)))
  }

  /** Deletes what is still to be deleted: the next start would not know why it is there. */
  stop(): Promise<void> {
    this.#isStopped = true
    return this.#queue.idle()
  }

  /** The task for each item, in slices, behind all that was asked for before; then the end. */
  #inTurn<T>(items: Iterable<T>, task: (item: T) => void, end = () => {}): void {
    const steps = function* () {
      for (const item of items) {
        task(item)
        yield
      }
      end()
    }
    const done = this.#queue.run(steps, this.#parts.slices)
    if (done instanceof Promise) inBackground(this.#parts.host, done)
  }

  /** Undefined where it fails: this partition answers KAFKA_STORAGE_ERROR, the others go on. */
  #withDisk<T>(name: string, what: string, task: () => T): T | undefined {
    const { host, logger } = this.#parts
    try {
      const result = task()
      this.#toldFailures.delete(name)
      return result
    } catch (caught) {
      const error = failureOfPart(host, caught)
      // The log store tells it once for all partitions.
      if (isOpenLimitError(error)) return undefined
      // Clients ask again and again.
      if (this.#toldFailures.get(name) === error.message) return undefined
      this.#toldFailures.set(name, error.message)
      const fields = isSystemError(error) ? {} : { err: error }
      logger.error(fields, `${name} cannot be ${what}: ${error.message}`)
      return undefined
    }
  }
}
