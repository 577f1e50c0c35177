import { api, array, bool, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Moves replicas to other brokers; null replicas cancel an ongoing move (KIP-455). v1 KIP-860 can forbid a change of
 * the replication factor.
 */
export const AlterPartitionReassignments = api({
  key: 45,
  name: 'AlterPartitionReassignments',
  versions: '0-1',
  flexible: '0+',
  request: {
    timeoutMs: int32({ default: 60_000 }),
    allowReplicationFactorChange: bool('1+', { default: true }),
    topics: array({
      name: string({ entity: 'topicName' }),
      partitions: array({
        partitionIndex: int32(),
        // Null cancels the ongoing move.
        replicas: array(int32(), { nullable: '0+', default: null, entity: 'brokerId' }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    allowReplicationFactorChange: bool('1+', { default: true, ignorable: true }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
    responses: array({
      name: string({ entity: 'topicName' }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+', default: null }),
      }),
    }),
  },
})
export type AlterPartitionReassignmentsRequest = RequestOf<typeof AlterPartitionReassignments>
export type AlterPartitionReassignmentsResponse = ResponseInputOf<typeof AlterPartitionReassignments>
