import { Fetch, type FetchRequest, type FetchResponse } from '../../protocol/apis/fetch.ts'
import { type ErrorName, errorCode, isRejection } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { mapInSlices, runInSlices } from '../../storage/host/turn-slices.ts'
import { FetchAttempt, type FetchLimits, type FetchTarget, hasNothingToRead } from '../fetch/fetch-attempt.ts'
import { eachInSteps, PARTITIONS_PER_STEP, type WantedPartition } from '../fetch/fetch-request.ts'
import { type FetchContext, type PartitionOutcome, replicaIdOf } from '../fetch/fetch-sessions.ts'
import { type PartitionRead, refusedRead } from '../fetch/partition-read.ts'
import type { Visibility } from '../fetch/plan-fetch.ts'
import { preferredReadReplica } from '../fetch/replica-selector.ts'
import type { Partition } from '../partition/partition.ts'
import { partitionFailure } from '../partition/partition-failure.ts'
import type { FoundPartition } from '../partition/partition-registry.ts'
import { type HandlerAnswer, handler, type RequestContext, WithRelease, whileConnected } from './handler.ts'
import { type LeaderHint, LeaderHints } from './leader-hints.ts'

type TopicResponse = FetchResponse['responses'][number]
type PartitionResponse = TopicResponse['partitions'][number]
type Answer = HandlerAnswer<typeof Fetch>

const READ_COMMITTED = 1
const WITH_LEADER_HINTS = 16
/** First version that names topics by id alone. Its failed responses name none. */
const WITH_TOPIC_IDS = 13
/** First version whose clients may read from followers. */
const WITH_FOLLOWER_READS = 11
/** Replica id of Kafka's own copies to another data directory. */
const FUTURE_LOCAL_REPLICA = -3
/** Newest version without KAFKA_STORAGE_ERROR. Its clients get NOT_LEADER_OR_FOLLOWER. */
const WITHOUT_STORAGE_ERROR = 5

/**
 * Reads batches as stored. Answers at once if minBytes are there, or on an error or a diverging epoch. Else waits for
 * appends, at most maxWaitMs. Source: KafkaApis.handleFetchRequest, ReplicaManager.fetchMessages.
 */
export const fetch = handler(Fetch, (request, context) => {
  const { services, apiVersion, nowMs } = context
  const names = (topicId: string) => services.partitions.nameOf(topicId)
  const begin = (session: FetchContext | ErrorName): Answer | Promise<Answer> => {
    if (typeof session === 'string') return { errorCode: errorCode(session), responses: [] }
    return new PendingFetch(request, context, session).run()
  }
  if (request.isolationLevel < 0 || request.isolationLevel > READ_COMMITTED) return failAll(request, apiVersion)
  const session = runInSlices(services.fetchSessions.resolve(request, apiVersion, names, nowMs), context.slices)
  return session instanceof Promise ? session.then(begin) : begin(session)
})

/** Answer to an unknown isolation level: Kafka fails on it with an unexpected error. */
function failAll({ topics }: FetchRequest, apiVersion: number): FetchResponse {
  const code = errorCode('UNKNOWN_SERVER_ERROR')
  if (apiVersion >= WITH_TOPIC_IDS) return { errorCode: code, responses: [] }
  const failed = (partitionIndex: number) => ({
    ...{ partitionIndex, errorCode: code, highWatermark: -1, lastStableOffset: -1, logStartOffset: -1 },
    ...{ abortedTransactions: [], records: null },
  })
  const responses = topics.map(({ topic, partitions }) => ({
    topic,
    topicId: ZERO_UUID,
    partitions: partitions.map(({ partition }) => failed(partition)),
  }))
  return { errorCode: code, responses }
}

/** One fetch request until it is answered. */
class PendingFetch {
  readonly #request: FetchRequest
  readonly #context: RequestContext
  readonly #session: FetchContext
  /**
   * Partitions that the cluster knew when the request arrived. Only these are read and decide how long the fetch waits.
   */
  readonly #wanted: WantedPartition[] = []
  /** Error codes of partitions whose logs could not be opened. */
  readonly #unopened = new Map<WantedPartition, number>()
  /** Unknown partitions. They do not end the wait; their errors come last in the answer. */
  readonly #refused: PartitionRead[] = []
  readonly #limits: FetchLimits
  readonly #mayReadFollowers: boolean
  readonly #deadlineMs: number

  constructor(request: FetchRequest, context: RequestContext, session: FetchContext) {
    this.#request = request
    this.#context = context
    this.#session = session
    this.#limits = limitsOf(request, context)
    this.#mayReadFollowers = mayReadFollowers(request, context)
    this.#deadlineMs = context.services.host.clock.monotonicMs() + request.maxWaitMs
  }

