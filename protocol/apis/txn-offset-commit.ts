import { api, array, int16, int32, int64, type RequestOf, type ResponseInputOf, string, uuid } from '../schema.ts'

/**
 * Stores a group's offsets as part of a transaction (KIP-98). v2 KIP-320 leader epoch; v3 flexible, membership for
 * fencing (KIP-447); v4 KIP-890 TRANSACTION_ABORTABLE; v5 also adds the group to the transaction; v6 KIP-1319 topic ids
 * instead of names.
 */
export const TxnOffsetCommit = api({
  key: 28,
  name: 'TxnOffsetCommit',
  versions: '0-6',
  flexible: '3+',
  request: {
    transactionalId: string({ entity: 'transactionalId' }),
    groupId: string({ entity: 'groupId' }),
    producerId: int64({ entity: 'producerId' }),
    producerEpoch: int16(),
    // Called generationId before Kafka 4.4.
    generationIdOrMemberEpoch: int32('3+', { default: -1 }),
    memberId: string('3+', { default: '' }),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
    topics: array({
      name: string('0-5', { ignorable: true, entity: 'topicName' }),
      topicId: uuid('6+', { ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32('2+', { default: -1, ignorable: true }),
        committedMetadata: string({ nullable: '0+' }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    topics: array({
      name: string('0-5', { default: '', ignorable: true, entity: 'topicName' }),
      topicId: uuid('6+', { ignorable: true }),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
})
export type TxnOffsetCommitRequest = RequestOf<typeof TxnOffsetCommit>
export type TxnOffsetCommitResponse = ResponseInputOf<typeof TxnOffsetCommit>
