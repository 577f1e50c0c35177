import type { Lease } from '../protocol/buffer-pool.ts'
import type { Rejection } from '../protocol/error-codes.ts'

/**
 * THE SEAM between the broker and its storage: the log of one partition. The embedded implementation is
 * storage/log/log.ts (segments on a local disk); every other one must pass the same conformance suite
 * (partition-log.conformance.ts).
 *
 * Offsets are assigned by the log, in the order in which `append` was called: the order is fixed before `append`
 * returns its promise, so a caller may start the next append without waiting for the last.
 */
export interface PartitionLog {
  /** Offset of the first readable record. Retention and DeleteRecords move it up. */
  readonly logStartOffset: number
  /** Offset of the next record; includes appends whose flush is still under way. */
  readonly logEndOffset: number
  /** Consumers may read below this offset: the end of the records that are as durable as the settings ask, or held. */
  readonly highWatermark: number
  /**
   * read_committed consumers may read below this offset: the first offset of an open transaction, at most the high
   * watermark.
   */
  readonly lastStableOffset: number
  /**
   * Calls the listener in the turn in which high watermark or last stable offset moved, once for both, whoever appended,
   * and before the append is answered. Returns a function that ends it.
   */
  onReadable(listener: ReadableListener): () => void
  /**
   * While held, the high watermark does not move up: flushed records are not readable. All brokers that serve the log
   * derive the value from the same metadata: true while too few replicas are in sync. Not kept over a restart.
   */
  holdHighWatermark(isHeld: boolean): void

  /**
   * Validates, assigns offsets, stages at once; resolves when written (and synced where flush.messages asks). Where there
   * is much to decompress, other work runs meanwhile, and the append keeps its place among the appends of this log.
   */
  append(records: Buffer, append: AppendContext): Promise<AppendResult | AppendRejection>

  /**
   * Whole batches as stored, from the one that holds `offset`, none past `upToOffset`, about `maxBytes`; with
   * `minOneBatch` the first batch comes even when it is larger. OFFSET_OUT_OF_RANGE below start or above end.
   */
  read(offset: number, read: ReadContext): Promise<ReadResult | Rejection>

  /** Place of the record at the offset, for messages: the file, and the position of its batch or of damaged bytes. */
  locate(offset: number): { readonly file: string; readonly position: number }

  /**
   * From this offset on a missing offset is a lost record: compaction has removed none there. `file` says so; without
   * it nothing is known, as if this were undefined.
   */
  readonly denseFrom: { readonly offset: number; readonly file: string } | undefined

  /** Aborted transactions that overlap [fromOffset, toOffset), in the order of their markers (KIP-98). */
  abortedTransactions(fromOffset: number, toOffset: number): Promise<AbortedTransaction[]>

  /** Offset of the first record with at least that timestamp; undefined: none. Reads at most one segment's tail. */
  offsetForTimestamp(timestampMs: number, upToOffset: number): Promise<TimestampAndOffset | undefined>
  /** The record with the largest timestamp (the first of them); undefined in an empty log (KIP-734). */
  maxTimestamp(): Promise<TimestampAndOffset | undefined>

  /** Base offsets of the segments (the parts that retention removes as a whole), newest first. */
  segmentStarts(): Iterable<SegmentStart>

  /** Leader epoch of the last record, or undefined where the log never had one. */
  readonly latestEpoch: number | undefined
  /** Largest epoch <= requested with its end offset (KIP-320); undefined: no such epoch is known. */
  endOffsetForEpoch(leaderEpoch: number): { readonly leaderEpoch: number; readonly endOffset: number } | undefined
  /** Epoch that wrote the record at offset. */
  epochForOffset(offset: number): number | undefined
  /** Records that leaderEpoch starts at logEndOffset. */
  assignEpoch(leaderEpoch: number): void

  /** Moves logStartOffset up (DeleteRecords); durable once resolved. KAFKA_STORAGE_ERROR: only until the next start. */
  deleteRecordsBefore(offset: number): Promise<Rejection | undefined>
  truncateTo(offset: number): Promise<void>

  /** True while the producer has a transaction open here with that epoch. */
  hasOpenTransaction(producerId: number, producerEpoch: number): boolean
  /**
   * Call before the transaction coordinator is asked whether the producer has a transaction with this partition (KIP-890).
   * Batches appended with the guard are taken until the verification ends: with the first transactional batch of the
   * producer, a marker, a restart, or after producer.id.expiration.ms. The same guard while it is under way. undefined:
   * the transaction is open here, so there is nothing to verify. Errors: INVALID_PRODUCER_EPOCH.
   */
  beginVerification(producer: VerifiedProducer): VerificationGuard | undefined | Rejection
  /**
   * Why a coordinator's append of that kind would be refused now, because of its producer. Changes nothing. Errors:
   * INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, TRANSACTION_COORDINATOR_FENCED.
   */
  transactionRefusal(append: TransactionalBatch | TransactionMarker): Rejection | undefined
  /** Producers with state in this log (DescribeProducers). */
  activeProducers(): ProducerDescription[]
  /** Bytes of all segments. */
  readonly sizeBytes: number

  updateConfig(config: LogConfig): void
  /**
   * Resolves once all appends that are in the log now are answered: those that failed have left it, and the others are
   * as durable as the settings ask.
   */
  whenAnswered(): Promise<void>
  /** Syncs all appended records to the disk. */
  flush(): Promise<void>
  close(): Promise<void>
}

