/** A committed offset. Source: OffsetAndMetadata. */
export interface CommittedOffset {
  readonly offset: number
  /** -1: unknown. */
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestampMs: number
  /** -1 unless the client (v2 to v4) set a retention time. */
  readonly expireTimestampMs: number
  /** Zero uuid if the log does not contain it. */
  readonly topicId: string
  /** Order of its record in the log: the later of two wins, whichever transaction ends first. */
  readonly order: number
}

type ByPartition<T> = Map<number, T>
type ByTopic<T> = Map<string, ByPartition<T>>

/** A value per group, topic and partition. Empty maps are not kept. */
export class OffsetTable<T> {
  readonly #groups = new Map<string, ByTopic<T>>()

  get(groupId: string, topic: string, partition: number): T | undefined {
    return this.#groups.get(groupId)?.get(topic)?.get(partition)
  }

  /** All values of a group; undefined if there are none. Callers must not keep the result. */
  ofGroup(groupId: string): ReadonlyMap<string, ReadonlyMap<number, T>> | undefined {
    return this.#groups.get(groupId)
  }

  set(groupId: string, topic: string, partition: number, value: T): void {
    const partitions = getOrMake(getOrMake(this.#groups, groupId), topic)
    partitions.set(partition, value)
  }

  delete(groupId: string, topic: string, partition: number): void {
    const topics = this.#groups.get(groupId)
    const partitions = topics?.get(topic)
    if (topics === undefined || partitions === undefined) return
    partitions.delete(partition)
    if (partitions.size > 0) return
    topics.delete(topic)
    if (topics.size === 0) this.#groups.delete(groupId)
  }

  *entries(): IterableIterator<{ groupId: string; topic: string; partition: number; value: T }> {
    for (const [groupId, topics] of this.#groups) {
      for (const [topic, partitions] of topics) {
        for (const [partition, value] of partitions) yield { groupId, topic, partition, value }
      }
    }
  }

  *groupIds(): IterableIterator<string> {
    yield* this.#groups.keys()
  }
}

function getOrMake<K, L, T>(map: Map<K, Map<L, T>>, key: K): Map<L, T> {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = new Map<L, T>()
  map.set(key, made)
  return made
}
