import { api, array, int16, int32, int64, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/** State of the active producers of a partition (KIP-664). */
export const DescribeProducers = api({
  key: 61,
  name: 'DescribeProducers',
  versions: '0',
  flexible: '0+',
  request: {
    topics: array({ name: string({ entity: 'topicName', mapKey: true }), partitionIndexes: array(int32()) }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    topics: array({
      name: string({ entity: 'topicName' }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+', default: null }),
        activeProducers: array({
          producerId: int64({ entity: 'producerId' }),
          producerEpoch: int32(),
          lastSequence: int32({ default: -1 }),
          lastTimestamp: int64({ default: -1 }),
          coordinatorEpoch: int32(),
          currentTxnStartOffset: int64({ default: -1 }),
        }),
      }),
    }),
  },
})
export type DescribeProducersRequest = RequestOf<typeof DescribeProducers>
export type DescribeProducersResponse = ResponseInputOf<typeof DescribeProducers>
