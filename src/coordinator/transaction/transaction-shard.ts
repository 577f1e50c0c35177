import { isRejection, type Rejection, reject } from '../../../protocol/error-codes.ts'
import type { CoordinatorRecord } from '../coordinator-record.ts'
import { answer, type Decision, type Shard } from '../shard.ts'
import type { LoadedRecord } from '../state-log.ts'
import { addPartitions, notOpenFor } from './add-partitions.ts'
import { complete, type EndRequest, endKeepingEpoch, endWithNextEpoch, fence } from './end-transaction.ts'
import { type Initialization, initialize } from './initialize-producer.ts'
import { isExpired, isPrepared, isTimedOut, type TopicPartitions, type Transaction } from './transaction.ts'
import type { TransactionContext } from './transaction-context.ts'
import {
  decodeTransactionRecord,
  replayedTransaction,
  transactionRecord,
  transactionTombstone,
} from './transaction-records.ts'
import { NEEDS_PRODUCER_ID, type Producer, type TransitionContext, type Transitioned } from './transitions.ts'

const TIMEOUT_TIMER = 'timeouts'
const EXPIRY_TIMER = 'expiry'

/** Answered if a decision needs a producer id and none is at hand. */
export type NeedsProducerId = typeof NEEDS_PRODUCER_ID

/** Transactional ids of one partition of __transaction_state. Source: TransactionCoordinator, TransactionStateManager. */
export class TransactionShard implements Shard {
  readonly #context: TransactionContext
  readonly #transactions = new Map<string, Transaction>()
  /** Called when a prepared transaction is complete, or the shard is unloaded. */
  readonly #waiting = new Map<string, Set<() => void>>()

  constructor(context: TransactionContext) {
    this.#context = context
  }

  get(transactionalId: string): Transaction | undefined {
    return this.#transactions.get(transactionalId)
  }

  /** Partitions of the transaction; of a prepared one those without marker. Source: handleDescribeTransactions. */
  partitionsOf({ transactionalId, partitions }: Transaction): TopicPartitions {
    return this.#context.markers.missingOf(transactionalId) ?? partitions
  }

  all(): Iterable<Transaction> {
    return this.#transactions.values()
  }

  get size(): number {
    return this.#transactions.size
  }

