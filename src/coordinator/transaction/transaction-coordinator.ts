import type { DescribeTransactionsResponse } from '../../../protocol/apis/describe-transactions.ts'
import type { ListTransactionsRequest, ListTransactionsResponse } from '../../../protocol/apis/list-transactions.ts'
import { isRejection, type Rejection, reject } from '../../../protocol/error-codes.ts'
import type { Slices } from '../../../storage/host/turn-slices.ts'
import type { FailedDirectory } from '../../../storage/log-store.ts'
import { coordinatorPartition } from '../java-hash.ts'
import type { CoordinatorRuntime } from '../runtime.ts'
import type { Operation, Outcome, ShardRuntime } from '../shard-runtime.ts'
import type { EndRequest } from './end-transaction.ts'
import { EPOCH_BUMP_VERSION, NO_TIMEOUT_MS, type TopicPartitions } from './transaction.ts'
import type { TransactionCoordinatorConfig } from './transaction-context.ts'
import { describeTransaction, failedTransaction, listTransactions } from './transaction-descriptions.ts'
import type { NeedsProducerId, TransactionShard } from './transaction-shard.ts'
import { NEEDS_PRODUCER_ID, type Producer } from './transitions.ts'

type DescribedTransaction = DescribeTransactionsResponse['transactionStates'][number]

/** InitProducerId of a transactional id. */
export interface InitializeRequest extends Producer {
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
  readonly enable2Pc: boolean
  readonly keepPreparedTxn: boolean
}

/**
 * Transactions, as request handlers use them: finds the shard, makes checks that need no shard, and gets producer ids.
 * Source: TransactionCoordinator.
 */
export class TransactionCoordinator {
  readonly #runtime: CoordinatorRuntime<TransactionShard>
  readonly #config: () => TransactionCoordinatorConfig
  readonly #fillProducerIds: () => Promise<Rejection | undefined>

  /** fillProducerIds: resolves when a producer id is at hand, or to why there is none. */
  constructor(
    runtime: CoordinatorRuntime<TransactionShard>,
    config: () => TransactionCoordinatorConfig,
    fillProducerIds: () => Promise<Rejection | undefined>,
  ) {
    this.#runtime = runtime
    this.#config = config
    this.#fillProducerIds = fillProducerIds
  }

  /** Loads the shards that this broker leads; requests are refused until then. */
  start(): Promise<void> {
    return this.#runtime.start()
  }

  stop(): void {
    this.#runtime.stop()
  }

  /** Stops serving the transactions of these partitions: their data directory failed. */
  takeOffline(partitions: FailedDirectory['partitions']): void {
    this.#runtime.takeOffline(partitions)
  }

  /** Id of the broker that coordinates the transactional id. Creates the topic if needed. */
  coordinatorOf(transactionalId: string, principal: string): Promise<number | Rejection> {
    return this.#runtime.coordinatorOf(transactionalId, principal)
  }

  /** Partition of __transaction_state that has the transactional id. */
  partitionOf(transactionalId: string): number {
    return coordinatorPartition(transactionalId, this.#runtime.partitionCount)
  }

  /** Order of checks: TransactionCoordinator.handleInitProducerId. */
  async initialize(request: InitializeRequest): Promise<Producer | Rejection> {
    const { transactionalId, transactionTimeoutMs, enable2Pc } = request
    const { transactionTwoPhaseCommitEnable, transactionMaxTimeoutMs } = this.#config()
    if (transactionalId === '') return reject('INVALID_REQUEST')
    if (enable2Pc && !transactionTwoPhaseCommitEnable) return reject('TRANSACTIONAL_ID_AUTHORIZATION_FAILED')
    if (request.keepPreparedTxn) return reject('UNSUPPORTED_VERSION')
    const isValid = transactionTimeoutMs > 0 && transactionTimeoutMs <= transactionMaxTimeoutMs
    if (!enable2Pc && !isValid) return reject('INVALID_TRANSACTION_TIMEOUT')
    const { producerId, producerEpoch } = request
    const timeoutMs = enable2Pc ? NO_TIMEOUT_MS : transactionTimeoutMs
    const initialization = { transactionalId, timeoutMs, producerId, producerEpoch }
    return this.#withProducerId<Producer | Rejection>(transactionalId, (shard) => shard.initialize(initialization))
  }

  /** Adds partitions to the producer's transaction. clientVersion: 2 for requests of brokers, 0 for those of clients. */
  addPartitions(
    transactionalId: string,
    producer: Producer,
    partitions: TopicPartitions,
    clientTransactionVersion: number,
  ): Outcome<undefined> {
    if (transactionalId === '') return reject('INVALID_REQUEST')
    return this.#write(transactionalId, (shard) =>
      shard.addPartitions(transactionalId, producer, partitions, clientTransactionVersion),
    )
  }

