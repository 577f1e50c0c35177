import { api, int16, int32, int64, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Adds a group's partition of __consumer_offsets to a transaction (KIP-98). v2 PRODUCER_FENCED; v3 flexible; v4
 * KIP-890 TRANSACTION_ABORTABLE.
 */
export const AddOffsetsToTxn = api({
  key: 25,
  name: 'AddOffsetsToTxn',
  versions: '0-4',
  flexible: '3+',
  request: {
    transactionalId: string({ entity: 'transactionalId' }),
    producerId: int64({ entity: 'producerId' }),
    producerEpoch: int16(),
    groupId: string({ entity: 'groupId' }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
  },
})
export type AddOffsetsToTxnRequest = RequestOf<typeof AddOffsetsToTxn>
export type AddOffsetsToTxnResponse = ResponseInputOf<typeof AddOffsetsToTxn>
