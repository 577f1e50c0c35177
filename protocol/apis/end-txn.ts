import { api, bool, int16, int32, int64, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Commits or aborts a transaction (KIP-98). v2 PRODUCER_FENCED; v3 flexible; v4 KIP-890 TRANSACTION_ABORTABLE; v5
 * increments the producer's epoch with each transaction and returns the new one.
 */
export const EndTxn = api({
  key: 26,
  name: 'EndTxn',
  versions: '0-5',
  flexible: '3+',
  request: {
    transactionalId: string({ entity: 'transactionalId' }),
    producerId: int64({ entity: 'producerId' }),
    producerEpoch: int16(),
    committed: bool(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    producerId: int64('5+', { default: -1, ignorable: true, entity: 'producerId' }),
    producerEpoch: int16('5+', { default: -1, ignorable: true }),
  },
})
export type EndTxnRequest = RequestOf<typeof EndTxn>
export type EndTxnResponse = ResponseInputOf<typeof EndTxn>
