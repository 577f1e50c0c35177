import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { readEndTransactionMarker } from '../../protocol/records/control-records.ts'
import { NO_SEQUENCE, NO_TIMESTAMP, type RecordBatch } from '../../protocol/records/record-batch.ts'
import { openRecords, RecordFault } from '../../protocol/records/record-reader.ts'
import type {
  AppendOrigin,
  ProducerDescription,
  TransactionalBatch,
  TransactionMarker,
  VerificationGuard,
  VerifiedProducer,
} from '../partition-log.ts'
import type { AppendedEnd } from '../readable-end.ts'
import { hasProducerId, maxTimestampOf } from '../segment/stored-batch.ts'
import { type CompletedTransaction, ProducerAppend } from './producer-append.ts'
import { type BatchMetadata, firstOffsetOf, isExpired, ProducerEntry } from './producer-entry.ts'
import { UnstableTransactions } from './unstable-transactions.ts'
import { type Verification, Verifications } from './verifications.ts'

/** Changes of producers by an append, applied once it is accepted. */
export interface ProducerChanges {
  readonly appends: readonly ProducerAppend[]
  readonly completed: readonly CompletedTransaction[]
  /** The batches that belong to transactions. */
  readonly transactional: readonly RecordBatch[]
}

/** The append is a duplicate of one in the log. */
export interface DuplicateAppend {
  readonly duplicate: BatchMetadata
}

export interface ProducerCheck {
  readonly origin: AppendOrigin
  /** KIP-890: version of the transaction protocol of a marker. */
  readonly transactionVersion?: number
  /** As in AppendContext. */
  readonly verification?: VerificationGuard | null
  /** When the batches arrived. Omitted: they are in the log already. */
  readonly nowMs?: number
}

type BatchOfTransaction = Pick<RecordBatch, 'producerId' | 'producerEpoch' | 'isTransactional' | 'isControl'>

const NO_CHANGES: ProducerChanges = { appends: [], completed: [], transactional: [] }

/**
 * Producers with state in one log. Their last sequence numbers detect retries and gaps; their open transactions limit
 * what read_committed consumers see. In memory; `producer-snapshot.ts` defines the file. Source: ProducerStateManager.
 */
export class ProducerState {
  readonly #partition: string
  readonly #producers = new Map<number, ProducerEntry>()
  #verifications = new Verifications()
  readonly #unstable = new UnstableTransactions()

  constructor(partition: string, entries: readonly ProducerEntry[] = []) {
    this.#partition = partition
    for (const entry of entries) this.#producers.set(entry.producerId, entry)
    const open = entries.filter((entry) => entry.transactionStartOffset !== undefined)
    open.sort((a, b) => a.transactionStartOffset! - b.transactionStartOffset!)
    for (const { producerId, transactionStartOffset: offset } of open) {
      this.#unstable.begin(producerId, { offset: offset!, appendedBytes: Number.NEGATIVE_INFINITY })
    }
  }

  get entries(): Iterable<ProducerEntry> {
    return this.#producers.values()
  }

  get count(): number {
    return this.#producers.size
  }

  find(producerId: number): ProducerEntry | undefined {
    return this.#producers.get(producerId)
  }

  /** True if the producer has an open transaction with that epoch. */
  hasOpenTransaction(producerId: number, producerEpoch: number): boolean {
    const entry = this.#producers.get(producerId)
    return entry?.transactionStartOffset !== undefined && entry.producerEpoch === producerEpoch
  }

  /** As PartitionLog.beginVerification. Source: UnifiedLog.maybeStartTransactionVerification. */
  beginVerification(producer: VerifiedProducer, nowMs: number): Verification | undefined | Rejection {
    const { producerId, producerEpoch } = producer
    const fenced = this.#checkEpoch(producerId, producerEpoch)
    if (fenced !== undefined) return fenced
    return this.hasOpenTransaction(producerId, producerEpoch) ? undefined : this.#verifications.begin(producer, nowMs)
  }

  /** These producers were rebuilt from the files after a truncation, where verifications are not stored. */
  keepVerificationsOf(before: ProducerState): void {
    this.#verifications = before.#verifications
  }

