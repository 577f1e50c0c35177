import { api, array, bool, int8, int16, int32, type RequestOf, type ResponseInputOf, string, uuid } from '../schema.ts'

/**
 * Creates topics. v1 validate only, error message; v2 throttle time; v4 KIP-464 -1 means the broker's defaults; v5
 * flexible, returns the chosen partitions, replication and configs (KIP-525); v6 KIP-599 throttling of mutations; v7
 * KIP-516 topic id.
 */
export const CreateTopics = api({
  key: 19,
  name: 'CreateTopics',
  versions: '0-7',
  flexible: '5+',
  request: {
    topics: array({
      name: string({ entity: 'topicName', mapKey: true }),
      // -1: from the assignments, or (v4) num.partitions.
      numPartitions: int32(),
      // -1: from the assignments, or (v4) default.replication.factor.
      replicationFactor: int16(),
      assignments: array({
        partitionIndex: int32({ mapKey: true }),
        brokerIds: array(int32(), { entity: 'brokerId' }),
      }),
      configs: array({ name: string({ mapKey: true }), value: string({ nullable: '0+' }) }),
    }),
    timeoutMs: int32({ default: 60_000 }),
    validateOnly: bool('1+', { default: false }),
  },
  response: {
    throttleTimeMs: int32('2+', { default: 0, ignorable: true }),
    topics: array({
      name: string({ entity: 'topicName', mapKey: true }),
      topicId: uuid('7+', { ignorable: true }),
      errorCode: int16(),
      errorMessage: string('1+', { nullable: '0+', default: null, ignorable: true }),
      // Error that explains why the configs are missing.
      topicConfigErrorCode: int16('5+', { tag: 0, ignorable: true }),
      numPartitions: int32('5+', { default: -1, ignorable: true }),
      replicationFactor: int16('5+', { default: -1, ignorable: true }),
      configs: array(
        {
          name: string(),
          value: string({ nullable: '5+' }),
          readOnly: bool(),
          configSource: int8({ default: -1, ignorable: true }),
          isSensitive: bool(),
        },
        '5+',
        { nullable: '5+', ignorable: true },
      ),
    }),
  },
})
export type CreateTopicsRequest = RequestOf<typeof CreateTopics>
export type CreateTopicsResponse = ResponseInputOf<typeof CreateTopics>
