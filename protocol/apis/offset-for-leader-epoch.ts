import { api, array, int16, int32, int64, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Returns the end offset of a leader epoch. A follower or consumer uses it to find where its log diverged from the
 * leader's (KIP-101, KIP-279). v1 returns the epoch found; v2 KIP-320 fencing, throttle time; v3 replica id; v4
 * flexible.
 */
export const OffsetForLeaderEpoch = api({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: '0-4',
  flexible: '4+',
  request: {
    // -1 consumer, -2 debugging consumer (the default before v3).
    replicaId: int32('3+', { default: -2, ignorable: true, entity: 'brokerId' }),
    topics: array({
      topic: string({ entity: 'topicName', mapKey: true }),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32('2+', { default: -1, ignorable: true }),
        leaderEpoch: int32(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32('2+', { default: 0, ignorable: true }),
    topics: array({
      topic: string({ entity: 'topicName', mapKey: true }),
      partitions: array({
        errorCode: int16(),
        partition: int32(),
        leaderEpoch: int32('1+', { default: -1, ignorable: true }),
        endOffset: int64({ default: -1 }),
      }),
    }),
  },
})
export type OffsetForLeaderEpochRequest = RequestOf<typeof OffsetForLeaderEpoch>
export type OffsetForLeaderEpochResponse = ResponseInputOf<typeof OffsetForLeaderEpoch>
