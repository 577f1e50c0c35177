import { reject } from '../../../protocol/error-codes.ts'
import { fence } from './end-transaction.ts'
import {
  isEpochExhausted,
  isPrepared,
  NO_EPOCH,
  NO_PARTITIONS,
  NO_PRODUCER_ID,
  NO_TIMESTAMP,
  type Transaction,
} from './transaction.ts'
import { NEEDS_PRODUCER_ID, type Producer, type TransitionContext, type Transitioned } from './transitions.ts'

export interface Initialization extends Producer {
  readonly transactionalId: string
  readonly timeoutMs: number
}

/**
 * InitProducerId: the next epoch for the producer, or another producer id if the epochs are used up. An open transaction
 * is aborted first, with an epoch that nobody gets: the client asks again. Source:
 * TransactionCoordinator.prepareInitProducerIdTransit.
 */
export function initialize(
  known: Transaction | undefined,
  request: Initialization,
  context: TransitionContext,
): Transitioned {
  if (known === undefined) return introduce(request, context)
  if (isPrepared(known)) return reject('CONCURRENT_TRANSACTIONS')
  if (request.producerId !== NO_PRODUCER_ID && !isSameProducer(known, request)) return reject('PRODUCER_FENCED')
  if (known.state === 'Ongoing') return fence(known, context)
  const isExpected = request.producerId === NO_PRODUCER_ID || request.producerEpoch === known.producerEpoch
  if (isEpochExhausted(known.producerEpoch) && isExpected) return rotateProducerId(known, request, context)
  return incrementEpoch(known, request, context)
}

function introduce({ transactionalId, timeoutMs }: Initialization, context: TransitionContext): Transitioned {
  const producerId = context.takeProducerId()
  if (producerId === undefined) return NEEDS_PRODUCER_ID
  return {
    next: {
      transactionalId,
      producerId,
      // As in Kafka, where the new id gets its first epoch like any other.
      previousProducerId: producerId,
      nextProducerId: NO_PRODUCER_ID,
      producerEpoch: 0,
      lastProducerEpoch: NO_EPOCH,
      timeoutMs,
      state: 'Empty',
      partitions: NO_PARTITIONS,
      startMs: NO_TIMESTAMP,
      lastUpdateMs: context.nowMs,
      clientTransactionVersion: 0,
    },
  }
}

/** The producer, or the one before if it may not have heard of its new id. */
function isSameProducer(known: Transaction, { producerId, producerEpoch }: Producer): boolean {
  if (producerId === known.producerId) return true
  return producerId === known.previousProducerId && isEpochExhausted(producerEpoch)
}

function rotateProducerId(known: Transaction, request: Initialization, context: TransitionContext): Transitioned {
  const producerId = context.takeProducerId()
  if (producerId === undefined) return NEEDS_PRODUCER_ID
  const lastProducerEpoch = request.producerId === NO_PRODUCER_ID ? NO_EPOCH : known.producerEpoch
  return { next: emptied(known, request, context, { producerId, producerEpoch: 0, lastProducerEpoch }) }
}

/** The expected epoch may be the one before: then the producer did not get the answer, and gets it again. */
function incrementEpoch(known: Transaction, request: Initialization, context: TransitionContext): Transitioned {
  const { producerId, producerEpoch, lastProducerEpoch } = known
  // Kafka fails here, too: no epoch is left, and the producer does not have the last one.
  if (isEpochExhausted(producerEpoch)) return reject('UNKNOWN_SERVER_ERROR')
  const isAnyone = request.producerId === NO_PRODUCER_ID
  if (isAnyone || request.producerEpoch === producerEpoch) {
    const last = isAnyone ? NO_EPOCH : producerEpoch
    const changed = { producerId, producerEpoch: producerEpoch + 1, lastProducerEpoch: last }
    return { next: emptied(known, request, context, changed) }
  }
  if (request.producerEpoch !== lastProducerEpoch) return reject('PRODUCER_FENCED')
  return { next: emptied(known, request, context, { producerId, producerEpoch, lastProducerEpoch }) }
}

function emptied(
  known: Transaction,
  { timeoutMs }: Initialization,
  { nowMs }: TransitionContext,
  producer: Pick<Transaction, 'producerId' | 'producerEpoch' | 'lastProducerEpoch'>,
): Transaction {
  return {
    ...known,
    ...producer,
    previousProducerId: known.producerId,
    timeoutMs,
    state: 'Empty',
    partitions: NO_PARTITIONS,
    startMs: NO_TIMESTAMP,
    lastUpdateMs: nowMs,
  }
}
