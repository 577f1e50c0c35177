import type { FetchRequest } from '../../protocol/apis/fetch.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'

/** One partition that a fetch asks for. */
export interface WantedPartition {
  /** Null where the request names a topic id that is unknown (v13 and later). */
  topic: string | null
  /** Zero uuid before v13. */
  readonly topicId: string
  readonly partition: number
  readonly fetchOffset: number
  /** -1: the client does not say, and nothing is checked. */
  readonly currentLeaderEpoch: number
  /** -1: no check for divergence. */
  readonly lastFetchedEpoch: number
  readonly maxBytes: number
}

/** A partition in the way that sessions and responses tell one from another. */
export interface TopicIdPartition {
  readonly topic: string | null
  readonly topicId: string
  readonly partition: number
}

/** By id from v13 on, else by name: the same in every request of one session. */
export function partitionKey({ topic, topicId, partition }: TopicIdPartition): string {
  return topicId === ZERO_UUID ? `${partition}:${topic}` : `${partition}:${topicId}`
}

/** Looks a topic's name up by its id; undefined: no such topic. */
export type TopicNames = (topicId: string) => string | undefined

/**
 * The partitions that the request names, in its order; a later mention of the same one wins, as in Kafka's map. Undefined
 * names: the version knows topics by their names alone.
 */
export function wantedPartitions(request: FetchRequest, names: TopicNames | undefined): Map<string, WantedPartition> {
  const wanted = new Map<string, WantedPartition>()
  for (const { topic, topicId, partitions } of request.topics) {
    const name = names === undefined ? topic : (names(topicId) ?? null)
    for (const each of partitions) {
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
    }
  }
  return wanted
}

/** Keys of the partitions that an incremental fetch takes out of its session. */
export function forgottenPartitions(request: FetchRequest): string[] {
  return request.forgottenTopicsData.flatMap(({ topic, topicId, partitions }) =>
    partitions.map((partition) => partitionKey({ topic, topicId, partition })),
  )
}
