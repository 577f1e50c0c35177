import {
  api,
  array,
  bool,
  int16,
  int32,
  type RequestOf,
  type ResponseInputOf,
  string,
  struct,
  uuid,
} from '../schema.ts'

/** Describes topics page by page, with eligible leader replicas (KIP-966). */
export const DescribeTopicPartitions = api({
  key: 75,
  name: 'DescribeTopicPartitions',
  versions: '0',
  flexible: '0+',
  request: {
    topics: array({ name: string({ entity: 'topicName' }) }),
    responsePartitionLimit: int32({ default: 2000 }),
    cursor: struct(
      { topicName: string({ entity: 'topicName' }), partitionIndex: int32() },
      { nullable: '0+', default: null },
    ),
  },
  response: {
    throttleTimeMs: int32({ default: 0, ignorable: true }),
    topics: array({
      errorCode: int16(),
      name: string({ nullable: '0+', entity: 'topicName', mapKey: true }),
      topicId: uuid({ ignorable: true }),
      isInternal: bool({ default: false, ignorable: true }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32({ entity: 'brokerId' }),
        leaderEpoch: int32({ default: -1, ignorable: true }),
        replicaNodes: array(int32(), { entity: 'brokerId' }),
        isrNodes: array(int32(), { entity: 'brokerId' }),
        eligibleLeaderReplicas: array(int32(), { nullable: '0+', default: null, entity: 'brokerId' }),
        lastKnownElr: array(int32(), { nullable: '0+', default: null, entity: 'brokerId' }),
        offlineReplicas: array(int32(), { ignorable: true, entity: 'brokerId' }),
      }),
      topicAuthorizedOperations: int32({ default: -2147483648 }),
    }),
    nextCursor: struct(
      { topicName: string({ entity: 'topicName' }), partitionIndex: int32() },
      { nullable: '0+', default: null },
    ),
  },
})
export type DescribeTopicPartitionsRequest = RequestOf<typeof DescribeTopicPartitions>
export type DescribeTopicPartitionsResponse = ResponseInputOf<typeof DescribeTopicPartitions>
