import type { FetchRequest } from '../../protocol/apis/fetch.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'

/** One partition of a fetch request. */
export interface WantedPartition {
  /** Null if the topic id is unknown (v13 and later). */
  topic: string | null
  /** Zero uuid in versions below 13. */
  readonly topicId: string
  readonly partition: number
  readonly fetchOffset: number
  /** -1: not sent, so not checked. */
  readonly currentLeaderEpoch: number
  /** -1: no check for divergence. */
  readonly lastFetchedEpoch: number
  readonly maxBytes: number
}

/** Identifies a partition in sessions and responses. */
export interface TopicIdPartition {
  readonly topic: string | null
  readonly topicId: string
  readonly partition: number
}

/** Key by topic id from v13 on, else by name. All requests of a session use the same kind. */
export function partitionKey({ topic, topicId, partition }: TopicIdPartition): string {
  return topicId === ZERO_UUID ? `${partition}:${topic}` : `${partition}:${topicId}`
}

/** Finds a topic's name by id; undefined if there is no such topic. */
export type TopicNames = (topicId: string) => string | undefined

/** Partitions that a fetch goes through between two yields: less than a tenth of a millisecond. */
export const PARTITIONS_PER_STEP = 64

/** Yields after each so many of the items. */
export function* eachInSteps<T>(items: Iterable<T>, task: (item: T) => void): Generator<void, void> {
  let count = 0
  for (const item of items) {
    task(item)
    if (++count % PARTITIONS_PER_STEP === 0) yield
  }
}

/**
 * The partitions of a request, in its order. If a partition occurs twice, the later one wins, as in Kafka's map. names
 * is undefined for versions that have topic names only.
 */
export function* wantedPartitions(
  request: FetchRequest,
  names: TopicNames | undefined,
): Generator<void, Map<string, WantedPartition>> {
  const wanted = new Map<string, WantedPartition>()
  for (const { topic, topicId, partitions } of request.topics) {
    const name = names === undefined ? topic : (names(topicId) ?? null)
    yield* eachInSteps(partitions, (each) => {
      const partition = {
        topic: name,
        topicId,
        partition: each.partition,
        fetchOffset: each.fetchOffset,
        currentLeaderEpoch: each.currentLeaderEpoch,
        lastFetchedEpoch: each.lastFetchedEpoch,
        maxBytes: each.partitionMaxBytes,
      }
      wanted.set(partitionKey(partition), partition)
    })
  }
  return wanted
}

/** Keys of the partitions that an incremental fetch removes from its session. */
export function* forgottenPartitions(request: FetchRequest): Generator<void, string[]> {
  const keys: string[] = []
  for (const { topic, topicId, partitions } of request.forgottenTopicsData) {
    yield* eachInSteps(partitions, (partition) => keys.push(partitionKey({ topic, topicId, partition })))
  }
  return keys
}
