import type { OffsetDeleteRequest, OffsetDeleteResponse } from '../../../../protocol/apis/offset-delete.ts'
import { errorCode, type Rejection, reject } from '../../../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../../../protocol/schema.ts'
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import type { Decision } from '../../shard.ts'
import type { Group } from '../group.ts'
import type { GroupContext } from '../group-context.ts'
import type { GroupTable } from '../group-table.ts'
import { type OffsetStore, offsetTombstone } from './offset-store.ts'
import type { CommittedOffset } from './offset-table.ts'

/**
 * Decides which offsets are deleted: on request, with their group, with their topic, or by age. Source:
 * OffsetMetadataManager.
 */
export class OffsetRemoval {
  readonly #context: GroupContext
  readonly #groups: GroupTable
  readonly #offsets: OffsetStore

  constructor(context: GroupContext, groups: GroupTable, offsets: OffsetStore) {
    this.#context = context
    this.#groups = groups
    this.#offsets = offsets
  }

  /** OffsetDelete (KIP-496): topics to which a member of the group subscribes are refused. */
  deleteOffsets(request: OffsetDeleteRequest): Decision<OffsetDeleteResponse> | Rejection {
    const { groupId } = request
    const group = this.#groups.get(groupId)
    if (group === undefined) return reject('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
    const refused = group.validateOffsetDelete()
    if (refused !== undefined) return refused
    const records: CoordinatorRecord[] = []
    const topics = request.topics.map(({ name, partitions }) => {
      const isSubscribed = group.isSubscribedTo(name)
      const code = errorCode(isSubscribed ? 'GROUP_SUBSCRIBED_TO_TOPIC' : 'NONE')
      for (const { partitionIndex } of isSubscribed ? [] : partitions) {
        if (this.#has(groupId, name, partitionIndex)) records.push(offsetTombstone(groupId, name, partitionIndex))
      }
      return { name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: code })) }
    })
    return { records, response: { errorCode: 0, topics } }
  }

  /** Tombstones of all offsets of the group. */
  ofGroup(groupId: string): CoordinatorRecord[] {
    const records: CoordinatorRecord[] = []
    for (const [topic, partitions] of this.#offsets.ofGroup(groupId) ?? []) {
      for (const partition of partitions.keys()) records.push(offsetTombstone(groupId, topic, partition))
    }
    for (const [topic, partitions] of this.#offsets.openOfGroup(groupId) ?? []) {
      for (const partition of partitions.keys()) {
        if (this.#offsets.get(groupId, topic, partition) === undefined) {
          records.push(offsetTombstone(groupId, topic, partition))
        }
      }
    }
    return records
  }

  /** Tombstones of offsets committed for deleted topics, by name and id. */
  ofTopics(deleted: readonly { readonly name: string; readonly id: string }[]): CoordinatorRecord[] {
    const ids = new Map(deleted.map(({ name, id }) => [name, id]))
    const records: CoordinatorRecord[] = []
    for (const { groupId, topic, partition, value } of this.#offsets.all()) {
      const id = ids.get(topic)
      if (id === undefined || (value.topicId !== ZERO_UUID && value.topicId !== id)) continue
      records.push(offsetTombstone(groupId, topic, partition))
    }
    return records
  }

  /** Adds tombstones of expired offsets; returns whether none are left then. Source: cleanupExpiredOffsets. */
  expired(group: Group, records: CoordinatorRecord[]): boolean {
    const { groupId } = group
    const hasOpen = this.#offsets.openOfGroup(groupId) !== undefined
    const topics = this.#offsets.ofGroup(groupId)
    if (topics === undefined) return !hasOpen
    const base = group.retentionBase()
    if (base === undefined) return false
    let isAllExpired = true
    for (const [topic, partitions] of topics) {
      const isSubscribed = group.isSubscribedTo(topic)
      for (const [partition, offset] of partitions) {
        const isKept = isSubscribed || !this.#isExpired(offset, base) || this.#offsets.isOpen(groupId, topic, partition)
        if (isKept) isAllExpired = false
        else records.push(offsetTombstone(groupId, topic, partition))
      }
    }
    return isAllExpired && !hasOpen
  }

  #isExpired(offset: CommittedOffset, base: (commitTimestampMs: number) => number): boolean {
    const nowMs = this.#context.nowMs()
    if (offset.expireTimestampMs !== -1) return nowMs >= offset.expireTimestampMs
    return nowMs - base(offset.commitTimestampMs) >= this.#context.config.offsetsRetentionMinutes * 60_000
  }

  #has(groupId: string, topic: string, partition: number): boolean {
    return this.#offsets.get(groupId, topic, partition) !== undefined || this.#offsets.isOpen(groupId, topic, partition)
  }
}
