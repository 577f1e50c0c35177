import { type Rejection, reject } from '../../../protocol/error-codes.ts'
import { includesAll, isPrepared, type TopicPartitions, type Transaction, union } from './transaction.ts'
import { isStorable, type Producer, type Transition, type TransitionContext, unchanged } from './transitions.ts'

/**
 * Adds partitions to the transaction, which begins with the first. clientVersion: version of the transaction protocol.
 * Source: TransactionCoordinator.handleAddPartitionsToTransaction.
 */
export function addPartitions(
  known: Transaction | undefined,
  producer: Producer,
  added: TopicPartitions,
  clientTransactionVersion: number,
  { nowMs, featureLevel }: TransitionContext,
): Transition | Rejection {
  if (known !== undefined && isPrepared(known)) return reject('CONCURRENT_TRANSACTIONS')
  const refused = notOpenFor(known, producer)
  if (refused !== undefined) return refused
  const before = known!
  const isOngoing = before.state === 'Ongoing'
  if (isOngoing && includesAll(before.partitions, added)) return unchanged
  if (!isStorable(clientTransactionVersion, featureLevel)) return reject('UNSUPPORTED_VERSION')
  return {
    next: {
      ...before,
      previousProducerId: before.producerId,
      state: 'Ongoing',
      partitions: union(before.partitions, added),
      startMs: isOngoing ? before.startMs : nowMs,
      lastUpdateMs: nowMs,
      clientTransactionVersion,
    },
  }
}

/** Why the producer has no transaction that can have partitions. Source: handleVerifyPartitionsInTransaction. */
export function notOpenFor(known: Transaction | undefined, producer: Producer): Rejection | undefined {
  if (known === undefined || known.producerId !== producer.producerId) return reject('INVALID_PRODUCER_ID_MAPPING')
  if (known.producerEpoch !== producer.producerEpoch) return reject('PRODUCER_FENCED')
  return isPrepared(known) ? reject('CONCURRENT_TRANSACTIONS') : undefined
}
