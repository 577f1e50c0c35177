import {
  api,
  array,
  bool,
  gatheredRecords,
  int8,
  int16,
  int32,
  int64,
  type RequestOf,
  type ResponseInputOf,
  string,
  struct,
  uuid,
} from '../schema.ts'

/**
 * Acquires records for a member of a share group, and can acknowledge earlier ones (KIP-932). v0 was the early access;
 * v1 limits by records; v2 KIP-1206 strict limit and KIP-1222 renewal of acquisition locks.
 */
export const ShareFetch = api({
  key: 78,
  name: 'ShareFetch',
  versions: '0-2',
  flexible: '0+',
  request: {
    groupId: string({ nullable: '0+', default: null, entity: 'groupId' }),
    memberId: string({ nullable: '0+' }),
    // 0 opens a session, -1 closes it.
    shareSessionEpoch: int32(),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ default: 0x7fffffff }),
    maxRecords: int32('1+'),
    batchSize: int32('1+'),
    shareAcquireMode: int8('2+', { default: 0, ignorable: true }),
    isRenewAck: bool('2+', { default: false }),
    topics: array({
      topicId: uuid({ mapKey: true }),
      partitions: array({
        partitionIndex: int32({ mapKey: true }),
        partitionMaxBytes: int32('0'),
        acknowledgementBatches: array({
          firstOffset: int64(),
          lastOffset: int64(),
          // One for the whole batch, or one per record.
          acknowledgeTypes: array(int8()),
        }),
      }),
    }),
    forgottenTopicsData: array({ topicId: uuid(), partitions: array(int32()) }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
    acquisitionLockTimeoutMs: int32('1+'),
    responses: array({
      topicId: uuid({ mapKey: true }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+', default: null }),
        acknowledgeErrorCode: int16(),
        acknowledgeErrorMessage: string({ nullable: '0+', default: null }),
        currentLeader: struct({ leaderId: int32(), leaderEpoch: int32() }),
        records: gatheredRecords('0+', { nullable: '0' }),
        acquiredRecords: array({ firstOffset: int64(), lastOffset: int64(), deliveryCount: int16() }),
      }),
    }),
    nodeEndpoints: array({
      nodeId: int32({ entity: 'brokerId', mapKey: true }),
      host: string(),
      port: int32(),
      rack: string({ nullable: '0+', default: null }),
    }),
  },
})
export type ShareFetchRequest = RequestOf<typeof ShareFetch>
export type ShareFetchResponse = ResponseInputOf<typeof ShareFetch>