  /** The producer's id and epoch. CONCURRENT_TRANSACTIONS also if an open transaction is aborted first. */
  initialize(request: Initialization): Decision<Producer | Rejection | NeedsProducerId> | Rejection {
    const before = this.get(request.transactionalId)
    return this.#decide(initialize(before, request, this.#transition()), (next) =>
      isPrepared(next) ? reject('CONCURRENT_TRANSACTIONS') : producerOf(next),
    )
  }

  addPartitions(
    transactionalId: string,
    producer: Producer,
    added: TopicPartitions,
    clientTransactionVersion: number,
  ): Decision<undefined> | Rejection {
    const known = this.get(transactionalId)
    const changed = addPartitions(known, producer, added, clientTransactionVersion, this.#transition())
    if (isRejection(changed)) return changed
    return changed.next === undefined ? answer(undefined) : this.#write(changed.next, undefined)
  }

  /** Partitions that are not in the producer's open transaction. */
  missingPartitions(
    transactionalId: string,
    producer: Producer,
    asked: TopicPartitions,
  ): Map<string, number[]> | Rejection {
    const known = this.get(transactionalId)
    const refused = notOpenFor(known, producer)
    if (refused !== undefined) return refused
    const missing = new Map<string, number[]>()
    for (const [topic, indexes] of asked) {
      const added = known!.partitions.get(topic)
      const others = [...indexes].filter((index) => added?.has(index) !== true)
      if (others.length > 0) missing.set(topic, others)
    }
    return missing
  }

  /** Ends a transaction for a client that keeps its epoch (before KIP-890). */
  endKeepingEpoch(transactionalId: string, request: EndRequest): Decision<undefined> | Rejection {
    const changed = endKeepingEpoch(this.get(transactionalId), request, this.#transition())
    if (isRejection(changed)) return changed
    return changed.next === undefined ? answer(undefined) : this.#write(changed.next, undefined)
  }

  /** Ends a transaction for a client of KIP-890; answers its next producer id and epoch. */
  endWithNextEpoch(transactionalId: string, request: EndRequest): Decision<Producer | NeedsProducerId> | Rejection {
    const known = this.get(transactionalId)
    const { nowMs } = this.#context
    return this.#decide(
      endWithNextEpoch(known, request, this.#transition()),
      (next) =>
        // A repeated end changes nothing, and the transaction may be complete by now.
        producerOf(isPrepared(next) ? complete(next, { nowMs: nowMs() }) : next),
      known,
    )
  }

  /** All markers of a prepared transaction are written; undefined if it has ended already. */
  complete(transactionalId: string, producer: Producer): Decision<undefined> {
    const known = this.get(transactionalId)
    const isStill =
      known?.producerId === producer.producerId && known.producerEpoch === producer.producerEpoch && isPrepared(known)
    return isStill ? this.#write(complete(known, this.#transition()), undefined) : answer(undefined)
  }

  /** Calls back once if the transaction is prepared: when it is complete, or no longer known here. */
  onComplete(transactionalId: string, callback: () => void): void {
    const known = this.get(transactionalId)
    if (known === undefined || !isPrepared(known)) {
      callback()
      return
    }
    const waiting = this.#waiting.get(transactionalId) ?? new Set()
    this.#waiting.set(transactionalId, waiting.add(callback))
  }

  decode(record: LoadedRecord): CoordinatorRecord | undefined {
    return decodeTransactionRecord(record)
  }

  replay(record: CoordinatorRecord): void {
    const [transactionalId, transaction] = replayedTransaction(record)
    if (transaction === null) this.#transactions.delete(transactionalId)
    else this.#transactions.set(transactionalId, transaction)
    if (transaction === null || !isPrepared(transaction)) this.#wake(transactionalId)
  }

  /** __transaction_state has no transactions in it. */
  replayMarker(): void {}

  loaded(): void {
    for (const transaction of this.#transactions.values()) {
      if (isPrepared(transaction)) this.#context.markers.deliver(transaction)
    }
    this.#scheduleTimeouts()
    this.#scheduleExpiry()
  }

  unloaded(): void {
    this.#context.markers.close()
    for (const transactionalId of [...this.#waiting.keys()]) this.#wake(transactionalId)
  }

  metadataChanged(): undefined {
    this.#context.markers.metadataChanged()
  }

  #wake(transactionalId: string): void {
    const waiting = this.#waiting.get(transactionalId)
    if (waiting === undefined) return
    this.#waiting.delete(transactionalId)
    for (const callback of waiting) callback()
  }

  #transition(): TransitionContext {
    const { nowMs, featureLevel, takeProducerId } = this.#context
    return { nowMs: nowMs(), featureLevel: featureLevel(), takeProducerId }
  }

  /** known: the state to answer for if nothing changes. */
  #decide<R>(
    changed: Transitioned,
    answerFor: (next: Transaction) => R,
    known?: Transaction,
  ): Decision<R | NeedsProducerId> | Rejection {
    if (changed === NEEDS_PRODUCER_ID) return answer(NEEDS_PRODUCER_ID)
    if (isRejection(changed)) return changed
    const { next } = changed
    return next === undefined ? answer(answerFor(known!)) : this.#write(next, answerFor(next))
  }

  #write<R>(next: Transaction, response: R): Decision<R> {
    const records = [transactionRecord(next, this.#context.featureLevel())]
    if (!isPrepared(next)) return { records, response }
    return { records, response, appended: () => this.#context.markers.deliver(next) }
  }

  #scheduleTimeouts(): void {
    const { config, timers } = this.#context
    timers.set(TIMEOUT_TIMER, config.transactionAbortTimedOutTransactionCleanupIntervalMs, () => this.abortTimedOut())
  }

  /** Aborts transactions that are open for too long. Source: TransactionCoordinator.abortTimedOutTransactions. */
  abortTimedOut(): Decision<void> {
    this.#scheduleTimeouts()
    const context = this.#transition()
    const aborted: Transaction[] = []
    for (const transaction of this.#transactions.values()) {
      if (!isTimedOut(transaction, context.nowMs)) continue
      const changed = fence(transaction, context)
      // Without a producer id it is aborted the next time.
      if (changed !== NEEDS_PRODUCER_ID && !isRejection(changed)) aborted.push(changed.next!)
    }
    const deliver = () => {
      for (const transaction of aborted) {
        const { transactionalId } = transaction
        this.#context.logger.info(
          { transactionalId },
          'A transaction is aborted: it was open for longer than its timeout.',
        )
        this.#context.markers.deliver(transaction)
      }
    }
    const featureLevel = this.#context.featureLevel()
    const records = aborted.map((each) => transactionRecord(each, featureLevel))
    return { records, response: undefined, atomic: false, appended: deliver }
  }

  #scheduleExpiry(): void {
    const { config, timers } = this.#context
    timers.set(EXPIRY_TIMER, config.transactionRemoveExpiredTransactionCleanupIntervalMs, () => this.expire())
  }

  /** Forgets transactional ids that were not used. Source: TransactionStateManager.removeExpiredTransactionalIds. */
  expire(): Decision<void> {
    this.#scheduleExpiry()
    const { config, nowMs } = this.#context
    const now = nowMs()
    const records: CoordinatorRecord[] = []
    for (const transaction of this.#transactions.values()) {
      if (!isExpired(transaction, now, config.transactionalIdExpirationMs)) continue
      records.push(transactionTombstone(transaction.transactionalId))
    }
    return { records, response: undefined, atomic: false }
  }
}

function producerOf({ producerId, producerEpoch }: Producer): Producer {
  return { producerId, producerEpoch }
}
