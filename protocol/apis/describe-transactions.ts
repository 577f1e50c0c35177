import { api, array, int16, int32, int64, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/** State and partitions of transactional ids (KIP-664). */
export const DescribeTransactions = api({
  key: 65,
  name: 'DescribeTransactions',
  versions: '0',
  flexible: '0+',
  request: {
    transactionalIds: array(string(), { entity: 'transactionalId' }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    transactionStates: array({
      errorCode: int16(),
      transactionalId: string({ entity: 'transactionalId' }),
      transactionState: string(),
      transactionTimeoutMs: int32(),
      // -1 if there is no ongoing transaction.
      transactionStartTimeMs: int64(),
      producerId: int64({ entity: 'producerId' }),
      producerEpoch: int16(),
      topics: array({ topic: string({ entity: 'topicName', mapKey: true }), partitions: array(int32()) }),
    }),
  },
})
export type DescribeTransactionsRequest = RequestOf<typeof DescribeTransactions>
export type DescribeTransactionsResponse = ResponseInputOf<typeof DescribeTransactions>
