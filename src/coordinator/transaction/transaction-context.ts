import type { Logger } from '../../observe/logger.ts'
import type { Decision } from '../shard.ts'
import type { TopicPartitions, Transaction } from './transaction.ts'

/**
 * Settings of the transaction coordinator, under their Kafka names in camel case. The type inferred from
 * broker-configs.ts satisfies it; values are read at each use.
 */
export interface TransactionCoordinatorConfig {
  readonly transactionMaxTimeoutMs: number
  readonly transactionAbortTimedOutTransactionCleanupIntervalMs: number
  readonly transactionalIdExpirationMs: number
  readonly transactionRemoveExpiredTransactionCleanupIntervalMs: number
  readonly transactionTwoPhaseCommitEnable: boolean
}

/** Environment of one shard of the transaction coordinator: it has no socket, disk or clock. */
export interface TransactionContext {
  readonly logger: Logger
  readonly config: TransactionCoordinatorConfig
  readonly timers: TransactionTimers
  readonly markers: MarkerDelivery
  /** Level of the feature transaction.version. */
  featureLevel(): number
  /** A new producer id; undefined if none is at hand: more are asked for then. */
  takeProducerId(): number | undefined
  /** Wall clock, for stored times. */
  nowMs(): number
}

export interface TransactionTimers {
  /** Sets a timer; replaces one with the same name. */
  set(key: string, delayMs: number, operation: () => Decision<void> | undefined): void
}

/** Writes the markers of prepared transactions, and completes these. */
export interface MarkerDelivery {
  /** Called once the prepared transaction is durable. */
  deliver(transaction: Transaction): void
  /** Partitions of a prepared transaction that have no marker yet; undefined if none are being written. */
  missingOf(transactionalId: string): TopicPartitions | undefined
  /** The cluster changed: partitions without leader may have one. */
  metadataChanged(): void
  /** Ends all deliveries: the shard is no longer served here. */
  close(): void
}
