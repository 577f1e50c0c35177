import type { FetchRequest } from '../../protocol/apis/fetch.ts'
import type { ErrorName } from '../../protocol/error-codes.ts'
import type { Random } from '../../storage/host/host.ts'
import {
  eachInSteps,
  forgottenPartitions,
  partitionKey,
  type TopicIdPartition,
  type TopicNames,
  type WantedPartition,
  wantedPartitions,
} from './fetch-request.ts'

/** The part of a partition's response that a session needs. */
export interface PartitionOutcome extends TopicIdPartition {
  readonly errorCode: number
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly recordBytes: number
  /** True if the response has a diverging epoch or a preferred replica: it is sent even if nothing else changed. */
  readonly mustRespond: boolean
}

/** A fetch and its session, if it has one. */
export interface FetchContext {
  /** Partitions to read, in order. Sessions put partitions that had data last, so that each gets its turn. */
  readonly partitions: Iterable<WantedPartition>
  /** Records what is answered, in steps. Returns the outcomes to send and the session id. */
  finish<O extends PartitionOutcome>(outcomes: O[], nowMs: number): Generator<void, FetchConclusion<O>>
}

export interface FetchConclusion<O> {
  readonly error: ErrorName
  readonly sessionId: number
  readonly outcomes: O[]
}

/** First version that names topics by id alone. */
const WITH_TOPIC_IDS = 13
/** Session id of a fetch without a session. */
const NO_SESSION = 0
/**
 * Session epochs. INITIAL_EPOCH: full fetch that asks for a session. FINAL_EPOCH: full fetch without a session, which
 * closes the current one.
 */
const INITIAL_EPOCH = 0
const FINAL_EPOCH = -1
/**
 * A session unused for longer than this may be evicted for any other. Source:
 * ServerLogConfigs.MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS.
 */
const EVICTION_MS = 120_000
const INT32_MAX = 0x7fffffff

/** Epochs count from 1 and wrap to 1. Source: FetchMetadata.nextEpoch. */
function nextEpoch(epoch: number): number {
  if (epoch < 0) return FINAL_EPOCH
  return epoch === INT32_MAX ? 1 : epoch + 1
}

/** Cached state of a partition: the last request, and the offsets last sent. */
interface CachedPartition {
  wanted: WantedPartition
  highWatermark: number
  logStartOffset: number
}

interface Session {
  readonly id: number
  readonly usesTopicIds: boolean
  readonly isFollower: boolean
  readonly createdMs: number
  lastUsedMs: number
  epoch: number
  readonly partitions: Map<string, CachedPartition>
  /** True if the session was older than EVICTION_MS at its last use: a larger session may evict it. */
  isEvictable: boolean
}

/**
 * Incremental fetch sessions (KIP-227): a client names its partitions once, then only changes. Sessions take memory, so
 * there are at most max.incremental.fetch.session.cache.slots. A fetch without a free slot works without a session.
 * Source: FetchSession.scala.
 */
export class FetchSessions {
  /** Least recently used first. */
  readonly #sessions = new Map<number, Session>()
  readonly #slots: () => number
  readonly #random: Random

  /** slots: max.incremental.fetch.session.cache.slots. */
  constructor(slots: () => number, random: Random) {
    this.#slots = slots
    this.#random = random
  }

  get count(): number {
    return this.#sessions.size
  }

  /**
   * The context of a request, or an error name if the request does not match its session. A session is looked up and
   * changed in the last step.
   */
  *resolve(
    request: FetchRequest,
    version: number,
    names: TopicNames,
    nowMs: number,
  ): Generator<void, FetchContext | ErrorName> {
    const usesTopicIds = version >= WITH_TOPIC_IDS
    const wanted = yield* wantedPartitions(request, usesTopicIds ? names : undefined)
    const forgotten = yield* forgottenPartitions(request)
    const { sessionId, sessionEpoch } = request
    if (sessionEpoch === INITIAL_EPOCH || sessionEpoch === FINAL_EPOCH) {
      this.#sessions.delete(sessionId)
      if (sessionEpoch === FINAL_EPOCH) return sessionless(wanted)
      return this.#full(wanted, usesTopicIds, replicaIdOf(request) >= 0)
    }
    const session = this.#sessions.get(sessionId)
    if (session === undefined) return 'FETCH_SESSION_ID_NOT_FOUND'
    if (session.epoch !== sessionEpoch) return 'INVALID_FETCH_SESSION_EPOCH'
    if (session.usesTopicIds !== usesTopicIds) return 'FETCH_SESSION_TOPIC_ID_ERROR'
    return this.#incremental(session, wanted, forgotten, names, nowMs)
  }

