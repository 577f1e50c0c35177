import { Fetch, type FetchRequest, type FetchResponse } from '../../protocol/apis/fetch.ts'
import { errorCode, isRejection } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import {
  FetchAttempt,
  type FetchLimits,
  type FetchTarget,
  hasNothingToRead,
  type PartitionRead,
} from '../fetch/fetch-attempt.ts'
import type { WantedPartition } from '../fetch/fetch-request.ts'
import { type FetchContext, replicaIdOf } from '../fetch/fetch-sessions.ts'
import type { Visibility } from '../fetch/plan-fetch.ts'
import type { Partition } from '../partition/partition.ts'
import { type HandlerAnswer, handler, type RequestContext, WithRelease } from './handler.ts'
import { type LeaderHint, LeaderHints } from './leader-hints.ts'

type TopicResponse = FetchResponse['responses'][number]
type PartitionResponse = TopicResponse['partitions'][number]
type Answer = HandlerAnswer<typeof Fetch>

const READ_COMMITTED = 1
const WITH_ZSTD = 10
const WITH_LEADER_HINTS = 16
/** Newest version whose clients may not know KAFKA_STORAGE_ERROR: they are told NOT_LEADER_OR_FOLLOWER. */
const WITHOUT_STORAGE_ERROR = 5

/**
 * Reads batches as stored. Answers at once with min.bytes, an error or a diverging epoch; else waits for appends, at most
 * max.wait. Source: KafkaApis.handleFetchRequest, ReplicaManager.fetchMessages.
 */
export const fetch = handler(Fetch, (request, context) => {
  const { services, apiVersion, nowMs } = context
  const names = (topicId: string) => services.partitions.nameOf(topicId)
  const session = services.fetchSessions.resolve(request, apiVersion, names, nowMs)
  if (typeof session === 'string') return { errorCode: errorCode(session), responses: [] }
  return new PendingFetch(request, context, session).run()
})

/** One fetch, from its request to its answer. */
class PendingFetch {
  readonly #request: FetchRequest
  readonly #context: RequestContext
  readonly #session: FetchContext
  readonly #wanted: readonly WantedPartition[]
  readonly #limits: FetchLimits
  readonly #deadlineMs: number
  /** Ends the wait that is under way. */
  #abandon = () => {}
  #isAbandoned = false

  constructor(request: FetchRequest, context: RequestContext, session: FetchContext) {
    this.#request = request
    this.#context = context
    this.#session = session
    this.#wanted = [...session.partitions]
    this.#limits = limitsOf(request, context)
    this.#deadlineMs = context.services.host.clock.monotonicMs() + request.maxWaitMs
    context.onAbandoned(() => {
      this.#isAbandoned = true
      this.#abandon()
    })
  }

  async run(): Promise<Answer> {
    for (;;) {
      const targets = this.#wanted.map((wanted) => this.#target(wanted))
      const remainingMs = this.#deadlineMs - this.#context.services.host.clock.monotonicMs()
      const mayWait = remainingMs > 0 && this.#limits.minBytes > 0 && targets.length > 0
      let missingBytes = this.#limits.minBytes
      if (!mayWait || !hasNothingToRead(targets, this.#limits.visibility)) {
        const attempt = await FetchAttempt.of(targets, this.#limits, this.#context.services.bytesInFlight)
        if (!mayWait || attempt.isUrgent || attempt.sizeBytes >= missingBytes) return this.#answer(attempt)
        missingBytes -= attempt.sizeBytes
        attempt.release()
      }
      await this.#park(targets, missingBytes, remainingMs)
      if (this.#isAbandoned) return undefined
    }
  }

  #target(wanted: WantedPartition): FetchTarget {
    return { wanted, partition: this.#find(wanted) }
  }

  /** The partition, or the code of the error in its stead, checked in Kafka's order. */
  #find({ topic, topicId, partition: index, currentLeaderEpoch }: WantedPartition): Partition | number {
    if (topic === null) return errorCode('UNKNOWN_TOPIC_ID')
    const partition = this.#context.services.partitions.leaderFor(topic, index)
    if (isRejection(partition)) return partition.code
    if (topicId !== ZERO_UUID && topicId !== partition.topicId) return errorCode('INCONSISTENT_TOPIC_ID')
    if (replicaIdOf(this.#request) < 0) return partition
    // No other broker holds replicas of ours. Source: Partition.followerReplicaOrThrow.
    const fenced = partition.checkEpoch(currentLeaderEpoch)
    if (fenced !== undefined) return fenced.code
    return errorCode(currentLeaderEpoch === -1 ? 'NOT_LEADER_OR_FOLLOWER' : 'UNKNOWN_LEADER_EPOCH')
  }

  #park(targets: readonly FetchTarget[], missingBytes: number, waitMs: number): Promise<void> {
    const keys = targets.map(({ partition }) => partition).filter((each) => typeof each !== 'number')
    return new Promise((resolve) => {
      const cancel = this.#context.services.fetchPurgatory.park({
        keys,
        waitMs,
        missingBytes,
        complete: () => resolve(),
      })
      this.#abandon = () => {
        cancel()
        resolve()
      }
    })
  }

