/**
 * THE SEAM under metadata-like state: keyed records of one coordinator shard. Embedded: one partition of an internal
 * topic (partition-state-log.ts). Every implementation passes state-log.conformance.ts.
 */
export interface StateLog {
  /**
   * Appends all records as one batch, atomically; its place is fixed before the promise is returned. Resolves with
   * the offset after the last record when it is as durable as the settings ask. Rejects when it is unknown whether it
   * was written: the owner throws its memory away and loads again.
   */
  append(records: readonly StateRecord[], options: AppendOptions): Promise<number>
  /**
   * Every record from the start, in order. Control batches (transaction markers) come as `marker`. Rejects with
   * CorruptStateError where the log is damaged, or where `replay` throws: a second try would find the same. Rejects with
   * any other error where a later try may succeed.
   */
  load(replay: (record: LoadedRecord) => void): Promise<void>
}

/** State that cannot be read: the message names offset, place, reason and remedy. */
export class CorruptStateError extends Error {
  override readonly name = 'CorruptStateError'
}

export interface StateRecord {
  readonly key: Buffer
  /** Null: a tombstone. */
  readonly value: Buffer | null
}

export interface AppendOptions {
  readonly nowMs: number
  /** Set for records that count only once the producer's transaction commits (TxnOffsetCommit). */
  readonly transaction?: { readonly producerId: number; readonly producerEpoch: number }
}

export interface LoadedRecord {
  readonly offset: number
  readonly timestampMs: number
  /** -1 outside of transactions. */
  readonly producerId: number
  readonly producerEpoch: number
  /** Set for the end of a transaction; key and value are then empty. */
  readonly marker?: 'commit' | 'abort'
  readonly key: Buffer
  readonly value: Buffer | null
}

/** A log whose records may belong to transactions that another coordinator ends. */
export interface CoordinatorLog extends StateLog {
  /** Largest size of what one `append` takes: one batch is one message to the log. */
  readonly maxBatchBytes: number
  /** Appends the marker that ends a transaction; resolves and rejects as `append`. */
  endTransaction(marker: TransactionEnd, options: AppendOptions): Promise<number>
}

export interface TransactionEnd {
  readonly producerId: number
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
  readonly result: 'commit' | 'abort'
}
