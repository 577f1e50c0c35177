import { ByteReader } from '../../protocol/byte-reader.ts'
import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import {
  BrokerRegistrationChangeRecord,
  UnregisterBrokerRecord,
} from '../../protocol/internal-records/broker-records.ts'
import { encodeMetadataRecord, readMetadataRecord } from '../../protocol/internal-records/metadata-framing.ts'
import { eachAlone, inBackground } from '../../storage/failure-policy.ts'
import type { Host } from '../../storage/host/host.ts'
import type { Logger } from '../observe/logger.ts'
import type { AdoptedTopic } from './adopted-topics.ts'
import { bootstrapRecords, registrationRecords } from './bootstrap.ts'
import { type ClusterImage, emptyImage, type Listener } from './cluster-image.ts'
import { directoryRecords } from './directory-assignments.ts'
import { ImageBuilder } from './image-builder.ts'
import { configRecord, featureRecord, imageRecords, producerIdsRecord, scramRecord } from './image-records.ts'
import { missingLeaders, newLeaderEpochs } from './leader-epochs.ts'
import type { MetadataImage, TopicImage } from './metadata-image.ts'
import { MetadataLog } from './metadata-log.ts'
import type {
  ChangeOptions,
  ConfigChange,
  CreatedTopic,
  DirectoryAssignment,
  MetadataChange,
  MetadataStore,
  NewPartitions,
  NewTopic,
  ScramChange,
} from './metadata-store.ts'
import {
  type Decided,
  decideNewPartitions,
  decideNewTopic,
  decideTopicRemoval,
  excessivePartitions,
  excessiveTopics,
  type TopicRules,
} from './topic-changes.ts'

export interface MetadataStoreParts {
  readonly host: Host
  readonly logger: Logger
  /** Directory in which __cluster_metadata-0 lies: metadata.log.dir, or the first of log.dirs. */
  readonly directory: string
  readonly clusterId: string
  readonly nodeId: number
  readonly rack: string | null
  /** Uuids of this broker's log directories. */
  readonly directoryIds: readonly string[]
  /** What is told to clients; empty: the address that each connected to. */
  readonly advertised: readonly Listener[]
  /** Bytes of records after which a snapshot is written. */
  readonly snapshotBytes: () => number
}

/** Decides on each wish against the same image: a second wish for the same thing would not see the first. */
function once<W, T>(
  wishes: readonly W[],
  keyOf: (wish: W) => string,
  decide: (wish: W) => Decided<T> | Rejection,
  refuse: (wish: W) => Rejection,
): (Decided<T> | Rejection)[] {
  const seen = new Set<string>()
  return wishes.map((wish) => {
    const key = keyOf(wish)
    if (seen.has(key)) return refuse(wish)
    seen.add(key)
    return decide(wish)
  })
}

type ChangeListener = (image: MetadataImage, change: MetadataChange) => void

/** A change on its way to the disk. */
interface StagedChange {
  readonly image: ClusterImage
  readonly change: MetadataChange
  /** True where it may lead to room on a full disk. */
  readonly freesRoom: boolean
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

/**
 * The cluster's metadata on a log of its own: each change is decided against all changes before it, staged, flushed, and
 * only then seen by readers and answered. A failed flush takes back whatever was staged.
 */
export class LogBackedMetadataStore implements MetadataStore {
  readonly #parts: MetadataStoreParts
  readonly #log: MetadataLog
  readonly #listeners: ChangeListener[] = []
  #rules: TopicRules | undefined
  /** What is on the disk, and what it will be once the staged changes are. */
  #image: ClusterImage
  #stagedImage: ClusterImage
  #staged: StagedChange[] = []
  #flushing: Promise<void> | undefined
  /** Bytes since the last snapshot when the next one failed; 0: it did not. */
  #failedSnapshotAt = 0

  private constructor(parts: MetadataStoreParts, log: MetadataLog, image: ClusterImage) {
    this.#parts = parts
    this.#log = log
    this.#image = image
    this.#stagedImage = image
  }

  /** Reads the metadata from the disk. Throws, naming the file, where it is damaged. */
  static open(parts: MetadataStoreParts): LogBackedMetadataStore {
    const builder = new ImageBuilder(emptyImage(parts.clusterId))
    const log = MetadataLog.open(parts.host, parts.directory, parts.logger, (record, bytes) =>
      builder.replay(record, bytes),
    )
    const at = { endOffset: log.endOffset, controllerId: -1, controllerEpoch: log.epoch }
    return new LogBackedMetadataStore(parts, log, builder.finish(at).image)
  }

  get image(): ClusterImage {
    return this.#image
  }

  onChange(listener: ChangeListener): void {
    this.#listeners.push(listener)
  }