  /** Partitions that are not in the producer's open transaction. */
  missingPartitions(
    transactionalId: string,
    producer: Producer,
    partitions: TopicPartitions,
  ): Outcome<ReadonlyMap<string, readonly number[]>> {
    if (transactionalId === '') return reject('INVALID_REQUEST')
    const shard = this.#shard(transactionalId)
    if (isRejection(shard)) return shard
    return shard.read((state) => state.missingPartitions(transactionalId, producer, partitions))
  }

  /** Ends a transaction; answers the producer's next id and epoch to clients of KIP-890, else undefined. */
  async end(
    transactionalId: string,
    request: EndRequest,
    clientTransactionVersion: number,
  ): Promise<Producer | undefined | Rejection> {
    if (transactionalId === '') return reject('INVALID_REQUEST')
    if (clientTransactionVersion < EPOCH_BUMP_VERSION)
      return this.#write(transactionalId, (shard) => shard.endKeepingEpoch(transactionalId, request))
    return this.#withProducerId<Producer>(transactionalId, (shard) => shard.endWithNextEpoch(transactionalId, request))
  }

  /** Calls back once if the transaction's markers are being written: when that is done, or another broker takes over. */
  onComplete(transactionalId: string, callback: () => void): void {
    const shard = this.#shard(transactionalId)
    const state = isRejection(shard) ? undefined : shard.current
    if (state === undefined) callback()
    else state.onComplete(transactionalId, callback)
  }

  /** Lists the transactions of all local shards, or none while one of them is loading. */
  list(request: ListTransactionsRequest, slices: Slices, nowMs: number): Promise<ListTransactionsResponse> {
    return listTransactions(this.#runtime.shards(), request, slices, nowMs)
  }

  async describe(transactionalId: string): Promise<DescribedTransaction> {
    if (transactionalId === '') return failedTransaction(transactionalId, reject('INVALID_REQUEST'))
    const shard = this.#shard(transactionalId)
    const outcome = isRejection(shard)
      ? shard
      : await shard.read((state) => describeTransaction(state, transactionalId))
    return isRejection(outcome) ? failedTransaction(transactionalId, outcome) : outcome
  }

  /** Decides again with a new producer id if one was missing. */
  async #withProducerId<R>(
    transactionalId: string,
    operation: Operation<TransactionShard, R | NeedsProducerId>,
  ): Promise<R | Rejection> {
    // Others that waited may have taken the new ids.
    for (;;) {
      const outcome = await this.#write<R | NeedsProducerId>(transactionalId, operation)
      if (outcome !== NEEDS_PRODUCER_ID) return outcome as R | Rejection
      const refused = await this.#fillProducerIds()
      if (refused !== undefined) return reject('COORDINATOR_LOAD_IN_PROGRESS', refused.message)
    }
  }

  #write<R>(transactionalId: string, operation: Operation<TransactionShard, R>): Outcome<R> {
    const shard = this.#shard(transactionalId)
    return isRejection(shard) ? shard : shard.write(operation)
  }

  #shard(transactionalId: string): ShardRuntime<TransactionShard> | Rejection {
    return this.#runtime.shard(this.partitionOf(transactionalId))
  }
}
