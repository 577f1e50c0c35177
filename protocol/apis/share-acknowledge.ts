import {
  api,
  array,
  bool,
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
 * Acknowledges records that a share group's member acquired: gap (0), accept (1), release (2), reject (3), and since
 * v2 renew (4) (KIP-932, KIP-1222). v0 was the early access.
 */
export const ShareAcknowledge = api({
  key: 79,
  name: 'ShareAcknowledge',
  versions: '0-2',
  flexible: '0+',
  request: {
    groupId: string({ nullable: '0+', default: null, entity: 'groupId' }),
    memberId: string({ nullable: '0+' }),
    shareSessionEpoch: int32(),
    isRenewAck: bool('2+', { default: false }),
    topics: array({
      topicId: uuid({ mapKey: true }),
      partitions: array({
        partitionIndex: int32({ mapKey: true }),
        acknowledgementBatches: array({
          firstOffset: int64(),
          lastOffset: int64(),
          // One for the whole batch, or one per record.
          acknowledgeTypes: array(int8()),
        }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
    acquisitionLockTimeoutMs: int32('2+', { ignorable: true }),
    responses: array({
      topicId: uuid({ mapKey: true }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+', default: null }),
        currentLeader: struct({ leaderId: int32(), leaderEpoch: int32() }),
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
export type ShareAcknowledgeRequest = RequestOf<typeof ShareAcknowledge>
export type ShareAcknowledgeResponse = ResponseInputOf<typeof ShareAcknowledge>
