import { api, array, bool, int16, int32, int64, type RequestOf, type ResponseInputOf, string, uuid } from '../schema.ts'

/**
 * Reads a group's committed offsets. v0 read them from ZooKeeper; v2 null for all topics and a top-level error
 * (KIP-88); v3 throttle time; v5 KIP-320 leader epoch; v6 flexible; v7 KIP-447 can refuse while a transaction has
 * pending offsets; v8 several groups at once (KIP-709); v9 KIP-848 member and epoch; v10 topic ids instead of names.
 */
export const OffsetFetch = api({
  key: 9,
  name: 'OffsetFetch',
  versions: '0-10',
  flexible: '6+',
  request: {
    groupId: string('0-7', { entity: 'groupId' }),
    // Null for all topics since v2.
    topics: array({ name: string({ entity: 'topicName' }), partitionIndexes: array(int32()) }, '0-7', {
      nullable: '2-7',
    }),
    groups: array(
      {
        groupId: string({ entity: 'groupId' }),
        memberId: string('9+', { nullable: '9+', default: null, ignorable: true }),
        memberEpoch: int32('9+', { default: -1, ignorable: true }),
        topics: array(
          {
            name: string('8-9', { ignorable: true, entity: 'topicName' }),
            topicId: uuid('10+', { ignorable: true }),
            partitionIndexes: array(int32()),
          },
          { nullable: '8+' },
        ),
      },
      '8+',
    ),
    requireStable: bool('7+', { default: false }),
  },
  response: {
    throttleTimeMs: int32('3+', { default: 0, ignorable: true }),
    topics: array(
      {
        name: string({ entity: 'topicName' }),
        partitions: array({
          partitionIndex: int32(),
          // -1 if none is committed, with error NONE.
          committedOffset: int64(),
          committedLeaderEpoch: int32('5-7', { default: -1, ignorable: true }),
          metadata: string({ nullable: '0-7' }),
          errorCode: int16(),
        }),
      },
      '0-7',
      { default: [] },
    ),
    errorCode: int16('2-7', { default: 0, ignorable: true }),
    groups: array(
      {
        groupId: string({ entity: 'groupId' }),
        topics: array({
          name: string('8-9', { default: '', ignorable: true, entity: 'topicName' }),
          topicId: uuid('10+', { ignorable: true }),
          partitions: array({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ default: -1, ignorable: true }),
            metadata: string({ nullable: '8+' }),
            errorCode: int16(),
          }),
        }),
        errorCode: int16({ default: 0 }),
      },
      '8+',
    ),
  },
})
export type OffsetFetchRequest = RequestOf<typeof OffsetFetch>
export type OffsetFetchResponse = ResponseInputOf<typeof OffsetFetch>