  #full(wanted: Map<string, WantedPartition>, usesTopicIds: boolean, isFollower: boolean): FetchContext {
    const sessions = this
    return {
      partitions: wanted.values(),
      *finish(outcomes, nowMs) {
        const partitions = new Map<string, CachedPartition>()
        yield* eachInSteps(outcomes, (outcome) => {
          const key = partitionKey(outcome)
          const { highWatermark, logStartOffset } = outcome
          partitions.set(key, { wanted: wanted.get(key) as WantedPartition, highWatermark, logStartOffset })
        })
        const session = sessions.#create(partitions, usesTopicIds, isFollower, nowMs)
        return { error: 'NONE', sessionId: session?.id ?? NO_SESSION, outcomes }
      },
    }
  }

  #create(
    partitions: Map<string, CachedPartition>,
    usesTopicIds: boolean,
    isFollower: boolean,
    nowMs: number,
  ): Session | undefined {
    if (this.#sessions.size >= this.#slots() && !this.#evict(isFollower, partitions.size, nowMs)) return undefined
    const session: Session = {
      id: this.#freeId(),
      usesTopicIds,
      isFollower,
      createdMs: nowMs,
      lastUsedMs: nowMs,
      epoch: nextEpoch(INITIAL_EPOCH),
      partitions,
      isEvictable: false,
    }
    this.#sessions.set(session.id, session)
    return session
  }

  #freeId(): number {
    for (;;) {
      const id = 1 + this.#random.below(INT32_MAX - 1)
      if (!this.#sessions.has(id)) return id
    }
  }

  /**
   * Evicts the least recently used session if it is stale, else a smaller session that is old enough. Returns false if
   * none may go.
   */
  #evict(isFollower: boolean, size: number, nowMs: number): boolean {
    const [oldest] = this.#sessions.values()
    if (oldest === undefined) return false
    if (nowMs - oldest.lastUsedMs > EVICTION_MS) return this.#sessions.delete(oldest.id)
    let victim: Session | undefined
    for (const session of this.#sessions.values()) {
      const isCandidate = session.isEvictable || (isFollower && !session.isFollower)
      if (isCandidate && (victim === undefined || evictsBefore(session, victim))) victim = session
    }
    if (victim === undefined || !mayEvict(isFollower, size, victim)) return false
    return this.#sessions.delete(victim.id)
  }

  #incremental(
    session: Session,
    wanted: Map<string, WantedPartition>,
    forgotten: readonly string[],
    names: TopicNames,
    nowMs: number,
  ): FetchContext {
    for (const [key, each] of wanted) {
      const cached = session.partitions.get(key)
      if (cached === undefined) session.partitions.set(key, { wanted: each, highWatermark: -1, logStartOffset: -1 })
      else cached.wanted = { ...each, topic: cached.wanted.topic ?? each.topic }
    }
    for (const key of forgotten) session.partitions.delete(key)
    if (session.partitions.size === 0) {
      this.#sessions.delete(session.id)
      return sessionless(wanted)
    }
    this.#touch(session, nowMs)
    session.epoch = nextEpoch(session.epoch)
    const { epoch } = session
    return {
      partitions: sessionPartitions(session, names),
      *finish<O extends PartitionOutcome>(outcomes: O[]): Generator<void, FetchConclusion<O>> {
        const news: O[] = []
        const hasMovedOn = () => session.epoch !== epoch
        yield* eachInSteps(outcomes, (each) => {
          if (!hasMovedOn() && isNews(session, each)) news.push(each)
        })
        // Another request of the session arrived before this one was answered.
        if (hasMovedOn()) return { error: 'INVALID_FETCH_SESSION_EPOCH', sessionId: session.id, outcomes: [] }
        return { error: 'NONE', sessionId: session.id, outcomes: news }
      },
    }
  }

  #touch(session: Session, nowMs: number): void {
    session.lastUsedMs = nowMs
    session.isEvictable = nowMs - session.createdMs > EVICTION_MS
    this.#sessions.delete(session.id)
    this.#sessions.set(session.id, session)
  }
}

/** Eviction order: consumers before followers, then the smaller session, then the lower id. */
function evictsBefore(a: Session, b: Session): boolean {
  if (a.isFollower !== b.isFollower) return b.isFollower
  return a.partitions.size !== b.partitions.size ? a.partitions.size < b.partitions.size : a.id < b.id
}

function mayEvict(isFollower: boolean, size: number, victim: Session): boolean {
  if (isFollower !== victim.isFollower) return isFollower
  return size > victim.partitions.size
}

/** Id of the follower that fetches; negative for consumers. */
export function replicaIdOf(request: FetchRequest): number {
  return request.replicaId !== -1 ? request.replicaId : request.replicaState.replicaId
}

function sessionless(wanted: Map<string, WantedPartition>): FetchContext {
  return {
    partitions: wanted.values(),
    // biome-ignore lint/correctness/useYield: nothing to record
    *finish(outcomes) {
      return { error: 'NONE', sessionId: NO_SESSION, outcomes }
    },
  }
}

/** Looks up names that were unknown before: the topic may exist by now. */
function sessionPartitions(session: Session, names: TopicNames): WantedPartition[] {
  const partitions: WantedPartition[] = []
  for (const { wanted } of session.partitions.values()) {
    if (wanted.topic === null) wanted.topic = names(wanted.topicId) ?? null
    partitions.push(wanted)
  }
  return partitions
}

/** Whether the client needs this outcome. Records it as sent; moves a partition with data to the end. */
function isNews(session: Session, outcome: PartitionOutcome): boolean {
  const key = partitionKey(outcome)
  const cached = session.partitions.get(key)
  if (cached === undefined) return true
  const isNew =
    outcome.recordBytes > 0 ||
    outcome.mustRespond ||
    outcome.errorCode !== 0 ||
    cached.highWatermark !== outcome.highWatermark ||
    cached.logStartOffset !== outcome.logStartOffset
  // -1 after an error makes the next answer go out: the client must learn that the error is over.
  cached.highWatermark = outcome.errorCode !== 0 ? -1 : outcome.highWatermark
  cached.logStartOffset = outcome.logStartOffset
  if (outcome.recordBytes > 0) {
    session.partitions.delete(key)
    session.partitions.set(key, cached)
  }
  return isNew
}
