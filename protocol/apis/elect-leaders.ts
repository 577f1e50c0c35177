import { api, array, int8, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Starts leader elections. v1 KIP-460 unclean elections (type 1) besides preferred ones (0), top-level error; v2
 * flexible.
 */
export const ElectLeaders = api({
  key: 43,
  name: 'ElectLeaders',
  versions: '0-2',
  flexible: '2+',
  request: {
    electionType: int8('1+'),
    // Null for all.
    topicPartitions: array(
      { topic: string({ entity: 'topicName', mapKey: true }), partitions: array(int32()) },
      { nullable: '0+' },
    ),
    timeoutMs: int32({ default: 60_000 }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16('1+'),
    replicaElectionResults: array({
      topic: string({ entity: 'topicName' }),
      partitionResult: array({
        partitionId: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+', default: null }),
      }),
    }),
  },
})
export type ElectLeadersRequest = RequestOf<typeof ElectLeaders>
export type ElectLeadersResponse = ResponseInputOf<typeof ElectLeaders>
