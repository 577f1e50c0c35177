import { controlRecordType } from '../../protocol/records/control-records.ts'
import type { RecordBatch } from '../../protocol/records/record-batch.ts'
import { openRecords, RecordFault } from '../../protocol/records/record-reader.ts'
import type { AbortedTransaction } from '../partition-log.ts'

/**
 * Used while compaction reads a log from its start. Tells which batches belong to aborted transactions, and which
 * markers end transactions with no batches left. Source: CleanedTransactionMetadata.
 */
export class TransactionFilter {
  /** Aborted transactions still ahead, the next one last. */
  #ahead: AbortedTransaction[] = []
  readonly #aborting = new Map<number, { readonly transaction: AbortedTransaction; hasData: boolean }>()
  readonly #committing = new Set<number>()
  /** Called with each aborted transaction whose marker is kept, for the new transaction index. */
  readonly #onKeptAbort: (aborted: AbortedTransaction) => void

  constructor(onKeptAbort: (aborted: AbortedTransaction) => void = () => {}) {
    this.#onKeptAbort = onKeptAbort
  }

  add(aborted: readonly AbortedTransaction[]): void {
    this.#ahead.push(...aborted)
    this.#ahead.sort((a, b) => b.firstOffset - a.firstOffset)
  }

  /** True: the batch belongs to an aborted transaction. */
  isAborted(batch: RecordBatch): boolean {
    this.#passTo(batch.lastOffset)
    if (!batch.isTransactional) return false
    const aborting = this.#aborting.get(batch.producerId)
    if (aborting === undefined) {
      this.#committing.add(batch.producerId)
      return false
    }
    aborting.hasData = true
    return true
  }

  /** True: the marker's transaction has no batches left, so the marker may be removed. */
  isMarkerOfNothing(batch: RecordBatch): boolean {
    this.#passTo(batch.lastOffset)
    const records = openRecords(batch)
    if (records instanceof RecordFault || !records.next()) return true
    const { producerId } = batch
    const type = controlRecordType(records.key)
    if (type === 'COMMIT') return !this.#committing.delete(producerId)
    if (type !== 'ABORT') return false
    const aborting = this.#aborting.get(producerId)
    this.#aborting.delete(producerId)
    if (aborting === undefined || !aborting.hasData) return true
    this.#onKeptAbort(aborting.transaction)
    return false
  }

  #passTo(offset: number): void {
    for (let next = this.#ahead.at(-1); next !== undefined && next.firstOffset <= offset; next = this.#ahead.at(-1)) {
      this.#ahead.pop()
      if (!this.#aborting.has(next.producerId)) {
        this.#aborting.set(next.producerId, { transaction: next, hasData: false })
      }
    }
  }
}
