import { api, array, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/** Lists ongoing moves of replicas (KIP-455). */
export const ListPartitionReassignments = api({
  key: 46,
  name: 'ListPartitionReassignments',
  versions: '0',
  flexible: '0+',
  request: {
    timeoutMs: int32({ default: 60_000 }),
    topics: array(
      { name: string({ entity: 'topicName' }), partitionIndexes: array(int32()) },
      { nullable: '0+', default: null },
    ),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
    topics: array({
      name: string({ entity: 'topicName' }),
      partitions: array({
        partitionIndex: int32(),
        replicas: array(int32(), { entity: 'brokerId' }),
        addingReplicas: array(int32(), { entity: 'brokerId' }),
        removingReplicas: array(int32(), { entity: 'brokerId' }),
      }),
    }),
  },
})
export type ListPartitionReassignmentsRequest = RequestOf<typeof ListPartitionReassignments>
export type ListPartitionReassignmentsResponse = ResponseInputOf<typeof ListPartitionReassignments>
