import { api, array, bool, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/** Increases the number of a topic's partitions (KIP-195). v2 flexible; v3 KIP-599 throttling. */
export const CreatePartitions = api({
  key: 37,
  name: 'CreatePartitions',
  versions: '0-3',
  flexible: '2+',
  request: {
    topics: array({
      name: string({ entity: 'topicName', mapKey: true }),
      count: int32(),
      assignments: array({ brokerIds: array(int32(), { entity: 'brokerId' }) }, { nullable: '0+' }),
    }),
    timeoutMs: int32(),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      name: string({ entity: 'topicName' }),
      errorCode: int16(),
      errorMessage: string({ nullable: '0+', default: null }),
    }),
  },
})
export type CreatePartitionsRequest = RequestOf<typeof CreatePartitions>
export type CreatePartitionsResponse = ResponseInputOf<typeof CreatePartitions>
