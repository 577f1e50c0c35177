import type { Rejection } from '../../protocol/error-codes.ts'
import type {
  TransactionalBatch,
  TransactionMarker,
  VerificationGuard,
  VerifiedProducer,
} from '../../storage/partition-log.ts'

/**
 * THE SEAM under metadata-like state: keyed records of one coordinator shard. Embedded: one partition of an internal
 * topic (partition-state-log.ts). Every implementation passes state-log.conformance.ts.
 */
export interface StateLog {
  /**
   * Appends all records as one batch, atomically; its position is fixed before the promise is returned. Resolves with
   * the offset after the last record once it is as durable as the settings require. Rejects if it is unknown whether
   * the batch was written: the owner then discards its memory and loads again.
   */
  append(records: readonly StateRecord[], options: AppendOptions): Promise<number>
  /**
   * Replays every record from the start, in order, and none that a crash may still take away. Control batches
   * (transaction markers) come as `marker`. Rejects with CorruptStateError if the log is damaged or `replay` throws:
   * another attempt would fail the same way. Rejects with any other error if a later attempt may succeed.
   */
  load(replay: (record: LoadedRecord) => void): Promise<void>
}

/** Unreadable state: the message names offset, place, reason and remedy. */
export class CorruptStateError extends Error {
  override readonly name = 'CorruptStateError'
}

/** Nothing is appended while too few replicas are in sync. That passes. */
export class TooFewReplicasError extends Error {
  override readonly name = 'TooFewReplicasError'
}

export interface StateRecord {
  readonly key: Buffer
  /** Null: a tombstone. */
  readonly value: Buffer | null
}

export interface AppendOptions {
  readonly nowMs: number
  /** Set for records that take effect only when the producer's transaction commits (TxnOffsetCommit). */
  readonly transaction?: TransactionalBatch
}

export interface LoadedRecord {
  readonly offset: number
  readonly timestampMs: number
  /** -1 outside transactions. */
  readonly producerId: number
  readonly producerEpoch: number
  /** Set for the end of a transaction; key and value are then empty. */
  readonly marker?: 'commit' | 'abort'
  readonly key: Buffer
  readonly value: Buffer | null
}

/** A log whose records may belong to transactions that another coordinator ends. */
export interface CoordinatorLog extends StateLog {
  /** Largest size of one `append`: the log stores it as one batch. */
  readonly maxBatchBytes: number
  /** Appends the marker that ends a transaction; resolves and rejects like `append`. */
  endTransaction(marker: TransactionEnd, options: AppendOptions): Promise<number>
  /** COORDINATOR_NOT_AVAILABLE while too few replicas are in sync: appends are refused then, and nothing is written. */
  refusal(): Rejection | undefined
  /**
   * Why an append in that transaction, or of that marker, would be refused now: the fault is the client's. undefined: it
   * would not be, or it is not known while the log is being opened.
   */
  transactionRefusal(append: TransactionalBatch | TransactionMarker): Rejection | undefined
  /** As PartitionLog.beginVerification. Errors: also those of a partition that this broker does not lead. */
  beginVerification(producer: VerifiedProducer): BegunVerification | Promise<BegunVerification>
}

/** undefined: there is nothing to verify. */
export type BegunVerification = VerificationGuard | undefined | Rejection

export interface TransactionEnd extends TransactionMarker {
  readonly result: 'commit' | 'abort'
}
