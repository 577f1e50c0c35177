import { api, bool, int16, int32, int64, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Assigns a producer id and epoch, and fences older instances of the transactional id (KIP-98). v2 flexible; v3 KIP-360
 * a producer can keep its id with a new epoch; v4 PRODUCER_FENCED; v5 KIP-890 TRANSACTION_ABORTABLE; v6 KIP-939
 * two-phase commit, marked unstable in Kafka 4.4.
 */
export const InitProducerId = api({
  key: 22,
  name: 'InitProducerId',
  versions: '0-6',
  flexible: '2+',
  request: {
    // Null for an idempotent producer without transactions.
    transactionalId: string({ nullable: '0+', entity: 'transactionalId' }),
    transactionTimeoutMs: int32(),
    // -1, with epoch -1, for a producer without an id.
    producerId: int64('3+', { default: -1, entity: 'producerId' }),
    producerEpoch: int16('3+', { default: -1 }),
    enable2Pc: bool('6+', { default: false }),
    keepPreparedTxn: bool('6+', { default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0, ignorable: true }),
    errorCode: int16(),
    producerId: int64({ default: -1, entity: 'producerId' }),
    producerEpoch: int16(),
    ongoingTxnProducerId: int64('6+', { default: -1, entity: 'producerId' }),
    ongoingTxnProducerEpoch: int16('6+', { default: -1 }),
  },
})
export type InitProducerIdRequest = RequestOf<typeof InitProducerId>
export type InitProducerIdResponse = ResponseInputOf<typeof InitProducerId>