/**
 * Told how many bytes came below the high watermark and how many below the last stable offset. The end of a transaction
 * adds all that it held back to the latter. Infinity: unknown, or the end fell. Must not throw.
 */
export type ReadableListener = (bytes: number, stableBytes: number) => void

/** The origin decides what is checked: only clients' batches are checked for sequence, control bits, timestamps. */
export type AppendOrigin = 'client' | 'coordinator' | 'replication'

export interface AppendContext {
  readonly origin: AppendOrigin
  readonly leaderEpoch: number
  /**
   * Called if the batches had to wait during validation: returns the current leader epoch, or why nothing may be
   * appended any more. Left out: nothing can have changed.
   */
  readonly epochNow?: () => number | Rejection
  /** Version of the Produce request, which decides about zstd (7) and magic; undefined for internal appends. */
  readonly produceVersion?: number
  readonly nowMs: number
  /** Holds the memory of `records` until the log releases it. Left out: the log owns the buffer from now on. */
  readonly lease?: Lease
  /** Version of the transaction protocol (KIP-890) of a marker; left out: 0. From 2 on it bumps the epoch. */
  readonly transactionVersion?: number
  /**
   * Transactional records are refused with INVALID_TXN_STATE unless their transaction is open in this log, or this is
   * the guard of the producer's verification. null: there is no guard. Left out: not checked.
   */
  readonly verification?: VerificationGuard | null | undefined
}

/** A producer whose transaction is verified. */
export interface VerifiedProducer {
  readonly producerId: number
  readonly producerEpoch: number
  /** Of the batch that waits; -1: it has no sequence number. */
  readonly baseSequence: number
  /** True if each transaction bumps the producer's epoch (transaction version 2). */
  readonly bumpsEpoch: boolean
}

/** Belongs to one verification of a producer in one log. Compared by identity. Source: VerificationGuard, KIP-890. */
export interface VerificationGuard {
  readonly producerId: number
}

/** Records of a transaction, without sequence numbers. */
export interface TransactionalBatch {
  readonly producerId: number
  readonly producerEpoch: number
  /** As in AppendContext. */
  readonly verification?: VerificationGuard | null | undefined
}

/** The marker that ends a transaction. */
export interface TransactionMarker {
  readonly producerId: number
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
  /** As in AppendContext. */
  readonly transactionVersion: number
}

export interface AppendResult {
  readonly baseOffset: number
  readonly lastOffset: number
  /** -1 unless message.timestamp.type is LogAppendTime; for a duplicate the largest timestamp kept of the original. */
  readonly logAppendTimeMs: number
  readonly logStartOffset: number
  /** True if the batches were already in the log (idempotent retry); the offsets are then those of the original. */
  readonly duplicate: boolean
}

export interface AppendRejection extends Rejection {
  /** True if a request of this version must not carry these bytes: no log was read. */
  readonly ofRequest?: boolean
  /** Invalid records, where Kafka reports them (ProduceResponse v8). */
  readonly recordErrors?: readonly { readonly batchIndex: number; readonly message: string }[]
}

export interface ReadContext {
  readonly maxBytes: number
  readonly minOneBatch: boolean
  /** Exclusive end of what the reader may see: high watermark, last stable offset or log end. */
  readonly upToOffset: number
}

export interface ReadResult {
  readonly slices: readonly Buffer[]
  readonly sizeBytes: number
  /** Must be called once the slices are no longer used: they may be in pooled memory. */
  release(): void
  /** Offset of the next read: one past the last offset of the last batch; `offset` itself if nothing was read. */
  readonly nextOffset: number
  /** True if maxBytes kept out a batch that could have been read. False at upToOffset, and where a segment ends. */
  readonly isLimited: boolean
  /** True if the read began in an older segment than that of upToOffset. */
  readonly isBehind: boolean
}

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  readonly lastOffset: number
  readonly lastStableOffset: number
}

export interface TimestampAndOffset {
  readonly timestampMs: number
  readonly offset: number
  readonly leaderEpoch: number | undefined
}

export interface SegmentStart {
  readonly offset: number
  readonly isEmpty: boolean
  /** When the segment was last written to; reads it from the disk. */
  modifiedMs(): number
}

export interface ProducerDescription {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastTimestampMs: number
  readonly coordinatorEpoch: number
  /** -1: no open transaction. */
  readonly currentTransactionStartOffset: number
}

/**
 * Topic settings that a log uses, under their Kafka names in camel case. The type that
 * src/config/topic-configs.ts infers satisfies it. Long values saturate at 2^53 - 1.
 */
export interface LogConfig {
  readonly segmentBytes: number
  readonly segmentMs: number
  readonly segmentJitterMs: number
  readonly segmentIndexBytes: number
  readonly indexIntervalBytes: number
  readonly flushMessages: number
  readonly flushMs: number
  readonly retentionBytes: number
  readonly retentionMs: number
  readonly maxMessageBytes: number
  readonly maxDecompressedMessageBytes: number
  readonly fileDeleteDelayMs: number
  readonly deleteRetentionMs: number
  readonly minCompactionLagMs: number
  readonly maxCompactionLagMs: number
  readonly minCleanableDirtyRatio: number
  /** Any of 'delete' and 'compact'; empty: nothing is ever removed (KIP-1073). */
  readonly cleanupPolicy: readonly string[]
  readonly compressionType: 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  readonly compressionGzipLevel: number
  readonly compressionLz4Level: number
  readonly compressionZstdLevel: number
  readonly preallocate: boolean
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime'
  readonly messageTimestampBeforeMaxMs: number
  readonly messageTimestampAfterMaxMs: number
}
