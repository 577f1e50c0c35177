import {
  api,
  array,
  int16,
  int32,
  int64,
  type RequestOf,
  type ResponseInputOf,
  string,
  uint16,
  uuid,
} from '../schema.ts'

const replicaState = {
  replicaId: int32({ entity: 'brokerId' }),
  replicaDirectoryId: uuid('2+'),
  logEndOffset: int64(),
  lastFetchTimestamp: int64('1+', { default: -1, ignorable: true }),
  lastCaughtUpTimestamp: int64('1+', { default: -1, ignorable: true }),
}

/**
 * State of the metadata quorum: leader, voters, observers, and the offset that each has reached (KIP-595). v1 KIP-836
 * times of the last fetch; v2 KIP-853 directory ids, addresses, error messages.
 */
export const DescribeQuorum = api({
  key: 55,
  name: 'DescribeQuorum',
  versions: '0-2',
  flexible: '0+',
  request: {
    topics: array({ topicName: string({ entity: 'topicName' }), partitions: array({ partitionIndex: int32() }) }),
  },
  response: {
    errorCode: int16(),
    errorMessage: string('2+', { nullable: '2+', default: null, ignorable: true }),
    topics: array({
      topicName: string({ entity: 'topicName' }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string('2+', { nullable: '2+', default: null, ignorable: true }),
        leaderId: int32({ entity: 'brokerId' }),
        leaderEpoch: int32(),
        highWatermark: int64(),
        currentVoters: array(replicaState),
        observers: array(replicaState),
      }),
    }),
    nodes: array(
      {
        nodeId: int32({ entity: 'brokerId', mapKey: true }),
        listeners: array({ name: string({ mapKey: true }), host: string(), port: uint16() }),
      },
      '2+',
    ),
  },
})
export type DescribeQuorumRequest = RequestOf<typeof DescribeQuorum>
export type DescribeQuorumResponse = ResponseInputOf<typeof DescribeQuorum>
