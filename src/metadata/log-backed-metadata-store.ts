import { type Rejection, reject } from '../../protocol/error-codes.ts'
import { isSystemError } from '../../storage/failure-policy.ts'
import { StartError } from '../config/start-error.ts'
import type { AdoptedTopic } from './adopted-topics.ts'
import { bootstrapRecords, controllerRecords } from './bootstrap.ts'
import { BrokerLifeCycle } from './broker-life-cycle.ts'
import { type ClusterImage, emptyImage, type Listener } from './cluster-image.ts'
import { directoryRecords } from './directory-assignments.ts'
import { KRAFT_VERSION } from './feature-changes.ts'
import type { HostedReplicas } from './hosted-replicas.ts'
import { ImageBuilder } from './image-builder.ts'
import {
  clearElrRecords,
  clientQuotaRecord,
  configRecord,
  featureRecord,
  producerIdsRecord,
  scramRecord,
} from './image-records.ts'
import { newLeaderEpochs, raisedLeaderEpochs } from './leader-epochs.ts'
import type { MetadataImage, TopicImage } from './metadata-image.ts'
import { METADATA_LOG, MetadataLog } from './metadata-log.ts'
import { MetadataDamage } from './metadata-log-reader.ts'
import type {
  AskedElections,
  AskedLeader,
  AskedReassignment,
  ChangeOptions,
  ClientQuotaChange,
  ConfigChange,
  CreatedTopic,
  DirectoryAssignment,
  EntityChange,
  MetadataStore,
  NewPartitions,
  NewTopic,
  ReassignmentOptions,
  ScramChange,
  TopicElections,
} from './metadata-store.ts'
import {
  type ChangeListener,
  inOneStep,
  MAX_RECORDS_PER_CHANGE,
  type MetadataDecision,
  MetadataWriter,
  type MetadataWriterParts,
} from './metadata-writer.ts'
import { type QuorumVoter, quorumRecords } from './quorum-records.ts'
import { ReplicationChanges } from './replication-changes.ts'
import { changeEach, decideEach, notWritten, tooManyRecords } from './separate-decisions.ts'
import {
  decideNewPartitions,
  decideNewTopic,
  decideTopicRemoval,
  excessivePartitions,
  excessiveTopics,
  type TopicRules,
} from './topic-changes.ts'

export interface MetadataStoreParts extends MetadataWriterParts {
  /** Directory of __cluster_metadata-0: metadata.log.dir, or the first of log.dirs. */
  readonly directory: string
  readonly clusterId: string
  readonly hosted: HostedReplicas
  /** Endpoints of the controller whose address is known before it listens. */
  readonly controllerEndpoints: readonly Listener[]
  /** See MetadataStore. */
  readonly voter: QuorumVoter | undefined
}

function openLog({ host, directory, logger }: MetadataStoreParts, builder: ImageBuilder): MetadataLog {
  try {
    return MetadataLog.open(host, directory, logger, (record, bytes) => builder.replay(record, bytes))
  } catch (error) {
    const isDamage = error instanceof MetadataDamage
    if (!isDamage && !isSystemError(error)) throw error
    const remedy = isDamage
      ? `restore ${host.files.join(directory, METADATA_LOG)} from a backup; without a backup move it away: topics are then ` +
        'adopted from their directories without their settings'
      : 'repair the disk and restart'
    throw new StartError(`the metadata of the cluster cannot be read: ${error.message}; ${remedy}`)
  }
}

/** Cluster metadata in a log of its own: decides changes, which the writer stages and flushes. */
export class LogBackedMetadataStore implements MetadataStore {
  readonly #parts: MetadataStoreParts
  readonly #log: MetadataLog
  readonly #writer: MetadataWriter
  /** The brokers of this process. */
  readonly brokers: BrokerLifeCycle
  /** Requests of clients about leaders and replicas. */
  readonly #replication: ReplicationChanges
  #rules: TopicRules | undefined

