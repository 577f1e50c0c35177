import { type Rejection, reject } from '../../../protocol/error-codes.ts'
import {
  EPOCH_BUMP_VERSION,
  isComplete,
  isEpochExhausted,
  isPrepared,
  LARGEST_EPOCH,
  NO_EPOCH,
  NO_PARTITIONS,
  NO_PRODUCER_ID,
  type Transaction,
} from './transaction.ts'
import {
  isStorable,
  NEEDS_PRODUCER_ID,
  type Producer,
  type Transition,
  type TransitionContext,
  type Transitioned,
  unchanged,
} from './transitions.ts'

export type TransactionResult = 'commit' | 'abort'

export interface EndRequest extends Producer {
  readonly result: TransactionResult
}

/** EndTxn of clients before KIP-890: the epoch stays. Source: TransactionCoordinator.endTransactionWithTV1. */
export function endKeepingEpoch(
  known: Transaction | undefined,
  request: EndRequest,
  { nowMs }: TransitionContext,
): Transition | Rejection {
  if (known === undefined || known.producerId !== request.producerId) return reject('INVALID_PRODUCER_ID_MAPPING')
  if (known.producerEpoch !== request.producerEpoch) return reject('PRODUCER_FENCED')
  if (isPrepared(known)) return reject('CONCURRENT_TRANSACTIONS')
  if (known.state !== 'Ongoing') return ended(known, request.result)
  return { next: { ...prepared(known, request.result, nowMs), clientTransactionVersion: 0 } }
}

/** A repeated end is answered like the first; another one is refused. */
function ended({ state }: Transaction, result: TransactionResult): Transition | Rejection {
  const complete = result === 'commit' ? 'CompleteCommit' : 'CompleteAbort'
  return state === complete ? unchanged : reject('INVALID_TXN_STATE')
}

/**
 * EndTxn of KIP-890: the producer gets the next epoch, or another id if no epoch is left. So a repeated request comes
 * with the epoch before. A producer may also abort when no transaction is open: it cannot know whether one is. Source:
 * TransactionCoordinator.endTransaction.
 */
export function endWithNextEpoch(
  known: Transaction | undefined,
  request: EndRequest,
  context: TransitionContext,
): Transitioned {
  if (known === undefined) return reject('INVALID_PRODUCER_ID_MAPPING')
  if (isPrepared(known)) return reject('CONCURRENT_TRANSACTIONS')
  const repeats = isRepeatedEnd(known, request)
  if (known.producerId !== request.producerId && !repeats.withNewId) return reject('INVALID_PRODUCER_ID_MAPPING')
  const isRepeated = repeats.withNewId || repeats.withNextEpoch
  if (!hasValidEpoch(known, request, repeats)) return reject('PRODUCER_FENCED')
  if (known.state === 'Ongoing') return endOnce(known, request.result, context)
  if (isRepeated) return ended(known, request.result)
  if (request.result === 'commit') return reject('INVALID_TXN_STATE')
  return endOnce({ ...known, startMs: context.nowMs }, 'abort', context)
}

function endOnce(known: Transaction, result: TransactionResult, context: TransitionContext): Transitioned {
  if (!isStorable(EPOCH_BUMP_VERSION, context.featureLevel)) return reject('UNSUPPORTED_VERSION')
  return prepareWithNextEpoch(known, result, context)
}

/** Signs that the producer got no answer to its end. */
interface Repeats {
  readonly withNextEpoch: boolean
  readonly withNewId: boolean
}

function isRepeatedEnd(known: Transaction, { producerId, producerEpoch }: Producer): Repeats {
  return {
    withNextEpoch: known.producerEpoch === producerEpoch + 1,
    withNewId:
      known.previousProducerId === producerId && producerEpoch === LARGEST_EPOCH - 1 && known.producerEpoch === 0,
  }
}

function hasValidEpoch(known: Transaction, { producerEpoch }: Producer, repeats: Repeats): boolean {
  const isCurrent = producerEpoch === known.producerEpoch
  return isCurrent || (isComplete(known) && (repeats.withNextEpoch || repeats.withNewId))
}

/** Aborts an open transaction against its producer's will: it timed out, or another producer takes its place. */
export function fence(known: Transaction, context: TransitionContext): Transitioned {
  if (context.featureLevel >= EPOCH_BUMP_VERSION) return prepareWithNextEpoch(known, 'abort', context)
  const producerEpoch = Math.min(known.producerEpoch + 1, LARGEST_EPOCH)
  const aborted = prepared(known, 'abort', context.nowMs)
  return { next: { ...aborted, producerEpoch, lastProducerEpoch: NO_EPOCH, clientTransactionVersion: 0 } }
}

function prepareWithNextEpoch(known: Transaction, result: TransactionResult, context: TransitionContext): Transitioned {
  const nextProducerId = isEpochExhausted(known.producerEpoch) ? context.takeProducerId() : NO_PRODUCER_ID
  if (nextProducerId === undefined) return NEEDS_PRODUCER_ID
  return {
    next: {
      ...prepared(known, result, context.nowMs),
      nextProducerId,
      producerEpoch: Math.min(known.producerEpoch + 1, LARGEST_EPOCH),
      lastProducerEpoch: known.producerEpoch,
      clientTransactionVersion: EPOCH_BUMP_VERSION,
    },
  }
}

function prepared(known: Transaction, result: TransactionResult, nowMs: number): Transaction {
  return {
    ...known,
    previousProducerId: known.producerId,
    nextProducerId: NO_PRODUCER_ID,
    state: result === 'commit' ? 'PrepareCommit' : 'PrepareAbort',
    lastUpdateMs: nowMs,
  }
}

/** All markers are written. Source: TransactionMetadata.prepareComplete. */
export function complete(known: Transaction, { nowMs }: Pick<TransitionContext, 'nowMs'>): Transaction {
  const { producerId, producerEpoch, nextProducerId } = known
  const rotates = known.clientTransactionVersion >= EPOCH_BUMP_VERSION && nextProducerId !== NO_PRODUCER_ID
  return {
    ...known,
    producerId: rotates ? nextProducerId : producerId,
    producerEpoch: rotates ? 0 : producerEpoch,
    previousProducerId: producerId,
    nextProducerId: NO_PRODUCER_ID,
    state: known.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort',
    partitions: NO_PARTITIONS,
    lastUpdateMs: nowMs,
  }
}
