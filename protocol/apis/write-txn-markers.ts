import { api, array, bool, int8, int16, int32, int64, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Writes a transaction's outcome into its partitions, for the transaction coordinator. Used only between brokers
 * (KIP-98). v1 flexible; v2 KIP-1228 transaction version.
 */
export const WriteTxnMarkers = api({
  key: 27,
  name: 'WriteTxnMarkers',
  versions: '0-2',
  flexible: '1+',
  request: {
    markers: array({
      producerId: int64({ entity: 'producerId' }),
      producerEpoch: int16(),
      transactionResult: bool(),
      topics: array({ name: string({ entity: 'topicName' }), partitionIndexes: array(int32()) }),
      coordinatorEpoch: int32(),
      transactionVersion: int8('2+', { default: 0, ignorable: true }),
    }),
  },
  response: {
    markers: array({
      producerId: int64({ entity: 'producerId' }),
      topics: array({
        name: string({ entity: 'topicName' }),
        partitions: array({ partitionIndex: int32(), errorCode: int16() }),
      }),
    }),
  },
})
export type WriteTxnMarkersRequest = RequestOf<typeof WriteTxnMarkers>
export type WriteTxnMarkersResponse = ResponseInputOf<typeof WriteTxnMarkers>
