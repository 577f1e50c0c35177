import { ZERO_UUID } from '../../protocol/schema.ts'
import {
  DirectoryFailedError,
  eachAlone,
  failureOfPart,
  inBackground,
  isSystemError,
} from '../../storage/failure-policy.ts'
import type { Host } from '../../storage/host/host.ts'
import { StepQueue } from '../../storage/host/step-queue.ts'
import type { Slices } from '../../storage/host/turn-slices.ts'
import type { LogStore } from '../../storage/log-store.ts'
import { isOpenLimitError } from '../../storage/open-limits.ts'
import type { PartitionLog } from '../../storage/partition-log.ts'
import { unknownTopicReason } from '../../storage/stray-directories.ts'
import type { TopicSettings } from '../config/topic-configs.ts'
import { assignedDirectory, type HostedReplicas } from '../metadata/hosted-replicas.ts'
import { namesOf } from '../metadata/meta-properties-rules.ts'
import {
  configResourceKey,
  configResourceType,
  type MetadataImage,
  type PartitionImage,
  type TopicImage,
} from '../metadata/metadata-image.ts'
import type { DirectoryAssignment, MetadataChange, MetadataStore } from '../metadata/metadata-store.ts'
import type { Logger } from '../observe/logger.ts'

/** Dependencies of PartitionLogs. */
export interface PartitionLogParts {
  readonly hosted: HostedReplicas
  readonly host: Pick<Host, 'fatal' | 'clock'>
  readonly slices: Slices
  readonly logs: LogStore
  readonly metadata: MetadataStore
  readonly settings: (topic: string) => TopicSettings
  readonly logger: Logger
}

/** A log being opened or created. */
interface Opening {
  readonly topicId: string
  readonly log: Promise<PartitionLog | undefined>
}

/** The partitions of one broker, which use the logs. Each change of the metadata is applied to them in this order. */
export interface LogUser {
  /** Stops using the logs of a deleted topic. They are deleted after this. */
  topicDeleted(topic: TopicImage): void
  /** Applies a new or changed topic. The creation of its missing logs was started before this. */
  topicChanged(topic: TopicImage): void
  /** Applies other settings of a topic. The logs have them already. */
  settingsChanged(topic: string): void
}

/**
 * Keeps logs on disk consistent with the metadata: creates, deletes and reconfigures them. All brokers of the process
 * share it. Thousands of logs are created in slices over several turns. A log needed before its turn is created at once.
 * Creating and opening may take time. One partition's log is opened once at a time, and never beside its deletion.
 */
export class PartitionLogs {
  readonly #parts: PartitionLogParts
  readonly #users = new Set<LogUser>()
  #unfollow: () => void = () => {}
  readonly #queue = new StepQueue()
  /** Logs of deleted topics still on disk: the topic's id by `topic-0`. */
  readonly #pendingDeletions = new Map<string, string>()
  /** Logs being opened, by `topic-0`. */
  readonly #opening = new Map<string, Opening>()
  /** Last error logged for each partition, by `topic-0`. */
  readonly #loggedFailures = new Map<string, string>()
  /** Partitions, by `topic id-0`, whose files may be in a failed data directory. No empty log replaces them. */
  readonly #hidden = new Set<string>()
  #isStopped = false

  constructor(parts: PartitionLogParts) {
    this.#parts = parts
  }

