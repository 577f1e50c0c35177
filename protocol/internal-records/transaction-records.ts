import { array, coordinatorRecord, int8, int16, int32, int64, type MessageOf, string } from '../schema.ts'

/**
 * State of a transactional id in __transaction_state. v1 flexible, with the ids of KIP-890's producer id rotation as
 * tags.
 */
export const TransactionLogRecord = coordinatorRecord({
  type: 0,
  name: 'TransactionLog',
  versions: '0-1',
  flexible: '1+',
  key: { transactionalId: string() },
  value: {
    producerId: int64(),
    previousProducerId: int64('1+', { tag: 0, default: -1 }),
    nextProducerId: int64('1+', { tag: 1, default: -1 }),
    producerEpoch: int16(),
    nextProducerEpoch: int16('1+', { tag: 3, default: -1 }),
    transactionTimeoutMs: int32(),
    // Values of TransactionState: 0 empty, 1 ongoing, 2 and 3 preparing to commit or abort, 4 and 5 committed or
    // aborted, 6 dead, 7 fencing.
    transactionStatus: int8(),
    transactionPartitions: array({ topic: string(), partitionIds: array(int32()) }, { nullable: '0+' }),
    transactionLastUpdateTimestampMs: int64(),
    // -1 if there is no ongoing transaction.
    transactionStartTimestampMs: int64(),
    clientTransactionVersion: int16('1+', { tag: 2, default: 0 }),
  },
})
export type TransactionLogKey = MessageOf<typeof TransactionLogRecord.key>
export type TransactionLogValue = MessageOf<typeof TransactionLogRecord.value>
