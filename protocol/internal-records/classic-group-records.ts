import { array, bytes, coordinatorRecord, int32, int64, type MessageOf, string, uuid } from '../schema.ts'

/** A committed offset in the format of Kafka 0.8.2. Read, never written. */
export const LegacyOffsetCommitRecord = coordinatorRecord({
  type: 0,
  name: 'LegacyOffsetCommit',
  versions: '0',
  flexible: 'none',
  key: { group: string(), topic: string(), partition: int32() },
  value: {
    offset: int64(),
    metadata: string(),
    commitTimestamp: int64(),
  },
})
export type LegacyOffsetCommitKey = MessageOf<typeof LegacyOffsetCommitRecord.key>
export type LegacyOffsetCommitValue = MessageOf<typeof LegacyOffsetCommitRecord.value>

/**
 * A committed offset. v1 has an expiry, which v2 drops; v3 KIP-320 leader epoch; v4 flexible, topic id as a tag
 * (KIP-848).
 */
export const OffsetCommitRecord = coordinatorRecord({
  type: 1,
  name: 'OffsetCommit',
  versions: '0-4',
  flexible: '4+',
  key: { group: string(), topic: string(), partition: int32() },
  value: {
    offset: int64(),
    // -1 if unknown.
    leaderEpoch: int32('3+', { default: -1, ignorable: true }),
    metadata: string(),
    commitTimestamp: int64(),
    expireTimestamp: int64('1', { default: -1, ignorable: true }),
    topicId: uuid('4+', { tag: 0, ignorable: true }),
  },
})
export type OffsetCommitKey = MessageOf<typeof OffsetCommitRecord.key>
export type OffsetCommitValue = MessageOf<typeof OffsetCommitRecord.value>

const memberMetadata = {
  memberId: string(),
  groupInstanceId: string('3+', { nullable: '3+', default: null, ignorable: true }),
  clientId: string(),
  clientHost: string(),
  rebalanceTimeout: int32('1+', { default: -1, ignorable: true }),
  sessionTimeout: int32(),
  subscription: bytes(),
  assignment: bytes(),
}

/**
 * A classic group: its generation and members, written completely at each rebalance. v1 rebalance timeout; v2 time of
 * the last state change; v3 KIP-345 instance ids; v4 flexible.
 */
export const GroupMetadataRecord = coordinatorRecord({
  type: 2,
  name: 'GroupMetadata',
  versions: '0-4',
  flexible: '4+',
  key: { group: string() },
  value: {
    protocolType: string(),
    generation: int32(),
    protocol: string({ nullable: '0+' }),
    leader: string({ nullable: '0+' }),
    // -1 if unknown.
    currentStateTimestamp: int64('2+', { default: -1, ignorable: true }),
    members: array(memberMetadata),
  },
})
export type GroupMetadataKey = MessageOf<typeof GroupMetadataRecord.key>
export type GroupMetadataValue = MessageOf<typeof GroupMetadataRecord.value>
