import { api, array, bool, int16, int32, int64, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

const addPartitionsToTxnTopic = {
  name: string({ entity: 'topicName', mapKey: true }),
  partitions: array(int32()),
}

const addPartitionsToTxnPartitionResult = {
  partitionIndex: int32({ mapKey: true }),
  partitionErrorCode: int16(),
}

const addPartitionsToTxnTopicResult = {
  name: string({ entity: 'topicName', mapKey: true }),
  resultsByPartition: array(addPartitionsToTxnPartitionResult),
}

/**
 * Adds partitions to a transaction before they are written to (KIP-98). v2 PRODUCER_FENCED; v3 flexible, the newest for
 * clients; v4 KIP-890 for brokers: several transactions at once, or only a check that the partitions belong to the
 * transaction; v5 TRANSACTION_ABORTABLE.
 */
export const AddPartitionsToTxn = api({
  key: 24,
  name: 'AddPartitionsToTxn',
  versions: '0-5',
  flexible: '3+',
  request: {
    transactions: array(
      {
        transactionalId: string({ entity: 'transactionalId', mapKey: true }),
        producerId: int64({ entity: 'producerId' }),
        producerEpoch: int16(),
        verifyOnly: bool({ default: false }),
        topics: array(addPartitionsToTxnTopic),
      },
      '4+',
    ),
    v3AndBelowTransactionalId: string('0-3', { entity: 'transactionalId' }),
    v3AndBelowProducerId: int64('0-3', { entity: 'producerId' }),
    v3AndBelowProducerEpoch: int16('0-3'),
    v3AndBelowTopics: array(addPartitionsToTxnTopic, '0-3'),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16('4+', { ignorable: true }),
    resultsByTransaction: array(
      {
        transactionalId: string({ entity: 'transactionalId', mapKey: true }),
        topicResults: array(addPartitionsToTxnTopicResult),
      },
      '4+',
    ),
    resultsByTopicV3AndBelow: array(addPartitionsToTxnTopicResult, '0-3', { default: [] }),
  },
})
export type AddPartitionsToTxnRequest = RequestOf<typeof AddPartitionsToTxn>
export type AddPartitionsToTxnResponse = ResponseInputOf<typeof AddPartitionsToTxn>