  #answer(attempt: FetchAttempt): Answer {
    const outcomes = attempt.reads.map((read) => ({
      topic: read.wanted.topic,
      topicId: read.wanted.topicId,
      partition: read.wanted.partition,
      errorCode: read.errorCode,
      highWatermark: read.offsets?.highWatermark ?? -1,
      logStartOffset: read.offsets?.logStartOffset ?? -1,
      recordBytes: read.sizeBytes,
      mustRespond: read.diverging !== undefined,
      read,
    }))
    const { error, sessionId, outcomes: told } = this.#session.finish(outcomes, this.#context.nowMs)
    const hints = new LeaderHints(this.#context)
    const responses = grouped(
      told.map(({ read }) => read),
      this.#context.apiVersion,
      hints,
    )
    const response = { errorCode: errorCode(error), sessionId, responses, nodeEndpoints: hints.endpoints }
    attempt.handOver()
    return new WithRelease(response, () => attempt.release())
  }
}

function limitsOf(request: FetchRequest, context: RequestContext): FetchLimits {
  const maxBytes = Math.min(request.maxBytes, context.services.configs.broker.fetchMaxBytes)
  return {
    maxBytes,
    minBytes: Math.min(request.minBytes, maxBytes),
    visibility: visibilityOf(request),
    withAbortedTransactions: request.isolationLevel === READ_COMMITTED && replicaIdOf(request) < 0,
    convertTo: messageFormat(context.apiVersion),
    knowsZstd: context.apiVersion >= WITH_ZSTD,
  }
}

/** Format of message sets that a client of this version can read; undefined: record batches. */
function messageFormat(version: number): 0 | 1 | undefined {
  if (version <= 1) return 0
  return version <= 3 ? 1 : undefined
}

function visibilityOf(request: FetchRequest): Visibility {
  const replicaId = replicaIdOf(request)
  if (replicaId >= 0) return 'logEnd'
  return request.isolationLevel === READ_COMMITTED ? 'lastStableOffset' : 'highWatermark'
}

/** Partitions keep their order; neighbours of one topic share an entry. Source: FetchResponse.toMessage. */
function grouped(reads: readonly PartitionRead[], version: number, hints: LeaderHints): TopicResponse[] {
  const topics: { topic: string; topicId: string; partitions: PartitionResponse[] }[] = []
  for (const read of reads) {
    const topic = read.wanted.topic ?? ''
    const { topicId } = read.wanted
    let last = topics.at(-1)
    if (last === undefined || last.topicId !== topicId || (topicId === ZERO_UUID && last.topic !== topic)) {
      last = { topic, topicId, partitions: [] }
      topics.push(last)
    }
    last.partitions.push(partitionResponse(read, version, hints))
  }
  return topics
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
    currentLeader: version >= WITH_LEADER_HINTS ? leaderHint(read, hints) : undefined,
    abortedTransactions:
      abortedTransactions?.map(({ producerId, firstOffset }) => ({ producerId, firstOffset })) ?? null,
    records: slices,
  }
}

function leaderHint({ errorCode: code, wanted }: PartitionRead, hints: LeaderHints): LeaderHint | undefined {
  const isMisled = code === errorCode('NOT_LEADER_OR_FOLLOWER') || code === errorCode('FENCED_LEADER_EPOCH')
  return isMisled ? hints.leaderOf(wanted.topic ?? '', wanted.partition) : undefined
}

function knownErrorCode(code: number, version: number): number {
  const isUnknown = version <= WITHOUT_STORAGE_ERROR && code === errorCode('KAFKA_STORAGE_ERROR')
  return isUnknown ? errorCode('NOT_LEADER_OR_FOLLOWER') : code
}