  /** As PartitionLog.transactionRefusal. offset: of the append. */
  refusalOf(append: TransactionalBatch | TransactionMarker, offset: number): Rejection | undefined {
    const { producerId, producerEpoch } = append
    const isControl = 'coordinatorEpoch' in append
    const check: ProducerCheck = isControl ? { origin: 'coordinator' } : { origin: 'coordinator', ...append }
    const refusal = this.#checkTransaction({ producerId, producerEpoch, isTransactional: true, isControl }, check)
    if (refusal !== undefined) return refusal
    const tried = this.#appendOf(producerId, check, new Map())
    const outcome = isControl ? tryMarker(tried, append, offset) : tryData(tried, append, offset)
    return isRejection(outcome) ? outcome : undefined
  }

  /**
   * Checks batches with assigned offsets, and changes nothing. Order of checks:
   * UnifiedLog.analyzeAndValidateProducerState.
   */
  check(batches: readonly RecordBatch[], check: ProducerCheck): ProducerChanges | DuplicateAppend | Rejection {
    let appends: Map<number, ProducerAppend> | undefined
    const completed: CompletedTransaction[] = []
    const transactional: RecordBatch[] = []
    for (const batch of batches) {
      if (!hasProducerId(batch)) continue
      const known = this.#producers.get(batch.producerId)
      const duplicate = check.origin === 'client' ? duplicateOf(batch, known) : undefined
      if (duplicate !== undefined) return { duplicate }
      const refusal = this.#checkTransaction(batch, check)
      if (refusal !== undefined) return refusal
      appends ??= new Map()
      const append = this.#appendOf(batch.producerId, check, appends)
      const outcome = addBatch(append, batch, check)
      if (isRejection(outcome)) return outcome
      if (outcome !== undefined) completed.push(outcome)
      if (batch.isTransactional) transactional.push(batch)
    }
    return appends === undefined ? NO_CHANGES : { appends: [...appends.values()], completed, transactional }
  }

  /**
   * Applies checked changes. For each transaction completed, reports the last stable offset valid from then on.
   * appendedBytes: before the append; omitted: not known. Source: UnifiedLog.append.
   */
  apply(
    changes: ProducerChanges,
    onCompleted: (completed: CompletedTransaction, lastStableOffset: number) => void,
    appendedBytes = Number.NEGATIVE_INFINITY,
  ): void {
    for (const { updated, startedTransactions } of changes.appends) {
      const known = this.#producers.get(updated.producerId)
      if (known === undefined) this.#producers.set(updated.producerId, updated)
      else known.update(updated)
      for (const offset of startedTransactions) this.#unstable.begin(updated.producerId, { offset, appendedBytes })
    }
    for (const batch of changes.transactional) this.#verifications.appended(batch)
    for (const completed of changes.completed) {
      const { producerId, lastOffset } = completed
      onCompleted(completed, this.#unstable.firstOfOthers(producerId) ?? lastOffset + 1)
      this.#unstable.end(completed)
    }
  }

  /** Start of the oldest transaction that is open, or ended and not forgotten. */
  get firstUnstable(): AppendedEnd | undefined {
    return this.#unstable.first
  }

  /** Forgets ended transactions below the offset: consumers can read their markers. */
  forgetCompletedBelow(offset: number): void {
    this.#unstable.forgetEndedBelow(offset)
  }

  /** Forgets producers that were silent for that long, unless they have an open transaction. */
  removeExpired(nowMs: number, expirationMs: number): void {
    for (const [producerId, entry] of this.#producers) {
      if (isExpired(entry, nowMs, expirationMs)) this.#producers.delete(producerId)
    }
    this.#verifications.removeExpired(nowMs, expirationMs)
  }

  describe(): ProducerDescription[] {
    return [...this.#producers.values()].map((entry) => ({
      producerId: entry.producerId,
      producerEpoch: entry.producerEpoch,
      lastSequence: entry.lastSequence,
      lastTimestampMs: entry.lastTimestampMs,
      coordinatorEpoch: entry.coordinatorEpoch,
      currentTransactionStartOffset: entry.transactionStartOffset ?? -1,
    }))
  }

  #appendOf(producerId: number, check: ProducerCheck, appends: Map<number, ProducerAppend>): ProducerAppend {
    let append = appends.get(producerId)
    if (append === undefined) {
      const known = this.#producers.get(producerId) ?? new ProducerEntry(producerId)
      const verification = this.#verifications.find(producerId)
      const { origin, nowMs } = check
      append = new ProducerAppend(known, { origin, partition: this.#partition, verification, nowMs })
      appends.set(producerId, append)
    }
    return append
  }

  /** Source: UnifiedLog.analyzeAndValidateProducerState. */
  #checkTransaction(batch: BatchOfTransaction, { origin, verification }: ProducerCheck): Rejection | undefined {
    if (origin === 'replication' || !batch.isTransactional) return undefined
    const { producerId, producerEpoch } = batch
    if (this.hasOpenTransaction(producerId, producerEpoch)) return undefined
    const fenced = this.#checkEpoch(producerId, producerEpoch)
    if (fenced !== undefined || batch.isControl || verification === undefined) return fenced
    if (this.#verifications.find(producerId) === verification) return undefined
    return reject('INVALID_TXN_STATE', 'Record was not part of an ongoing transaction')
  }

  #checkEpoch(producerId: number, producerEpoch: number): Rejection | undefined {
    const last = this.#producers.get(producerId)?.producerEpoch
    if (last === undefined || producerEpoch >= last) return undefined
    return reject(
      'INVALID_PRODUCER_EPOCH',
      `Epoch of producer ${producerId} is ${producerEpoch}, which is smaller than the last seen epoch ${last}`,
    )
  }
}

