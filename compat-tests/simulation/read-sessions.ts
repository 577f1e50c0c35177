import { errorName } from '../../protocol/error-codes.ts'
import type { PartitionHistory } from './broker-model.ts'
import { check } from './storage-model.ts'

/** Epoch of a fetch outside of any session. */
const NO_SESSION = -1
/** First version with sessions. */
const WITH_SESSIONS = 7

interface Session {
  id: number
  epoch: number
  /** Partitions in the session with the offsets asked for last. */
  partitions: ReadonlyMap<PartitionHistory, number>
}

/** What a fetch says: what has changed since the one before, if it is in a session. */
export interface SessionFetch {
  readonly sessionId: number
  readonly sessionEpoch: number
  readonly fetched: readonly (readonly [PartitionHistory, number])[]
  readonly forgotten: readonly PartitionHistory[]
}

/** Fetch sessions of one consumer (KIP-227), one a broker. */
export class ReadSessions {
  readonly #isUsed: boolean
  readonly #byNode = new Map<number, Session>()

  /** version: of Fetch. Without sessions each fetch names all of its partitions. */
  constructor(version: number, isWanted = true) {
    this.#isUsed = isWanted && version >= WITH_SESSIONS
  }

  /** The connections are closed, which ends their sessions. */
  clear(): void {
    this.#byNode.clear()
  }

  /** A session by names would continue with the next topic of the same name. */
  forgetDeleted(): void {
    for (const [nodeId, { partitions }] of [...this.#byNode])
      if ([...partitions.keys()].some(({ topic }) => !topic.isAlive)) this.#byNode.delete(nodeId)
  }

  /** The next fetch at the broker. asked: offsets of all partitions that are read there. */
  next(nodeId: number, asked: ReadonlyMap<PartitionHistory, number>): SessionFetch {
    if (!this.#isUsed) return { sessionId: 0, sessionEpoch: NO_SESSION, fetched: [...asked], forgotten: [] }
    const session = this.#byNode.get(nodeId) ?? { id: 0, epoch: 0, partitions: new Map() }
    this.#byNode.set(nodeId, session)
    const before = session.partitions
    session.partitions = asked
    const { id: sessionId, epoch: sessionEpoch } = session
    if (sessionEpoch === 0) return { sessionId, sessionEpoch, fetched: [...asked], forgotten: [] }
    return {
      sessionId,
      sessionEpoch,
      fetched: [...asked].filter(([partition, position]) => before.get(partition) !== position),
      forgotten: [...before.keys()].filter((partition) => !asked.has(partition)),
    }
  }

  /** What the answer does to the session. 'gone': it is no longer known, and nothing was read. */
  take(
    nodeId: number,
    { sessionEpoch }: SessionFetch,
    answer: { readonly errorCode: number; readonly sessionId: number },
  ): 'opened' | 'gone' | undefined {
    const error = errorName(answer.errorCode)
    if (error !== 'NONE') {
      const isGone = error === 'FETCH_SESSION_ID_NOT_FOUND' || error === 'INVALID_FETCH_SESSION_EPOCH'
      check(isGone && sessionEpoch > 0, `a fetch was refused: ${error}`)
      this.#byNode.delete(nodeId)
      return 'gone'
    }
    const session = this.#byNode.get(nodeId)
    if (answer.sessionId === 0) this.#byNode.delete(nodeId)
    if (session === undefined || answer.sessionId === 0) return undefined
    session.id = answer.sessionId
    session.epoch++
    return sessionEpoch === 0 ? 'opened' : undefined
  }
}

/** `topics` of the fetch. */
export function fetchTopics({ fetched }: SessionFetch, partitionMaxBytes: number) {
  return fetched.map(([{ topic, index: partition }, fetchOffset]) => ({
    topic: topic.plan.name,
    topicId: topic.id,
    partitions: [{ partition, fetchOffset, partitionMaxBytes }],
  }))
}

/** `forgottenTopicsData` of the fetch. */
export function forgottenTopics({ forgotten }: SessionFetch) {
  return forgotten.map(({ topic, index }) => ({ topic: topic.plan.name, topicId: topic.id, partitions: [index] }))
}
