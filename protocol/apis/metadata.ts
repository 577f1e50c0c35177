import { api, array, bool, int16, int32, type RequestOf, type ResponseInputOf, string, uuid } from '../schema.ts'

/**
 * Describes brokers, topics, partitions and leaders. Every client asks for it first. v1 racks, controller and null for
 * all topics; v2 cluster id; v3 throttle time; v4 KIP-361 auto-creation switch; v5 offline replicas; v7 KIP-320 leader
 * epochs; v8 KIP-430 authorized operations; v9 flexible; v10 KIP-516 topic ids; v11 drops the cluster's authorized
 * operations, now in DescribeCluster (KIP-700); v12 look-up by topic id; v13 KIP-1102 top-level error
 * (REBOOTSTRAP_REQUIRED).
 */
export const Metadata = api({
  key: 3,
  name: 'Metadata',
  versions: '0-13',
  flexible: '9+',
  request: {
    // Null for all topics since v1; in v0 the empty list means all topics.
    topics: array(
      {
        topicId: uuid('10+', { ignorable: true }),
        name: string({ nullable: '10+', entity: 'topicName' }),
      },
      { nullable: '1+' },
    ),
    allowAutoTopicCreation: bool('4+', { default: true }),
    includeClusterAuthorizedOperations: bool('8-10'),
    includeTopicAuthorizedOperations: bool('8+'),
  },
  response: {
    throttleTimeMs: int32('3+', { default: 0, ignorable: true }),
    brokers: array({
      nodeId: int32({ entity: 'brokerId', mapKey: true }),
      host: string(),
      port: int32(),
      rack: string('1+', { nullable: '1+', default: null, ignorable: true }),
    }),
    clusterId: string('2+', { nullable: '2+', default: null, ignorable: true }),
    controllerId: int32('1+', { default: -1, ignorable: true, entity: 'brokerId' }),
    topics: array({
      errorCode: int16(),
      name: string({ nullable: '12+', entity: 'topicName', mapKey: true }),
      topicId: uuid('10+', { ignorable: true }),
      isInternal: bool('1+', { default: false, ignorable: true }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32({ entity: 'brokerId' }),
        leaderEpoch: int32('7+', { default: -1, ignorable: true }),
        replicaNodes: array(int32(), { entity: 'brokerId' }),
        isrNodes: array(int32(), { entity: 'brokerId' }),
        offlineReplicas: array(int32(), '5+', { ignorable: true, entity: 'brokerId' }),
      }),
      // Bits by AclOperation code; -2147483648 if not requested.
      topicAuthorizedOperations: int32('8+', { default: -2147483648 }),
    }),
    // Bits by AclOperation code; -2147483648 if not requested.
    clusterAuthorizedOperations: int32('8-10', { default: -2147483648 }),
    errorCode: int16('13+', { ignorable: true }),
  },
})
export type MetadataRequest = RequestOf<typeof Metadata>
export type MetadataResponse = ResponseInputOf<typeof Metadata>
