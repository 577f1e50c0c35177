import { api, array, int16, int32, int64, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Lists the transactions that this broker coordinates (KIP-664). v1 KIP-994 filter by duration; v2 KIP-1152 filter by
 * a regular expression.
 */
export const ListTransactions = api({
  key: 66,
  name: 'ListTransactions',
  versions: '0-2',
  flexible: '0+',
  request: {
    stateFilters: array(string()),
    producerIdFilters: array(int64(), { entity: 'producerId' }),
    durationFilter: int64('1+', { default: -1 }),
    transactionalIdPattern: string('2+', { nullable: '2+', default: null }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    unknownStateFilters: array(string()),
    transactionStates: array({
      transactionalId: string({ entity: 'transactionalId' }),
      producerId: int64({ entity: 'producerId' }),
      transactionState: string(),
    }),
  },
})
export type ListTransactionsRequest = RequestOf<typeof ListTransactions>
export type ListTransactionsResponse = ResponseInputOf<typeof ListTransactions>
