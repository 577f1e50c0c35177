import {
  type GroupMetadataKey,
  GroupMetadataRecord,
  type GroupMetadataValue,
  LegacyOffsetCommitRecord,
  type LegacyOffsetCommitValue,
  type OffsetCommitKey,
  OffsetCommitRecord,
  type OffsetCommitValue,
} from '../../../protocol/internal-records/classic-group-records.ts'
import { keyType } from '../../../protocol/internal-records/coordinator-framing.ts'
import { ZERO_UUID } from '../../../protocol/schema.ts'
import { type CoordinatorRecord, decodeRecord } from '../coordinator-record.ts'
import type { Provenance } from '../shard.ts'
import type { LoadedRecord } from '../state-log.ts'
import { replayGroupMetadata } from './classic/classic-replay.ts'
import { consumerGroupRecords, replayConsumerRecord } from './consumer/consumer-replay.ts'
import type { GroupTable } from './group-table.ts'
import type { OffsetStore } from './offsets/offset-store.ts'

const schemas = new Map<number, CoordinatorRecord['schema']>(
  [LegacyOffsetCommitRecord, OffsetCommitRecord, GroupMetadataRecord, ...consumerGroupRecords].map((schema) => [
    schema.type,
    schema,
  ]),
)

/** Decodes a record of __consumer_offsets; undefined for a group type that is not supported. */
export function decodeGroupRecord({ key, value }: LoadedRecord): CoordinatorRecord | undefined {
  const schema = schemas.get(keyType(key))
  return schema === undefined ? undefined : decodeRecord(schema, key, value)
}

/** Applies records to groups and offsets. Source: GroupCoordinatorShard.replay. */
export class GroupReplay {
  readonly #groups: GroupTable
  readonly #offsets: OffsetStore
  readonly #nowMs: () => number

  constructor(groups: GroupTable, offsets: OffsetStore, nowMs: () => number) {
    this.#groups = groups
    this.#offsets = offsets
    this.#nowMs = nowMs
  }

  replay(record: CoordinatorRecord, from: Provenance): void {
    const { schema, key, value } = record
    switch (schema.type) {
      case LegacyOffsetCommitRecord.type: {
        const legacy = value as LegacyOffsetCommitValue | null
        this.#replayOffset(key as OffsetCommitKey, legacy === null ? null : modern(legacy), from)
        return
      }
      case OffsetCommitRecord.type:
        this.#replayOffset(key as OffsetCommitKey, value as OffsetCommitValue | null, from)
        return
      case GroupMetadataRecord.type:
        replayGroupMetadata(this.#groups, key as GroupMetadataKey, value as GroupMetadataValue | null)
        return
      default:
        replayConsumerRecord(this.#groups, record)
    }
  }

  #replayOffset(key: OffsetCommitKey, value: OffsetCommitValue | null, from: Provenance): void {
    // Offsets committed from outside a group create a group that holds only offsets.
    if (value !== null && this.#groups.get(key.group) === undefined)
      this.#groups.createClassic(key.group, this.#nowMs())
    this.#offsets.replay(key, value, from)
  }
}

function modern({ offset, metadata, commitTimestamp }: LegacyOffsetCommitValue): OffsetCommitValue {
  return { offset, metadata, commitTimestamp, leaderEpoch: -1, expireTimestamp: -1, topicId: ZERO_UUID }
}