  private constructor(parts: MetadataStoreParts, log: MetadataLog, image: ClusterImage) {
    this.#parts = parts
    this.#log = log
    this.#writer = new MetadataWriter(parts, log, image)
    const { host, logger } = parts
    const shared = { host, logger, writer: this.#writer, rules: () => this.#startedRules() }
    this.brokers = new BrokerLifeCycle(shared)
    this.#replication = new ReplicationChanges(shared, () => this.brokers.catchUpSoon())
  }

  /** Loads the metadata from disk. Throws StartError, naming the file, if it is damaged. */
  static open(parts: MetadataStoreParts): LogBackedMetadataStore {
    const builder = new ImageBuilder(emptyImage(parts.clusterId))
    const log = openLog(parts, builder)
    const at = { endOffset: log.endOffset, controllerId: -1, controllerEpoch: log.epoch }
    return new LogBackedMetadataStore(parts, log, builder.finish(at).image)
  }

  get image(): ClusterImage {
    return this.#writer.image
  }

  get voterDirectoryId(): string {
    return this.#log.voterDirectoryId(this.#parts.nodeId)
  }

  get voter(): QuorumVoter | undefined {
    return this.#parts.voter
  }

  get kraftVersion(): number {
    return this.#log.kraftVersion
  }

  onChange(listener: ChangeListener): () => void {
    return this.#writer.onChange(listener)
  }

  /** Starts this controller's epoch and registers it. adopted: topics found on disk beside an empty log. */
  async start(rules: TopicRules, options: { nowMs: number; adopted: readonly AdoptedTopic[] }): Promise<void> {
    this.#rules = rules
    this.#log.lead(this.#parts.nodeId, options.nowMs)
    const write = (recordsFor: (image: ClusterImage) => readonly Buffer[]) =>
      this.#writer.change(
        inOneStep((image) => ({ records: recordsFor(image), result: undefined })),
        options,
      )
    if (this.wasEmpty) await write((formatted) => bootstrapRecords(formatted, options.adopted))
    if (options.adopted.length > 0 || this.#log.mayHaveLostChanges)
      await write((image) => this.#skippedProducerIds(image, options.nowMs))
    const incarnationId = this.#parts.host.random.uuid()
    await write((image) => controllerRecords(image, { ...this.#parts, incarnationId }))
  }

  /** The log had no metadata when it was opened: a first start, or the next after a crash in it. */
  get wasEmpty(): boolean {
    return this.#log.wasEmpty
  }

  /** True if the log's end was damaged: acknowledged changes may be missing. */
  get mayHaveLostChanges(): boolean {
    return this.#log.mayHaveLostChanges
  }

  /** Checks, before start, that the log ends with the record that a stopped broker writes. */
  expectEnd(wasCleanStop: boolean): void {
    const own = this.image.registrations.get(this.#parts.nodeId)
    if (own !== undefined) this.#log.expectEndOfBroker(own.fenced, wasCleanStop)
  }

  /**
   * Raises leader epochs of these brokers to those found in partition logs. latest: last epoch by `topic-0`.
   */
  async raiseLeaderEpochs(
    latest: ReadonlyMap<string, number>,
    nodes: ReadonlySet<number>,
    nowMs: number,
  ): Promise<void> {
    const decide = (image: ClusterImage) => ({
      records: raisedLeaderEpochs(image, nodes, latest, { lostElections: this.mayHaveLostChanges }),
      result: undefined,
    })
    await this.#writer.change(inOneStep(decide), { nowMs })
  }

  /**
   * Starts a new leader epoch for every partition that these brokers lead. After an unclean stop the end of a log may be
   * lost; the epoch tells clients (KIP-320).
   */
  async startLeaderEpochs(nodes: ReadonlySet<number>, nowMs: number): Promise<void> {
    const decide = (image: ClusterImage) => ({ records: newLeaderEpochs(image, nodes), result: undefined })
    await this.#writer.change(inOneStep(decide), { nowMs })
  }

  /**
   * Skips producer ids that may be in use, after it is lost which ones were given out. A reused id would make the log
   * take its batches for the first owner's. The next id is the time in microseconds, above any id given out.
   */
  #skippedProducerIds(image: ClusterImage, nowMs: number): Buffer[] {
    return [producerIdsRecord(image, this.#parts.nodeId, Math.max(image.nextProducerId, nowMs * 1000))]
  }

  async createTopics(
    topics: readonly NewTopic[],
    options: ChangeOptions,
  ): Promise<readonly (CreatedTopic | Rejection)[]> {
    const rules = this.#startedRules()
    const excess = excessiveTopics(topics, rules)
    if (excess !== undefined) return topics.map(() => excess)
    const validateOnly = topics.some((topic) => topic.validateOnly)
    const decide = (image: ClusterImage) =>
      decideEach(
        topics,
        ({ name }) => name,
        (topic) => decideNewTopic(image, topic, rules),
        ({ name }) => reject('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`),
      )
    return changeEach({ writer: this.#writer, logger: this.#parts.logger }, decide, { ...options, validateOnly })
  }

  async deleteTopics(ids: readonly string[], options: ChangeOptions): Promise<readonly (TopicImage | Rejection)[]> {
    const decide = (image: ClusterImage) =>
      decideEach(
        ids,
        (id) => id,
        (id) => decideTopicRemoval(image, id),
        () => reject('UNKNOWN_TOPIC_ID'),
      )
    return changeEach({ writer: this.#writer, logger: this.#parts.logger }, decide, options)
  }

  async createPartitions(
    topics: readonly NewPartitions[],
    options: ChangeOptions,
  ): Promise<readonly (TopicImage | Rejection)[]> {
    const rules = this.#startedRules()
    const decide = function* (image: ClusterImage) {
      const excess = excessivePartitions(image, topics)
      if (excess !== undefined) return topics.map(() => excess)
      return yield* decideEach(
        topics,
        ({ name }) => name,
        (topic) => decideNewPartitions(image, topic, rules),
        () => reject('INVALID_REQUEST', 'Duplicate topic name.'),
      )
    }
    return changeEach({ writer: this.#writer, logger: this.#parts.logger }, decide, options)
  }

  async assignDirectories(assignments: readonly DirectoryAssignment[], options: ChangeOptions): Promise<void> {
    const decide = (image: ClusterImage) => ({
      records: directoryRecords(image, this.#parts.hosted, assignments),
      result: undefined,
    })
    await this.#writer.change(inOneStep(decide), options)
  }

  async alterConfigs(
    decide: (image: MetadataImage) => Generator<void, readonly ConfigChange[]>,
    options: ChangeOptions,
  ): Promise<Rejection | undefined> {
    return this.#writer.change(function* (image): Generator<void, MetadataDecision<Rejection | undefined>> {
      const records: Buffer[] = []
      const changed: { resourceType: number; resourceName: string; name: string }[] = []
      for (const { resourceType, resourceName, settings } of yield* decide(image)) {
        for (const [name, value] of settings) {
          records.push(configRecord(resourceType, resourceName, name, value))
          changed.push({ resourceType, resourceName, name })
        }
        yield
      }
      records.push(...clearElrRecords(changed, image.features))
      if (records.length > MAX_RECORDS_PER_CHANGE) return { records: [], result: tooManyRecords }
      return { records, result: undefined }
    }, options)
  }

  async alterScramCredentials(
    decide: (image: MetadataImage) => Generator<void, readonly ScramChange[]>,
    options: ChangeOptions,
  ): Promise<void> {
    await this.#writer.change(function* (image) {
      return { records: yield* entityRecords({ quotas: [], credentials: yield* decide(image) }), result: undefined }
    }, options)
  }

  alterClientQuotas(
    decide: (image: MetadataImage) => Generator<void, readonly ClientQuotaChange[]>,
    options: ChangeOptions,
  ): Promise<Rejection | undefined> {
    return this.alterEntity(function* (image) {
      return { quotas: yield* decide(image), credentials: [] }
    }, options)
  }

  alterEntity(
    decide: (image: MetadataImage) => Generator<void, EntityChange>,
    options: ChangeOptions,
  ): Promise<Rejection | undefined> {
    return this.#writer.change(function* (image): Generator<void, MetadataDecision<Rejection | undefined>> {
      const records = yield* entityRecords(yield* decide(image))
      if (records.length > MAX_RECORDS_PER_CHANGE) return { records: [], result: tooManyRecords }
      return { records, result: undefined }
    }, options)
  }

  async setFeatures(levels: ReadonlyMap<string, number>, options: ChangeOptions): Promise<void> {
    const { [KRAFT_VERSION]: kraftVersion, ...others } = Object.fromEntries(levels)
    const records = Object.entries(others).map(([name, level]) => featureRecord(name, level))
    const quorum = kraftVersion === undefined ? [] : quorumRecords(this.#parts.voter!)
    await this.#writer.change(
      inOneStep(() => ({ records, quorum, result: undefined })),
      options,
    )
  }

  unregisterBroker(brokerId: number, options: ChangeOptions): Promise<Rejection | undefined> {
    return this.brokers.unregister(brokerId, options)
  }

  electLeaders(asked: AskedElections, options: ChangeOptions): Promise<readonly TopicElections[] | Rejection> {
    return this.#replication.electLeaders(asked, options)
  }

  moveLeader(asked: AskedLeader, options: ChangeOptions): Promise<Rejection | undefined> {
    return this.#replication.moveLeader(asked, options)
  }

  alterPartitionReassignments(
    asked: readonly AskedReassignment[],
    options: ReassignmentOptions,
  ): Promise<readonly (Rejection | undefined)[]> {
    return this.#replication.alterPartitionReassignments(asked, options)
  }

  balanceLeaders(options: ChangeOptions): Promise<void> {
    return this.#replication.balanceLeaders(options)
  }

  electUncleanLeaders(options: ChangeOptions): Promise<void> {
    return this.#replication.electUncleanLeaders(options)
  }

  async allocateProducerIds(count: number, nowMs: number, brokerId = this.#parts.nodeId): Promise<number | Rejection> {
    const decide = (image: ClusterImage) => ({
      records: [producerIdsRecord(image, brokerId, image.nextProducerId + count)],
      result: image.nextProducerId,
    })
    try {
      return await this.#writer.change(inOneStep(decide), { nowMs })
    } catch (error) {
      return notWritten(this.#parts.logger, error)
    }
  }

  /** Fences the brokers of this process, waits for staged changes and closes the log. */
  async stop(): Promise<void> {
    await this.brokers
      .stop()
      .catch((error) =>
        this.#parts.logger.warn(
          { err: error },
          'the shutdown of this broker could not be recorded in the metadata log',
        ),
      )
    await this.#writer.close()
  }

  #startedRules(): TopicRules {
    if (this.#rules === undefined) throw new Error('the metadata store was not started')
    return this.#rules
  }
}

function* entityRecords({ quotas, credentials }: EntityChange): Generator<void, Buffer[]> {
  const records: Buffer[] = []
  for (const { entity, key, value } of quotas) {
    records.push(clientQuotaRecord(entity, key, value))
    yield
  }
  for (const { user, mechanism, credential } of credentials) {
    records.push(scramRecord(user, mechanism, credential))
    yield
  }
  return records
}