  #sort(): Generator<void, void> {
    return eachInSteps(this.#session.partitions, (wanted) => {
      const error = this.#unknown(wanted)
      if (error === undefined) this.#wanted.push(wanted)
      else this.#refused.push(refusedRead(wanted, errorCode(error)))
    })
  }

  #unknown({ topic, partition }: WantedPartition): ErrorName | undefined {
    if (topic === null) return 'UNKNOWN_TOPIC_ID'
    return this.#context.services.partitions.isKnown(topic, partition) ? undefined : 'UNKNOWN_TOPIC_OR_PARTITION'
  }

  /** Resolves to undefined if the client has disconnected. */
  async run(): Promise<Answer> {
    const { minBytes, visibility } = this.#limits
    const { slices } = this.#context
    const sorted = runInSlices(this.#sort(), slices)
    if (sorted instanceof Promise) await sorted
    if (this.#wanted.length >= PARTITIONS_PER_STEP) await this.#openLogs()
    for (;;) {
      const remainingMs = this.#deadlineMs - this.#context.services.host.clock.monotonicMs()
      const mayWait = remainingMs > 0 && minBytes > 0 && this.#wanted.length > 0
      // Those of a fetch that may wait are looked at, and waited for, in one turn.
      const targets = mayWait ? this.#targets() : await this.#targetsInSlices()
      if (targets === undefined) await this.#openLogs()
      else if (mayWait && hasNothingToRead(targets, visibility)) {
        const rooms = this.#wanted.map(({ maxBytes }) => Math.max(0, maxBytes))
        await this.#park(targets, rooms, minBytes, remainingMs)
      } else {
        const attempt = await FetchAttempt.of(targets, this.#limits, this.#context)
        if (!this.#context.isAbandoned && (!mayWait || attempt.isComplete)) return await this.#answer(attempt)
        attempt.release()
        if (this.#context.isAbandoned) return undefined
        // Appends during the read have not woken this fetch.
        const now = this.#targets()
        if (now !== undefined && !attempt.isOutdated(now)) {
          const rooms = attempt.reads.map(({ roomBytes }) => roomBytes)
          await this.#park(targets, rooms, minBytes - attempt.countedBytes, remainingMs)
        }
      }
      if (this.#context.isAbandoned) return undefined
    }
  }

  /**
   * Opens the logs in slices before anything is decided. Each log is opened on first use, and a fetch may name
   * thousands.
   */
  async #openLogs(): Promise<void> {
    const opening: Promise<void>[] = []
    await mapInSlices(this.#wanted, this.#context.slices, (wanted) => {
      const found = this.#look(wanted)
      if (found instanceof Promise) opening.push(found.then((opened) => this.#noteOpened(wanted, opened)))
    })
    await Promise.all(opening)
  }

  #noteOpened(wanted: WantedPartition, found: FoundPartition): void {
    if (isRejection(found)) this.#unopened.set(wanted, found.code)
  }

  #look({ topic, partition, currentLeaderEpoch }: WantedPartition): FoundPartition | Promise<FoundPartition> {
    const { partitions } = this.#context.services
    if (this.#mayReadFollowers) return partitions.replicaFor(topic as string, partition)
    return partitions.leaderFor(topic as string, partition, currentLeaderEpoch)
  }

  /** All partitions as they are in this turn; undefined if a log is not open. */
  #targets(): FetchTarget[] | undefined {
    const targets: FetchTarget[] = []
    for (const wanted of this.#wanted) {
      const found = this.#unopened.get(wanted) ?? this.#look(wanted)
      if (found instanceof Promise) return undefined
      targets.push(this.#target(wanted, found))
    }
    return targets
  }

  #targetsInSlices(): Promise<FetchTarget[]> {
    return mapInSlices(this.#wanted, this.#context.slices, (wanted) => {
      const found = this.#look(wanted)
      return found instanceof Promise
        ? found.then((opened) => this.#target(wanted, opened))
        : this.#target(wanted, found)
    })
  }

  #target(wanted: WantedPartition, found: FoundPartition | number): FetchTarget {
    const partition = typeof found === 'number' ? found : this.#admit(wanted, found)
    const isRefused = typeof partition === 'number' || this.#refusal(partition) !== undefined
    const preferred = typeof partition === 'number' ? undefined : this.#preferredReplica(partition)
    return {
      wanted,
      partition,
      preferredReadReplica: preferred,
      convertTo: isRefused ? undefined : messageFormat(this.#context.apiVersion),
    }
  }

  #preferredReplica({ topic, partition, isLeader }: Partition): number | undefined {
    const { rackId } = this.#request
    if (rackId === '' || !isLeader || replicaIdOf(this.#request) >= 0) return undefined
    const { configs, metadata } = this.#context.services
    const { topicsByName, brokers } = metadata.image
    const image = topicsByName.get(topic)?.partitions[partition]
    const asked = { selector: configs.broker.replicaSelectorClass, clientRack: rackId }
    return image && preferredReadReplica(image, brokers, asked)
  }

  /** The partition, or an error code. Checks in Kafka's order. */
  #admit({ topicId, currentLeaderEpoch }: WantedPartition, partition: FoundPartition): Partition | number {
    if (isRejection(partition)) return partition.code
    if (topicId !== ZERO_UUID && topicId !== partition.topicId) return errorCode('INCONSISTENT_TOPIC_ID')
    if (replicaIdOf(this.#request) < 0) return partition
    // Other brokers hold no replicas of these partitions. Source: Partition.followerReplicaOrThrow.
    const fenced = partition.checkEpoch(currentLeaderEpoch)
    if (fenced !== undefined) return fenced.code
    return errorCode(currentLeaderEpoch === -1 ? 'NOT_LEADER_OR_FOLLOWER' : 'UNKNOWN_LEADER_EPOCH')
  }

  /** Waits for that many more readable bytes. A partition counts no more than its room. */
  async #park(
    targets: readonly FetchTarget[],
    rooms: readonly number[],
    missing: number,
    waitMs: number,
  ): Promise<void> {
    const roomBytes = new Map<object, number>()
    targets.forEach(({ partition }, index) => {
      if (typeof partition !== 'number') roomBytes.set(partition, rooms[index]!)
    })
    const mostBytes = rooms.reduce((sum, room) => sum + room, 0)
    // Do not wait for more than all partitions together may add.
    const missingBytes = mostBytes > 0 ? Math.min(missing, mostBytes) : missing
    const { visibility } = this.#limits
    let cancel = () => {}
    const woken = new Promise<true>((resolve) => {
      const complete = () => resolve(true)
      cancel = this.#context.services.fetchPurgatory.park({ roomBytes, waitMs, missingBytes, visibility, complete })
    })
    if ((await whileConnected(this.#context, woken)) === undefined) cancel()
  }

  async #answer(attempt: FetchAttempt): Promise<Answer> {
    try {
      const response = await runInSlices(this.#responseOf(attempt), this.#context.slices)
      attempt.handOver()
      return new WithRelease(response, () => attempt.release())
    } catch (error) {
      attempt.release()
      throw error
    }
  }

  /** The session decides on the outcomes before old clients are refused, as in KafkaApis. */
  *#responseOf(attempt: FetchAttempt) {
    const outcomes: Outcome[] = []
    yield* eachInSteps(attempt.reads, (read) => outcomes.push(outcomeOf(read)))
    yield* eachInSteps(this.#refused, (read) => outcomes.push(outcomeOf(read)))
    const { error, sessionId, outcomes: sent } = yield* this.#session.finish(outcomes, this.#context.nowMs)
    const hints = new LeaderHints(this.#context)
    const topics = new TopicResponses(this.#context.apiVersion, hints)
    yield* eachInSteps(sent, ({ read }) => topics.add(this.#refuseOldClient(read)))
    // Kafka names endpoints to consumers only.
    const nodeEndpoints = replicaIdOf(this.#request) < 0 ? hints.endpoints : []
    return { errorCode: errorCode(error), sessionId, responses: topics.all, nodeEndpoints }
  }

  #refuseOldClient(read: PartitionRead): PartitionRead {
    const { wanted } = read
    if (messageFormat(this.#context.apiVersion) === undefined || wanted.topic === null) return read
    const partition = this.#look(wanted)
    const refusal = partition instanceof Promise || isRejection(partition) ? undefined : this.#refusal(partition)
    return refusal === undefined ? read : refusedRead(wanted, errorCode(refusal))
  }

  /**
   * Why a client older than 0.11 gets nothing from a partition. Newer clients are never refused: Kafka 4 sends zstd to
   * versions older than zstd too. Source: KafkaApis.maybeConvertFetchedData (3.9).
   */
  #refusal({ settings }: Partition): ErrorName | undefined {
    if (messageFormat(this.#context.apiVersion) === undefined) return undefined
    if (settings.compressionType === 'zstd') return 'UNSUPPORTED_COMPRESSION_TYPE'
    return settings.messageDownconversionEnable ? undefined : 'UNSUPPORTED_VERSION'
  }
}

function limitsOf(request: FetchRequest, context: RequestContext): FetchLimits {
  const maxBytes = Math.min(request.maxBytes, context.services.configs.broker.fetchMaxBytes)
  return {
    maxBytes,
    minBytes: Math.min(request.minBytes, maxBytes),
    visibility: visibilityOf(request),
    failed: ({ topic, partition }, error) =>
      errorCode(partitionFailure(context.services, `${topic}-${partition}`, error)),
    withAbortedTransactions: request.isolationLevel === READ_COMMITTED && replicaIdOf(request) < 0,
  }
}

/**
 * Consumers read from followers too (KIP-392), unless they are too old to know. Other brokers read from the leader.
 * Source: FetchParams.fetchOnlyLeader.
 */
function mayReadFollowers(request: FetchRequest, { apiVersion }: RequestContext): boolean {
  const replicaId = replicaIdOf(request)
  return replicaId === FUTURE_LOCAL_REPLICA || (replicaId < 0 && apiVersion >= WITH_FOLLOWER_READS)
}

/** Message format for clients of this version; undefined: record batches. */
function messageFormat(version: number): 0 | 1 | undefined {
  if (version <= 1) return 0
  return version <= 3 ? 1 : undefined
}

function visibilityOf(request: FetchRequest): Visibility {
  const replicaId = replicaIdOf(request)
  if (replicaId >= 0) return 'logEnd'
  return request.isolationLevel === READ_COMMITTED ? 'lastStableOffset' : 'highWatermark'
}

interface Outcome extends PartitionOutcome {
  readonly read: PartitionRead
}

function outcomeOf(read: PartitionRead): Outcome {
  return {
    topic: read.wanted.topic,
    topicId: read.wanted.topicId,
    partition: read.wanted.partition,
    errorCode: read.errorCode,
    highWatermark: read.offsets?.highWatermark ?? -1,
    logStartOffset: read.offsets?.logStartOffset ?? -1,
    recordBytes: read.sizeBytes,
    mustRespond: read.diverging !== undefined || read.preferredReadReplica !== undefined,
    read,
  }
}

/**
 * Groups partitions by topic without reordering: only neighbours of one topic share an entry. Source:
 * FetchResponse.toMessage.
 */
class TopicResponses {
  readonly all: (TopicResponse & { readonly partitions: PartitionResponse[] })[] = []
  readonly #version: number
  readonly #hints: LeaderHints

  constructor(version: number, hints: LeaderHints) {
    this.#version = version
    this.#hints = hints
  }

  add(read: PartitionRead): void {
    const topic = read.wanted.topic ?? ''
    const { topicId } = read.wanted
    let last = this.all.at(-1)
    if (last === undefined || last.topicId !== topicId || (topicId === ZERO_UUID && last.topic !== topic)) {
      last = { topic, topicId, partitions: [] }
      this.all.push(last)
    }
    last.partitions.push(partitionResponse(read, this.#version, this.#hints))
  }
}

function partitionResponse(read: PartitionRead, version: number, hints: LeaderHints): PartitionResponse {
  const { wanted, offsets, diverging, slices, abortedTransactions } = read
  return {
    partitionIndex: wanted.partition,
    errorCode: knownErrorCode(read.errorCode, version),
    highWatermark: offsets?.highWatermark ?? -1,
    lastStableOffset: offsets?.lastStableOffset ?? -1,
    logStartOffset: offsets?.logStartOffset ?? -1,
    divergingEpoch: diverging,
    preferredReadReplica: read.preferredReadReplica ?? -1,
    currentLeader: version >= WITH_LEADER_HINTS ? leaderHint(read, hints) : undefined,
    abortedTransactions:
      abortedTransactions?.map(({ producerId, firstOffset }) => ({ producerId, firstOffset })) ?? null,
    records: slices,
  }
}

function leaderHint({ errorCode: code, wanted }: PartitionRead, hints: LeaderHints): LeaderHint | undefined {
  const needsLeader = code === errorCode('NOT_LEADER_OR_FOLLOWER') || code === errorCode('FENCED_LEADER_EPOCH')
  return needsLeader ? hints.leaderOf(wanted.topic ?? '', wanted.partition) : undefined
}

function knownErrorCode(code: number, version: number): number {
  const isUnknown = version <= WITHOUT_STORAGE_ERROR && code === errorCode('KAFKA_STORAGE_ERROR')
  return isUnknown ? errorCode('NOT_LEADER_OR_FOLLOWER') : code
}
