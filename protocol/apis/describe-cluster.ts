import { api, array, bool, int8, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Describes cluster id, controller and brokers, without topics (KIP-700). v1 KIP-919 asks for brokers (1) or
 * controllers (2); v2 KIP-1073 fenced brokers.
 */
export const DescribeCluster = api({
  key: 60,
  name: 'DescribeCluster',
  versions: '0-2',
  flexible: '0+',
  request: {
    includeClusterAuthorizedOperations: bool(),
    endpointType: int8('1+', { default: 1 }),
    includeFencedBrokers: bool('2+'),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
    endpointType: int8('1+', { default: 1 }),
    clusterId: string(),
    controllerId: int32({ default: -1, entity: 'brokerId' }),
    brokers: array({
      brokerId: int32({ entity: 'brokerId', mapKey: true }),
      host: string(),
      port: int32(),
      rack: string({ nullable: '0+', default: null }),
      isFenced: bool('2+'),
    }),
    clusterAuthorizedOperations: int32({ default: -2147483648 }),
  },
})
export type DescribeClusterRequest = RequestOf<typeof DescribeCluster>
export type DescribeClusterResponse = ResponseInputOf<typeof DescribeCluster>
