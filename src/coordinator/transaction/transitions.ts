import { type Rejection, reject } from '../../../protocol/error-codes.ts'
import {
  EPOCH_BUMP_VERSION,
  includesAll,
  isComplete,
  isEpochExhausted,
  isPrepared,
  LARGEST_EPOCH,
  NO_EPOCH,
  NO_PARTITIONS,
  NO_PRODUCER_ID,
  NO_TIMEOUT_MS,
  NO_TIMESTAMP,
  type TopicPartitions,
  type Transaction,
  union,
} from './transaction.ts'

/** What a decision about a transactional id may use. */
export interface TransitionContext {
  readonly nowMs: number
  /** Level of the feature transaction.version (KIP-890). */
  readonly featureLevel: number
  /** A new producer id; undefined if none is at hand. */
  takeProducerId(): number | undefined
}

/** No producer id is at hand: decide again when there is one. */
export const NEEDS_PRODUCER_ID = 'needs producer id'

/** The new state of a transactional id; undefined: it stays as it is. */
export interface Transition {
  readonly next: Transaction | undefined
}
export type Transitioned = Transition | Rejection | typeof NEEDS_PRODUCER_ID

const unchanged: Transition = { next: undefined }

/** A producer as a client names it. Without an id: id and epoch are -1. */
export interface Producer {
  readonly producerId: number
  readonly producerEpoch: number
}

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

/** Level 0 of transaction.version has records without the version of the client. */
function isStorable(clientTransactionVersion: number, featureLevel: number): boolean {
  return clientTransactionVersion === 0 || featureLevel > 0
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

/** True if the transaction is open for longer than its producer asked for. */
export function isTimedOut({ state, startMs, timeoutMs }: Transaction, nowMs: number): boolean {
  return state === 'Ongoing' && timeoutMs !== NO_TIMEOUT_MS && startMs + timeoutMs < nowMs
}

/** True if the transactional id was not used for that long, and has no open transaction. */
export function isExpired(transaction: Transaction, nowMs: number, expirationMs: number): boolean {
  const isIdle = transaction.state === 'Empty' || isComplete(transaction)
  return isIdle && transaction.lastUpdateMs <= nowMs - expirationMs
}
