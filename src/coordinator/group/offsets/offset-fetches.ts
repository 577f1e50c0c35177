import type { OffsetFetchRequest, OffsetFetchResponse } from '../../../../protocol/apis/offset-fetch.ts'
import { errorCode, type Rejection, reject } from '../../../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../../../protocol/schema.ts'
import type { GroupTable } from '../group-table.ts'
import type { OffsetStore } from './offset-store.ts'
import type { CommittedOffset } from './offset-table.ts'

export type OffsetFetchGroup = OffsetFetchRequest['groups'][number]
export type FetchedGroup = NonNullable<OffsetFetchResponse['groups']>[number]
type FetchedTopic = FetchedGroup['topics'][number]
type FetchedPartition = FetchedTopic['partitions'][number]

const groupNotFound = reject('GROUP_ID_NOT_FOUND')

/** Reads committed offsets. Source: OffsetMetadataManager.fetchOffsets and fetchAllOffsets. */
export class OffsetFetches {
  readonly #groups: GroupTable
  readonly #offsets: OffsetStore

  constructor(groups: GroupTable, offsets: OffsetStore) {
    this.#groups = groups
    this.#offsets = offsets
  }

  /** requireStable: UNSTABLE_OFFSET_COMMIT for an offset with a pending commit in an open transaction. */
  fetch(request: OffsetFetchGroup, requireStable: boolean): FetchedGroup | Rejection {
    const refused = this.#refusal(request)
    if (refused !== undefined && refused.error !== 'GROUP_ID_NOT_FOUND') return refused
    const { groupId } = request
    if (request.topics === null) {
      return { groupId, topics: refused === undefined ? this.#allTopics(groupId, requireStable) : [] }
    }
    // A group that does not exist has no committed offsets; that is no error.
    const isKnown = refused === undefined
    const offsets = isKnown ? this.#offsets.ofGroup(groupId) : undefined
    const topics = request.topics.map(({ name, topicId, partitionIndexes }) => {
      const offsetsOfTopic = offsets?.get(name)
      const partitions = partitionIndexes.map((partition) => {
        const offset = offsetsOfTopic?.get(partition)
        const isStale = offset !== undefined && areDifferent(offset.topicId, topicId)
        return this.#partition(groupId, name, partition, isStale ? undefined : offset, requireStable)
      })
      return { name, topicId, partitions }
    })
    return { groupId, topics }
  }

  #refusal({ groupId, memberId, memberEpoch }: OffsetFetchGroup): Rejection | undefined {
    const group = this.#groups.get(groupId)
    if (group === undefined) return groupNotFound
    return group.validateOffsetFetch(memberId, memberEpoch)
  }

  #allTopics(groupId: string, requireStable: boolean): FetchedTopic[] {
    const topics: FetchedTopic[] = []
    for (const [name, partitions] of this.#offsets.ofGroup(groupId) ?? []) {
      const fetched: FetchedPartition[] = []
      for (const [partition, offset] of partitions) {
        fetched.push(this.#partition(groupId, name, partition, offset, requireStable))
      }
      topics.push({ name, topicId: ZERO_UUID, partitions: fetched })
    }
    return topics
  }

  #partition(
    groupId: string,
    topic: string,
    partitionIndex: number,
    offset: CommittedOffset | undefined,
    requireStable: boolean,
  ): FetchedPartition {
    if (requireStable && this.#offsets.isOpen(groupId, topic, partitionIndex)) {
      return noOffset(partitionIndex, errorCode('UNSTABLE_OFFSET_COMMIT'))
    }
    if (offset === undefined) return noOffset(partitionIndex, 0)
    return {
      partitionIndex,
      committedOffset: offset.offset,
      committedLeaderEpoch: offset.leaderEpoch,
      metadata: offset.metadata,
      errorCode: 0,
    }
  }
}

function noOffset(partitionIndex: number, error: number): FetchedPartition {
  return { partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: error }
}

/** Whether the topic was deleted and recreated since the commit. */
function areDifferent(committed: string, asked: string): boolean {
  return committed !== ZERO_UUID && asked !== ZERO_UUID && committed !== asked
}