  /** Opens this controller's epoch and registers the broker; `adopted` are topics found on disk in an empty log. */
  async start(rules: TopicRules, options: { nowMs: number; adopted: readonly AdoptedTopic[] }): Promise<void> {
    this.#rules = rules
    const isNew = this.#log.endOffset === 0
    this.#log.lead(this.#parts.nodeId, options.nowMs)
    if (isNew) await this.#write(bootstrapRecords(this.#image.features, options.adopted), options.nowMs)
    const register = registrationRecords(this.#stagedImage, {
      ...this.#parts,
      incarnationId: this.#parts.host.random.uuid(),
      brokerEpoch: this.#log.endOffset,
    })
    await this.#write([...register, ...missingLeaders(this.#stagedImage, this.#parts.nodeId)], options.nowMs)
  }

  /**
   * Starts a new leader epoch of every partition that this broker leads: after an unclean stop the end of its logs may
   * be gone, and clients tell by the epoch (KIP-320).
   */
  async startLeaderEpochs(nowMs: number): Promise<void> {
    const records = newLeaderEpochs(this.#stagedImage, this.#parts.nodeId)
    if (records.length > 0) await this.#write(records, nowMs)
  }

  async createTopics(
    topics: readonly NewTopic[],
    options: ChangeOptions,
  ): Promise<readonly (CreatedTopic | Rejection)[]> {
    const rules = this.#startedRules()
    const excess = excessiveTopics(topics, rules)
    if (excess !== undefined) return topics.map(() => excess)
    const validateOnly = topics.some((topic) => topic.validateOnly)
    const decisions = once(
      topics,
      ({ name }) => name,
      (topic) => decideNewTopic(this.#stagedImage, topic, rules),
      ({ name }) => reject('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`),
    )
    return this.#change(decisions, { ...options, validateOnly })
  }

  async deleteTopics(ids: readonly string[], options: ChangeOptions): Promise<readonly (TopicImage | Rejection)[]> {
    const decisions = once(
      ids,
      (id) => id,
      (id) => decideTopicRemoval(this.#stagedImage, id),
      () => reject('UNKNOWN_TOPIC_ID'),
    )
    return this.#change(decisions, { ...options, validateOnly: false })
  }

  async createPartitions(
    topics: readonly NewPartitions[],
    options: ChangeOptions & { readonly validateOnly: boolean },
  ): Promise<readonly (TopicImage | Rejection)[]> {
    const rules = this.#startedRules()
    const excess = excessivePartitions(this.#stagedImage, topics)
    if (excess !== undefined) return topics.map(() => excess)
    const decisions = once(
      topics,
      ({ name }) => name,
      (topic) => decideNewPartitions(this.#stagedImage, topic, rules),
      () => reject('INVALID_REQUEST', 'Duplicate topic name.'),
    )
    return this.#change(decisions, options)
  }

  async assignDirectories(assignments: readonly DirectoryAssignment[], options: ChangeOptions): Promise<void> {
    const records = directoryRecords(this.#stagedImage, this.#parts.nodeId, assignments)
    if (records.length > 0) await this.#write(records, options.nowMs)
  }

  async alterConfigs(changes: readonly ConfigChange[], options: ChangeOptions): Promise<void> {
    const records = changes.flatMap(({ resourceType, resourceName, settings }) =>
      [...settings].map(([name, value]) => configRecord(resourceType, resourceName, name, value)),
    )
    if (records.length > 0) await this.#write(records, options.nowMs)
  }

  async alterScramCredentials(changes: readonly ScramChange[], options: ChangeOptions): Promise<void> {
    const records = changes.map(({ user, mechanism, credential }) => scramRecord(user, mechanism, credential))
    if (records.length > 0) await this.#write(records, options.nowMs)
  }

  async setFeatures(levels: ReadonlyMap<string, number>, options: ChangeOptions): Promise<void> {
    const records = [...levels].map(([name, level]) => featureRecord(name, level))
    if (records.length > 0) await this.#write(records, options.nowMs)
  }

  async unregisterBroker(brokerId: number, options: ChangeOptions): Promise<void> {
    const brokerEpoch = this.#stagedImage.registrations.get(brokerId)?.epoch
    if (brokerEpoch === undefined) return
    await this.#write([encodeMetadataRecord(UnregisterBrokerRecord, 0, { brokerId, brokerEpoch })], options.nowMs)
  }

  async allocateProducerIds(count: number, nowMs: number): Promise<number | Rejection> {
    const first = this.#stagedImage.nextProducerId
    try {
      await this.#write([producerIdsRecord(this.#stagedImage, this.#parts.nodeId, first + count)], nowMs)
      return first
    } catch (error) {
      return this.#notWritten(error)
    }
  }

  /** Says that the broker is gone, waits for what is staged, and closes the log. */
  async stop(): Promise<void> {
    // A Kafka that is started on this directory would wait for the broker's session to end if it were told nothing.
    const registration = this.#stagedImage.registrations.get(this.#parts.nodeId)
    if (this.#rules !== undefined && registration?.fenced === false) {
      const { nowMs } = this.#parts.host.clock
      const gone = { brokerId: this.#parts.nodeId, brokerEpoch: registration.epoch, fenced: 1 }
      await this.#write([encodeMetadataRecord(BrokerRegistrationChangeRecord, 0, gone)], nowMs()).catch((error) =>
        this.#parts.logger.warn({ err: error }, 'the end of this broker could not be written to the metadata log'),
      )
    }
    await this.#flushing
    this.#log.close()
  }

  #startedRules(): TopicRules {
    if (this.#rules === undefined) throw new Error('the metadata store was not started')
    return this.#rules
  }

  /** Writes the accepted ones of several decisions together; where that fails they are refused after all. */
  async #change<T>(
    decisions: readonly (Decided<T> | Rejection)[],
    options: ChangeOptions & { readonly validateOnly: boolean },
  ): Promise<readonly (T | Rejection)[]> {
    const records = decisions.flatMap((decision) => (isRejection(decision) ? [] : decision.records))
    if (records.length > 0 && !options.validateOnly) {
      try {
        await this.#write(records, options.nowMs)
      } catch (error) {
        const refusal = this.#notWritten(error)
        return decisions.map((decision) => (isRejection(decision) ? decision : refusal))
      }
    }
    return decisions.map((decision) => (isRejection(decision) ? decision : decision.result))
  }

  #notWritten(error: unknown): Rejection {
    this.#parts.logger.error({ err: error }, 'a change of the cluster metadata could not be written')
    return reject('KAFKA_STORAGE_ERROR')
  }

  /** Stages records as one atomic batch in this turn. Resolves once they are on the disk and readers see them. */
  #write(records: readonly Buffer[], nowMs: number): Promise<void> {
    const builder = new ImageBuilder(this.#stagedImage)
    for (const bytes of records) builder.replay(readMetadataRecord(new ByteReader(bytes)), bytes)
    // Only now: records that cannot be replayed must not get into the log.
    this.#log.append(records, nowMs)
    const { image, change } = builder.finish({
      endOffset: this.#log.endOffset,
      controllerId: this.#parts.nodeId,
      controllerEpoch: this.#log.epoch,
    })
    this.#stagedImage = image
    return new Promise((resolve, rejectWrite) => {
      const freesRoom = change.topicsDeleted.length > 0 || change.configsChanged.length > 0
      this.#staged.push({ image, change, freesRoom, resolve, reject: rejectWrite })
      if (this.#flushing !== undefined) return
      this.#flushing = this.#flush()
      inBackground(this.#parts.host, this.#flushing)
    })
  }

  async #flush(): Promise<void> {
    // Whatever is decided in this turn goes out with one write.
    await Promise.resolve()
    while (this.#staged.length > 0) {
      const staged = this.#staged
      this.#staged = []
      try {
        await this.#log.flush(staged.some(({ freesRoom }) => freesRoom))
      } catch (error) {
        this.#takeBack([...staged, ...this.#staged], error)
        continue
      }
      for (const { image, change, resolve } of staged) {
        this.#image = image
        this.#tellListeners(image, change)
        resolve()
      }
      this.#maybeSnapshot()
    }
    // In the turn of the last look at what is staged: whatever comes later starts a flush of its own.
    this.#flushing = undefined
  }

  /** The change stands whoever fails to follow it: the other listeners hear of it, and the next changes go on. */
  #tellListeners(image: ClusterImage, change: MetadataChange): void {
    const { host, logger } = this.#parts
    eachAlone(
      host,
      this.#listeners,
      (listener) => listener(image, change),
      (_, err) => logger.error({ err }, 'a part of the broker did not follow a change of the metadata'),
    )
  }

  #takeBack(staged: readonly StagedChange[], error: unknown): void {
    this.#staged = []
    this.#log.discard()
    this.#stagedImage = this.#image
    for (const { reject: rejectWrite } of staged) rejectWrite(error)
  }

  // A snapshot costs as much as the image is large: it waits for at least as many bytes of records as the last one had.
  #maybeSnapshot(): void {
    if (this.#log.hasStaged) return
    const interval = Math.max(this.#parts.snapshotBytes(), this.#log.lastSnapshotBytes)
    if (this.#log.bytesSinceSnapshot < this.#failedSnapshotAt + interval) return
    try {
      this.#log.snapshot(imageRecords(this.#image), this.#parts.host.clock.nowMs())
      this.#failedSnapshotAt = 0
    } catch (error) {
      // The next try costs as much: it waits as long as this one did.
      this.#failedSnapshotAt = this.#log.bytesSinceSnapshot
      this.#parts.logger.error({ err: error }, 'a snapshot of the cluster metadata could not be written')
    }
  }
}