/** Offsets of the batch that an append duplicates. */
export function originalOffsets({ duplicate }: DuplicateAppend): {
  readonly baseOffset: number
  readonly lastOffset: number
} {
  return { baseOffset: firstOffsetOf(duplicate), lastOffset: duplicate.lastOffset }
}

function duplicateOf(batch: RecordBatch, known: ProducerEntry | undefined): BatchMetadata | undefined {
  return known?.findDuplicate(batch.producerEpoch, batch.baseSequence, batch.lastSequence)
}

function addBatch(
  append: ProducerAppend,
  batch: RecordBatch,
  check: ProducerCheck,
): CompletedTransaction | Rejection | undefined {
  const { producerEpoch } = batch
  if (!batch.isControl) {
    return append.addData({
      producerEpoch,
      firstSequence: batch.baseSequence,
      lastSequence: batch.lastSequence,
      firstOffset: batch.baseOffset,
      lastOffset: batch.lastOffset,
      maxTimestamp: maxTimestampOf(batch),
      isTransactional: batch.isTransactional,
    })
  }
  const records = openRecords(batch)
  // Compaction can leave batches without records.
  if (records instanceof RecordFault || !records.next()) return undefined
  const marker = readEndTransactionMarker(records.key, records.value)
  if (marker === undefined) return undefined
  const { transactionVersion = 0 } = check
  return append.addMarker(marker, {
    producerEpoch,
    offset: batch.baseOffset,
    timestampMs: records.timestamp,
    transactionVersion,
  })
}

/** Adds any batch of that producer. */
function tryData(append: ProducerAppend, { producerEpoch }: TransactionalBatch, offset: number): Rejection | undefined {
  return append.addData({
    producerEpoch,
    firstSequence: NO_SEQUENCE,
    lastSequence: NO_SEQUENCE,
    firstOffset: offset,
    lastOffset: offset,
    maxTimestamp: NO_TIMESTAMP,
    isTransactional: true,
  })
}

/** Adds the marker of that kind. Its type and time make no difference. */
function tryMarker(append: ProducerAppend, marker: TransactionMarker, offset: number) {
  const { producerEpoch, coordinatorEpoch, transactionVersion } = marker
  const at = { producerEpoch, offset, timestampMs: NO_TIMESTAMP, transactionVersion }
  return append.addMarker({ type: 'ABORT', coordinatorEpoch }, at)
}