  /**
   * Makes logs match the metadata just loaded, and then follows its changes. Rejects if changes cannot be written to the
   * metadata.
   */
  async start(): Promise<void> {
    const { logs, metadata } = this.#parts
    this.#unfollow = metadata.onChange((image, change) => this.#apply(image, change))
    const { image } = metadata
    this.#setAsideStrays(image)
    const stored = new Set([...logs.list()].map(({ topic, partition }) => `${topic}-${partition}`))
    const topics = [...image.topicsByName.values()]
    const found = this.#queue.run(() => this.#lost(topics, stored), this.#parts.slices)
    const lost = found instanceof Promise ? await found : found
    this.#tellHidden(topics)
    const assignments = [...lost, ...this.#moved(topics)]
    if (assignments.length > 0) await metadata.assignDirectories(assignments, this.#ownOptions())
    logs.resumeMoves((topic, partition, directoryId) => this.#assign(topic, partition, directoryId))
  }

  /** From now on the user is told of changes, until the returned function is called. */
  addUser(user: LogUser): () => void {
    this.#users.add(user)
    return () => this.#users.delete(user)
  }

  #apply(image: MetadataImage, { topicsDeleted, topicsChanged, configsChanged }: MetadataChange): void {
    for (const topic of topicsDeleted) {
      this.#tellUsers(topic, (user) => user.topicDeleted(topic))
      this.#alone(topic, () => this.#delete(topic))
    }
    for (const topic of topicsChanged) {
      this.#alone(topic, () => this.#create(topic))
      this.#tellUsers(topic, (user) => user.topicChanged(topic))
    }
    if (configsChanged.length > 0) this.#reconfigure(image, configsChanged)
  }

  #tellUsers(topic: TopicImage, tell: (user: LogUser) => void): void {
    for (const user of this.#users) this.#alone(topic, () => tell(user))
  }

  /** A failure of one task keeps neither other users nor other topics from following. */
  #alone(topic: TopicImage, task: () => void): void {
    const { host, logger } = this.#parts
    eachAlone(
      host,
      [task],
      (each) => each(),
      (_, err) => logger.error({ err, topic: topic.name }, `a change of topic ${topic.name} could not be applied`),
    )
  }

  /** Records the directory of a partition that is about to move. */
  async #assign(topic: string, partition: number, directoryId: string): Promise<void> {
    const { metadata } = this.#parts
    const topicId = metadata.image.topicsByName.get(topic)?.id
    if (topicId !== undefined)
      await metadata.assignDirectories([{ topicId, partition, directoryId }], this.#ownOptions())
  }

  /**
   * Sets aside logs on disk that the metadata does not place on this broker: their topic was deleted while the broker
   * was down, or its metadata is lost. They are not served. Their records stay, since the settings that would remove
   * them are unknown. Source: LogManager.isStrayReplica.
   */
  #setAsideStrays(image: MetadataImage): void {
    const { logs, hosted } = this.#parts
    for (const stored of [...logs.list()]) {
      const { topic, partition } = stored
      const known = image.topicsByName.get(topic)
      const own = known?.partitions[partition]
      if (own !== undefined && hosted.hosts(image, own)) continue
      this.#withDisk(`${topic}-${partition}`, 'set aside', () => {
        const why =
          known === undefined
            ? unknownTopicReason(stored.topicId === ZERO_UUID ? undefined : stored.topicId)
            : `is a partition that topic ${topic} does not have on this broker`
        logs.setAside(topic, partition, why)
      })
    }
  }

  /** Creates logs that are missing on disk, with one log line for each topic. Returns their directories. */
  *#lost(topics: readonly TopicImage[], stored: ReadonlySet<string>): Generator<unknown, DirectoryAssignment[]> {
    const { hosted, metadata, logs } = this.#parts
    const assignments: DirectoryAssignment[] = []
    for (const topic of topics) {
      const made: number[] = []
      const opening: Promise<unknown>[] = []
      const own = new Set(this.#hosted(topic))
      for (const [partition, image] of topic.partitions.entries()) {
        if (stored.has(`${topic.name}-${partition}`)) continue
        // Also if its brokers were not started: their replicas may move to one that was.
        if (logs.mayHideLogs && hosted.hosts(metadata.image, image)) this.#hidden.add(`${topic.id}-${partition}`)
        else if (!own.has(partition)) continue
        else opening.push(this.open(topic, partition).then((log) => void (log === undefined || made.push(partition))))
        yield
      }
      if (opening.length > 0) yield Promise.all(opening)
      if (made.length > 0) this.#warnLost(topic, made)
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
      `partitions of ${names} are in no readable data directory: requests for them get KAFKA_STORAGE_ERROR until the next start`,
    )
  }

  #warnLost(topic: TopicImage, made: readonly number[]): void {
    const names = made.map((partition) => `${topic.name}-${partition}`)
    this.#parts.logger.warn(
      { topic: topic.name },
      `${names.join(', ')} had no files in any data directory and ${names.length === 1 ? 'starts' : 'start'} empty: ` +
        'unless the broker crashed while the topic was being created, its records are lost',
    )
  }

  /** Partitions in another data directory than the metadata says. */
  #moved(topics: readonly TopicImage[]): DirectoryAssignment[] {
    return topics.flatMap((topic) => topic.partitions.flatMap((_, partition) => this.#assignment(topic, partition)))
  }

  #assignment(topic: TopicImage, partition: number, { isLost = false } = {}): DirectoryAssignment[] {
    const { logs, hosted } = this.#parts
    const image = topic.partitions[partition] as PartitionImage
    const directoryId = logs.directoryOf(topic.name, partition)
    if (directoryId === undefined) return []
    const isWrong = (node: number) =>
      hosted.nodes.has(node) && assignedDirectory(image, node) !== hosted.idFor(node, directoryId)
    if (!isLost && !image.replicas.some(isWrong)) return []
    return [{ topicId: topic.id, partition, directoryId, isLost }]
  }

  #ownOptions() {
    return { nowMs: this.#parts.host.clock.nowMs(), principal: 'User:ANONYMOUS' }
  }

  /** Numbers of the partitions with a replica at a broker of this process. */
  #hosted({ partitions }: TopicImage): number[] {
    const { nodes } = this.#parts.hosted
    return [...partitions.keys()].filter((index) => partitions[index]!.replicas.some((node) => nodes.has(node)))
  }

  /** Creates the missing logs of a topic. Those that exist are opened at their first use. */
  #create(topic: TopicImage): void {
    const { logs } = this.#parts
    const isMissing = (index: number) =>
      logs.directoryOf(topic.name, index) === undefined || this.#pendingDeletions.has(`${topic.name}-${index}`)
    const opening: Promise<unknown>[] = []
    // If the disk refuses, the next use of the partition tries again.
    const open = (index: number) => {
      if (this.#isGone(topic)) return
      const log = this.open(topic, index)
      inBackground(this.#parts.host, log)
      opening.push(log)
    }
    const end = async () => {
      await Promise.allSettled(opening)
      if (!this.#isGone(topic)) this.#recordDirectories(topic)
    }
    this.#inTurn(this.#hosted(topic).filter(isMissing), open, () => inBackground(this.#parts.host, end()))
  }

  #isGone({ id }: TopicImage): boolean {
    return this.#isStopped || !this.#parts.metadata.image.topicsById.has(id)
  }

  /** Records in which data directory each new log was created. */
  #recordDirectories(topic: TopicImage): void {
    const { metadata, logger } = this.#parts
    const assignments = this.#moved([topic])
    if (assignments.length === 0) return
    metadata.assignDirectories(assignments, this.#ownOptions()).catch((error: Error) => {
      logger.warn(
        { topic: topic.name, reason: error.message },
        `the data directories of topic ${topic.name} could not be recorded in the metadata; the next start tries again`,
      )
    })
  }

  /** Deletes the logs of a topic. If the disk refuses, the log store keeps the remains out of any new topic. */
  #delete({ id, name, partitions }: TopicImage): void {
    for (const index of partitions.keys()) {
      this.#pendingDeletions.set(`${name}-${index}`, id)
      this.#hidden.delete(`${id}-${index}`)
    }
    this.#inTurn(partitions.keys(), (index) => this.#deleteIfPending(name, index))
  }

  #deleteIfPending(name: string, index: number): void {
    const topicId = this.#pendingDeletions.get(`${name}-${index}`)
    // After a log is opened this is called again.
    if (topicId === undefined || this.#opening.has(`${name}-${index}`)) return
    this.#pendingDeletions.delete(`${name}-${index}`)
    this.#withDisk(`${name}-${index}`, 'deleted', () => this.#parts.logs.delete(name, index, topicId))
    this.#loggedFailures.delete(`${name}-${index}`)
  }

  /** Passes on changed settings. keys: resource keys whose settings changed. */
  #reconfigure(image: MetadataImage, keys: readonly string[]): void {
    const { metadata, settings, logs } = this.#parts
    const brokerPrefix = configResourceKey(configResourceType.broker, '')
    const topicPrefix = configResourceKey(configResourceType.topic, '')
    // Topics inherit broker settings, so a broker change may affect any topic.
    const names = keys.some((key) => key.startsWith(brokerPrefix))
      ? image.topicsByName.keys()
      : keys.filter((key) => key.startsWith(topicPrefix)).map((key) => key.slice(topicPrefix.length))
    this.#inTurn(names, (name) => {
      const topic = metadata.image.topicsByName.get(name)
      if (topic === undefined) return
      logs.updateConfig(name, settings(name))
      // The users' own settings follow the same change, perhaps after this.
      const told = Promise.resolve().then(() => this.#tellUsers(topic, (user) => user.settingsChanged(name)))
      inBackground(this.#parts.host, told)
    })
  }

  /**
   * The log, created if missing; undefined if the disk refuses, or the topic is deleted meanwhile. Opens an existing log,
   * unless it belongs to an older topic of the same name: a crash can separate the metadata's change from the
   * directory's.
   */
  open(topic: TopicImage, index: number): Promise<PartitionLog | undefined> {
    const { name, id } = topic
    const underWay = this.#opening.get(`${name}-${index}`)
    if (underWay?.topicId === id) return underWay.log
    // The log of an older topic of the same name: it is deleted first.
    if (underWay !== undefined)
      return underWay.log.then(() => (this.#isGone(topic) ? undefined : this.open(topic, index)))
    this.#deleteIfPending(name, index)
    if (this.#hidden.has(`${id}-${index}`)) return Promise.resolve(undefined)
    const log = this.#openNow(topic, index)
    this.#opening.set(`${name}-${index}`, { topicId: id, log })
    return log
  }

  async #openNow(topic: TopicImage, index: number): Promise<PartitionLog | undefined> {
    const { logs, settings } = this.#parts
    const { name, id } = topic
    try {
      const log = await logs.create(name, index, id, settings(name))
      this.#loggedFailures.delete(`${name}-${index}`)
      return this.#isGone(topic) ? undefined : log
    } catch (error) {
      this.#tellRefusal(`${name}-${index}`, 'opened', error)
      return undefined
    } finally {
      this.#opening.delete(`${name}-${index}`)
      this.#deleteIfPending(name, index)
    }
  }

  /** True: the partition's files are, or may be, in a data directory that failed. */
  isOffline({ name, id }: TopicImage, index: number): boolean {
    return this.#hidden.has(`${id}-${index}`) || this.#parts.logs.isOffline(name, index)
  }

  /** Finishes pending deletions: the next start would not know why these logs exist. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#unfollow()
    await this.#queue.idle()
    await Promise.all([...this.#opening.values()].map(({ log }) => log))
  }

  /** Runs the task for each item in slices, after all earlier tasks; then calls end. */
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

  /** Does what needs the disk. If the disk refuses, this partition alone is affected. */
  #withDisk(name: string, what: string, task: () => void): void {
    try {
      task()
      this.#loggedFailures.delete(name)
    } catch (error) {
      this.#tellRefusal(name, what, error)
    }
  }

  /** The partition answers KAFKA_STORAGE_ERROR, the others go on. Rethrows a broken invariant. */
  #tellRefusal(name: string, what: string, caught: unknown): void {
    const { host, logger } = this.#parts
    const error = failureOfPart(host, caught)
    // The log store logs them once for all partitions: the open-file limit, and the failure of a directory.
    if (isOpenLimitError(error) || error instanceof DirectoryFailedError) return
    // Log each error once: clients retry again and again.
    if (this.#loggedFailures.get(name) === error.message) return
    this.#loggedFailures.set(name, error.message)
    const fields = isSystemError(error) ? {} : { err: error }
    logger.error(fields, `${name} cannot be ${what}: ${error.message}`)
  }
}
