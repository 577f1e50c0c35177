import { keyType } from '../../../protocol/internal-records/coordinator-framing.ts'
import {
  type TransactionLogKey,
  TransactionLogRecord,
  type TransactionLogValue,
} from '../../../protocol/internal-records/transaction-records.ts'
import { type CoordinatorRecord, decodeRecord, record, tombstone } from '../coordinator-record.ts'
import type { LoadedRecord } from '../state-log.ts'
import {
  NO_EPOCH,
  NO_PARTITIONS,
  NO_PRODUCER_ID,
  type TopicPartitions,
  type Transaction,
  transactionStates,
} from './transaction.ts'

/** First transaction.version with version 1 of the record, which has more fields. Source: TransactionVersion. */
const FLEXIBLE_FEATURE_LEVEL = 1

/** Value of a new record. It keeps the transaction itself: the record lacks some of its fields. */
interface StagedValue extends TransactionLogValue {
  readonly transaction?: Transaction
}

/** Record with the new state of a transactional id. featureLevel: transaction.version. Source: TransactionLog. */
export function transactionRecord(transaction: Transaction, featureLevel: number): CoordinatorRecord {
  const version = featureLevel >= FLEXIBLE_FEATURE_LEVEL ? 1 : 0
  const value: StagedValue = { transaction, ...recordValue(transaction, version) }
  return record(TransactionLogRecord, version, { transactionalId: transaction.transactionalId }, value)
}

function recordValue(transaction: Transaction, version: number): TransactionLogValue {
  const { state, partitions } = transaction
  const hasIds = version > 0
  return {
    producerId: transaction.producerId,
    previousProducerId: hasIds ? transaction.previousProducerId : NO_PRODUCER_ID,
    nextProducerId: hasIds ? transaction.nextProducerId : NO_PRODUCER_ID,
    producerEpoch: transaction.producerEpoch,
    nextProducerEpoch: NO_EPOCH,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStatus: transactionStates.indexOf(state),
    transactionPartitions: state === 'Empty' ? null : listed(partitions),
    transactionLastUpdateTimestampMs: transaction.lastUpdateMs,
    transactionStartTimestampMs: transaction.startMs,
    clientTransactionVersion: hasIds ? transaction.clientTransactionVersion : 0,
  }
}

function listed(partitions: TopicPartitions) {
  return [...partitions].map(([topic, indexes]) => ({ topic, partitionIds: [...indexes] }))
}

/** Record that forgets a transactional id. */
export function transactionTombstone(transactionalId: string): CoordinatorRecord {
  return tombstone(TransactionLogRecord, { transactionalId })
}

/** Decodes a record of __transaction_state; undefined for an unknown type. Throws MalformedError. */
export function decodeTransactionRecord({ key, value }: LoadedRecord): CoordinatorRecord | undefined {
  return keyType(key) === TransactionLogRecord.type ? decodeRecord(TransactionLogRecord, key, value) : undefined
}

/** Transactional id of a record, and its new state; null if it is forgotten. Throws for a state without a name. */
export function replayedTransaction({ key, value }: CoordinatorRecord): [string, Transaction | null] {
  const { transactionalId } = key as TransactionLogKey
  if (value === null) return [transactionalId, null]
  const { transaction } = value as StagedValue
  return [transactionalId, transaction ?? transactionOf(transactionalId, value as TransactionLogValue)]
}

function transactionOf(transactionalId: string, value: TransactionLogValue): Transaction {
  const state = transactionStates[value.transactionStatus]
  if (state === undefined) throw new Error(`${value.transactionStatus} is no state of a transaction`)
  return {
    transactionalId,
    producerId: value.producerId,
    previousProducerId: value.previousProducerId,
    nextProducerId: value.nextProducerId,
    producerEpoch: value.producerEpoch,
    lastProducerEpoch: NO_EPOCH,
    timeoutMs: value.transactionTimeoutMs,
    state,
    partitions: state === 'Empty' ? NO_PARTITIONS : partitionsOf(value),
    startMs: value.transactionStartTimestampMs,
    lastUpdateMs: value.transactionLastUpdateTimestampMs,
    clientTransactionVersion: value.clientTransactionVersion,
  }
}

function partitionsOf({ transactionPartitions }: TransactionLogValue): TopicPartitions {
  const partitions = new Map<string, ReadonlySet<number>>()
  for (const { topic, partitionIds } of transactionPartitions ?? []) partitions.set(topic, new Set(partitionIds))
  return partitions
}
