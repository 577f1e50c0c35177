import { api, array, int8, int16, int32, int64, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Looks up the offset for a timestamp or a sentinel: -1 latest, -2 earliest, -3 offset of the largest timestamp (v7,
 * KIP-734), -4 earliest local (v8, KIP-405), -5 latest tiered (v9, KIP-1005), -6 earliest not yet uploaded (v11,
 * KIP-1023). v0 returns a list of segment boundaries; v1 one offset and its timestamp (KIP-79); v2 KIP-98 isolation
 * level; v4 KIP-320 leader epoch; v5 OFFSET_NOT_AVAILABLE; v6 flexible; v10 KIP-1075 timeout for remote look-ups.
 */
export const ListOffsets = api({
  key: 2,
  name: 'ListOffsets',
  versions: '0-11',
  flexible: '6+',
  request: {
    replicaId: int32({ entity: 'brokerId' }),
    isolationLevel: int8('2+'),
    topics: array({
      name: string({ entity: 'topicName' }),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32('4+', { default: -1, ignorable: true }),
        timestamp: int64(),
        maxNumOffsets: int32('0', { default: 1 }),
      }),
    }),
    timeoutMs: int32('10+', { ignorable: true }),
  },
  response: {
    throttleTimeMs: int32('2+', { default: 0, ignorable: true }),
    topics: array({
      name: string({ entity: 'topicName' }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        // v0: offsets of segment starts, newest first.
        oldStyleOffsets: array(int64(), '0', { default: [] }),
        timestamp: int64('1+', { default: -1 }),
        offset: int64('1+', { default: -1 }),
        leaderEpoch: int32('4+', { default: -1 }),
      }),
    }),
  },
})
export type ListOffsetsRequest = RequestOf<typeof ListOffsets>
export type ListOffsetsResponse = ResponseInputOf<typeof ListOffsets>
