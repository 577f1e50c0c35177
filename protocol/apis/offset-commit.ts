import { api, array, int16, int32, int64, type RequestOf, type ResponseInputOf, string, uuid } from '../schema.ts'

/**
 * Stores a group's offsets. v0 stored them in ZooKeeper; v1 adds the membership and a timestamp per offset; v2 has a
 * retention time instead, which v5 drops (KIP-211); v3 throttle time; v6 KIP-320 leader epoch; v7 KIP-345 static
 * members; v8 flexible; v9 also for KIP-848 members, with their epoch as generation; v10 topic ids instead of names.
 */
export const OffsetCommit = api({
  key: 8,
  name: 'OffsetCommit',
  versions: '0-10',
  flexible: '8+',
  request: {
    groupId: string({ entity: 'groupId' }),
    // -1 with an empty member id: a commit by a client outside the group.
    generationIdOrMemberEpoch: int32('1+', { default: -1, ignorable: true }),
    memberId: string('1+', { ignorable: true }),
    groupInstanceId: string('7+', { nullable: '7+', default: null }),
    retentionTimeMs: int64('2-4', { default: -1, ignorable: true }),
    topics: array({
      name: string('0-9', { ignorable: true, entity: 'topicName' }),
      topicId: uuid('10+', { ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32('6+', { default: -1, ignorable: true }),
        commitTimestamp: int64('1', { default: -1 }),
        committedMetadata: string({ nullable: '0+' }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32('3+', { default: 0, ignorable: true }),
    topics: array({
      name: string('0-9', { default: '', ignorable: true, entity: 'topicName' }),
      topicId: uuid('10+', { ignorable: true }),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
})
export type OffsetCommitRequest = RequestOf<typeof OffsetCommit>
export type OffsetCommitResponse = ResponseInputOf<typeof OffsetCommit>
