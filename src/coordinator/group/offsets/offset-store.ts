import {
  type OffsetCommitKey,
  OffsetCommitRecord,
  type OffsetCommitValue,
} from '../../../../protocol/internal-records/classic-group-records.ts'
import { ZERO_UUID } from '../../../../protocol/schema.ts'
import { type CoordinatorRecord, record, tombstone } from '../../coordinator-record.ts'
import type { Provenance } from '../../shard.ts'
import { type CommittedOffset, OffsetTable } from './offset-table.ts'

const NO_PRODUCER = -1

/** An offset about to be committed. */
export type NewOffset = Omit<CommittedOffset, 'order'>

/** Committed offsets and pending transactional offsets, as replayed from the log. Source: OffsetMetadataManager. */
export class OffsetStore {
  readonly #committed = new OffsetTable<CommittedOffset>()
  readonly #pending = new Map<number, OffsetTable<CommittedOffset>>()
  /** Producers with an open transaction on a partition. */
  readonly #open = new OffsetTable<Set<number>>()

  get(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#committed.get(groupId, topic, partition)
  }

  /** Groups with committed offsets. */
  groupIds(): Iterable<string> {
    return this.#committed.groupIds()
  }

  ofGroup(groupId: string): ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>> | undefined {
    return this.#committed.ofGroup(groupId)
  }

  /** Partitions of the group with offsets in open transactions. */
  openOfGroup(groupId: string): ReadonlyMap<string, ReadonlyMap<number, ReadonlySet<number>>> | undefined {
    return this.#open.ofGroup(groupId)
  }

  isOpen(groupId: string, topic: string, partition: number): boolean {
    return this.#open.get(groupId, topic, partition) !== undefined
  }

  /** All offsets, including those of open transactions. */
  *all(): IterableIterator<{ groupId: string; topic: string; partition: number; value: CommittedOffset }> {
    yield* this.#committed.entries()
    for (const pending of this.#pending.values()) yield* pending.entries()
  }

  replay({ group, topic, partition }: OffsetCommitKey, value: OffsetCommitValue | null, from: Provenance): void {
    if (value === null) {
      this.#committed.delete(group, topic, partition)
      for (const producerId of this.#open.get(group, topic, partition) ?? []) {
        this.#pending.get(producerId)?.delete(group, topic, partition)
      }
      this.#open.delete(group, topic, partition)
      return
    }
    const offset = fromRecord(value, from.order)
    if (from.producerId === NO_PRODUCER) this.#committed.set(group, topic, partition, offset)
    else this.#replayPending(group, topic, partition, offset, from.producerId)
  }

  #replayPending(group: string, topic: string, partition: number, offset: CommittedOffset, producerId: number): void {
    const pending = this.#pending.get(producerId) ?? new OffsetTable<CommittedOffset>()
    this.#pending.set(producerId, pending)
    pending.set(group, topic, partition, offset)
    const open = this.#open.get(group, topic, partition)
    if (open === undefined) this.#open.set(group, topic, partition, new Set([producerId]))
    else open.add(producerId)
  }

  replayMarker(producerId: number, result: 'commit' | 'abort'): void {
    const pending = this.#pending.get(producerId)
    if (pending === undefined) return
    this.#pending.delete(producerId)
    for (const { groupId, topic, partition, value } of pending.entries()) {
      const open = this.#open.get(groupId, topic, partition)
      open?.delete(producerId)
      if (open?.size === 0) this.#open.delete(groupId, topic, partition)
      if (result === 'abort') continue
      const committed = this.#committed.get(groupId, topic, partition)
      // A commit outside the transaction may have come after this one: the order in the log decides.
      if (committed === undefined || value.order > committed.order)
        this.#committed.set(groupId, topic, partition, value)
    }
  }
}

function fromRecord(value: OffsetCommitValue, order: number): CommittedOffset {
  return {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitTimestampMs: value.commitTimestamp,
    expireTimestampMs: value.expireTimestamp,
    topicId: value.topicId,
    order,
  }
}

/** Version of records with an expiry, which later versions lack. Source: GroupCoordinatorRecordHelpers. */
const VERSION_WITH_EXPIRY = 1
const VERSION = 4

/** Record that commits an offset. */
export function offsetRecord(group: string, topic: string, partition: number, offset: NewOffset): CoordinatorRecord {
  const key = { group, topic, partition }
  const value: OffsetCommitValue = {
    offset: offset.offset,
    leaderEpoch: offset.leaderEpoch,
    metadata: offset.metadata,
    commitTimestamp: offset.commitTimestampMs,
    expireTimestamp: offset.expireTimestampMs,
    topicId: offset.topicId,
  }
  if (offset.expireTimestampMs === -1) return record(OffsetCommitRecord, VERSION, key, value)
  return record(OffsetCommitRecord, VERSION_WITH_EXPIRY, key, { ...value, leaderEpoch: -1, topicId: ZERO_UUID })
}

export function offsetTombstone(group: string, topic: string, partition: number): CoordinatorRecord {
  return tombstone(OffsetCommitRecord, { group, topic, partition })
}
