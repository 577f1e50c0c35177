import type { FetchRequest } from '../../protocol/apis/fetch.ts'
import type { ErrorName } from '../../protocol/error-codes.ts'
import type { Random } from '../../storage/host/host.ts'
import {
  forgottenPartitions,
  partitionKey,
  type TopicIdPartition,
  type TopicNames,
  type WantedPartition,
  wantedPartitions,
} from './fetch-request.ts'

/** Response of one partition, as far as a session must know it. */
export interface PartitionOutcome extends TopicIdPartition {
  readonly errorCode: number
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly recordBytes: number
  /** True where the answer carries what an unchanged partition would not: a diverging epoch, a preferred replica. */
  readonly mustRespond: boolean
}

/** A fetch within its session, if it has one. */
export interface FetchContext {
  /** What is to be read, in order: sessions put partitions that had data last, so that all get their turn. */
  readonly partitions: Iterable<WantedPartition>
  /** Remembers what is answered; says which outcomes go out, and under which session. */
  finish<O extends PartitionOutcome>(outcomes: O[], nowMs: number): FetchConclusion<O>
}

export interface FetchConclusion<O> {
  readonly error: ErrorName
  readonly sessionId: number
  readonly outcomes: O[]
}

/** First version that names topics by id alone. */
const WITH_TOPIC_IDS = 13
/** Session id of a fetch without session. */
const NO_SESSION = 0
/** Session epochs: a full fetch that wants a session; one that wants none, or ends the one it has. */
const INITIAL_EPOCH = 0
const FINAL_EPOCH = -1
/** A session unused for this long makes room for any other. Source: ServerLogConfigs.MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS. */
const EVICTION_MS = 120_000
const INT32_MAX = 0x7fffffff

/** Epochs count from 1 and wrap to 1. Source: FetchMetadata.nextEpoch. */
function nextEpoch(epoch: number): number {
  if (epoch < 0) return FINAL_EPOCH
  return epoch === INT32_MAX ? 1 : epoch + 1
}

/** What a session remembers of a partition: the last request, and what of the last answer decides about the next. */
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
  /** Evictable by anybody since its last use, for it was old enough then. */
  isEvictable: boolean
}

/**
 * Incremental fetch sessions (KIP-227): a client names its partitions once and then only what changed. Sessions are
 * memory that clients make us hold, so there are at most max.incremental.fetch.session.cache.slots of them, and a fetch
 * that gets none works without. Source: FetchSession.scala.
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

  /** The context of a request; a bare error name where its session is not what it says. */
  resolve(request: FetchRequest, version: number, names: TopicNames, nowMs: number): FetchContext | ErrorName {
    const usesTopicIds = version >= WITH_TOPIC_IDS
    const wanted = wantedPartitions(request, usesTopicIds ? names : undefined)
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
    return this.#incremental(session, wanted, forgottenPartitions(request), names, nowMs)
  }

  #full(wanted: Map<string, WantedPartition>, usesTopicIds: boolean, isFollower: boolean): FetchContext {
    return {
      partitions: wanted.values(),
      finish: (outcomes, nowMs) => {
        const session = this.#create(wanted, outcomes, usesTopicIds, isFollower, nowMs)
        return { error: 'NONE', sessionId: session?.id ?? NO_SESSION, outcomes }
      },
    }
  }

  #create(
    wanted: Map<string, WantedPartition>,
    outcomes: readonly PartitionOutcome[],
    usesTopicIds: boolean,
    isFollower: boolean,
    nowMs: number,
  ): Session | undefined {
    if (this.#sessions.size >= this.#slots() && !this.#evict(isFollower, outcomes.length, nowMs)) return undefined
    const partitions = new Map<string, CachedPartition>()
    for (const outcome of outcomes) {
      const key = partitionKey(outcome)
      const { highWatermark, logStartOffset } = outcome
      partitions.set(key, { wanted: wanted.get(key) as WantedPartition, highWatermark, logStartOffset })
    }
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

  /** Makes room: the longest unused session if it is stale, else a smaller one that has lived long enough. */
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
      finish: (outcomes) => {
        // Another request of the session came in before this one was answered.
        if (session.epoch !== epoch)
          return { error: 'INVALID_FETCH_SESSION_EPOCH', sessionId: session.id, outcomes: [] }
        return { error: 'NONE', sessionId: session.id, outcomes: outcomes.filter((each) => isNews(session, each)) }
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

/** Of two sessions the one to go first: a consumer's before a follower's, then the smaller, then the lower id. */
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
    finish: (outcomes) => ({ error: 'NONE', sessionId: NO_SESSION, outcomes }),
  }
}

/** Names that were unknown when the session heard of them are looked up again: the topic may have been made since. */
function sessionPartitions(session: Session, names: TopicNames): WantedPartition[] {
  const partitions: WantedPartition[] = []
  for (const { wanted } of session.partitions.values()) {
    if (wanted.topic === null) wanted.topic = names(wanted.topicId) ?? null
    partitions.push(wanted)
  }
  return partitions
}

/** Whether the client must be told; remembers what it is told, and sends a partition that had data to the end. */
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
  // After an error the next answer goes out whatever it says, for the client must learn that it is over.
  cached.highWatermark = outcome.errorCode !== 0 ? -1 : outcome.highWatermark
  cached.logStartOffset = outcome.logStartOffset
  if (outcome.recordBytes > 0) {
    session.partitions.delete(key)
    session.partitions.set(key, cached)
  }
  return isNew
}
