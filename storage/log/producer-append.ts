import { type Rejection, reject } from '../../protocol/error-codes.ts'
import type { EndTransactionMarker } from '../../protocol/records/control-records.ts'
import { NO_PRODUCER_EPOCH, NO_SEQUENCE } from '../../protocol/records/record-batch.ts'
import type { AppendOrigin } from '../partition-log.ts'
import type { ProducerEntry } from './producer-entry.ts'
import type { Verification } from './verifications.ts'

const LARGEST_EPOCH = 32767
const LARGEST_SEQUENCE = 2 ** 31 - 1

/** A transaction completed by a marker. */
export interface CompletedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** Of the marker. */
  readonly lastOffset: number
  readonly aborted: boolean
}

/** The producer's view of a batch, with the offsets assigned to it. */
export interface ProducerBatch {
  readonly producerEpoch: number
  readonly firstSequence: number
  readonly lastSequence: number
  readonly firstOffset: number
  readonly lastOffset: number
  readonly maxTimestamp: number
  readonly isTransactional: boolean
}

/**
 * Changes of one producer by the batches of one append. They are checked against the producer's state, and not applied
 * until the whole append is accepted. Source: ProducerAppendInfo.
 */
export class ProducerAppend {
  /** The new state of the producer. */
  readonly updated: ProducerEntry
  /** First offsets of the transactions that begin. A copied append may have several, and end them. */
  readonly startedTransactions: number[] = []
  readonly #current: ProducerEntry
  readonly #origin: AppendOrigin
  readonly #partition: string
  /** As it was before the append. */
  readonly #verification: Verification | undefined

  constructor(
    current: ProducerEntry,
    append: {
      readonly origin: AppendOrigin
      readonly partition: string
      readonly verification: Verification | undefined
      /** When the batches arrived. Omitted: they are in the log already. */
      readonly nowMs?: number | undefined
    },
  ) {
    this.#current = current
    this.updated = current.withoutBatches()
    if (append.nowMs !== undefined) this.updated.heardMs = append.nowMs
    this.#origin = append.origin
    this.#partition = append.partition
    this.#verification = append.verification
  }

  /** Adds a data batch. Errors: INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_TXN_STATE. */
  addData(batch: ProducerBatch): Rejection | undefined {
    const refused =
      this.#checkEpoch(batch.producerEpoch, batch.firstOffset, 0) ??
      (this.#origin === 'client' ? (this.#checkFirstSequence(batch) ?? this.#checkSequence(batch)) : undefined)
    if (refused !== undefined) return refused
    const { updated } = this
    updated.addBatch(batch.producerEpoch, {
      lastSequence: batch.lastSequence,
      lastOffset: batch.lastOffset,
      offsetDelta: batch.lastOffset - batch.firstOffset,
      timestampMs: batch.maxTimestamp,
    })
    const isOpen = updated.transactionStartOffset !== undefined
    if (isOpen === batch.isTransactional) return undefined
    if (!isOpen) {
      updated.transactionStartOffset = batch.firstOffset
      this.startedTransactions.push(batch.firstOffset)
      return undefined
    }
    return reject(
      'INVALID_TXN_STATE',
      `Expected transactional write from producer ${updated.producerId} at offset ${batch.firstOffset} in partition ${this.#partition}`,
    )
  }

  /**
   * Adds a marker. undefined: no transaction was open. Errors: INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED.
   */
  addMarker(
    marker: EndTransactionMarker,
    at: {
      readonly producerEpoch: number
      readonly offset: number
      readonly timestampMs: number
      readonly transactionVersion: number
    },
  ): CompletedTransaction | Rejection | undefined {
    const { updated } = this
    const refused =
      this.#checkEpoch(at.producerEpoch, at.offset, at.transactionVersion) ??
      this.#checkCoordinatorEpoch(marker.coordinatorEpoch, at.offset)
    if (refused !== undefined) return refused
    const firstOffset = updated.transactionStartOffset
    updated.endTransaction(at.producerEpoch, marker.coordinatorEpoch, at.timestampMs)
    if (firstOffset === undefined) return undefined
    const { producerId } = updated
    return { producerId, firstOffset, lastOffset: at.offset, aborted: marker.type === 'ABORT' }
  }

  /**
   * From version 2 on a marker bumps the epoch (KIP-890). One that does not is stale, unless it repeats a marker
   * already written, or no higher epoch exists.
   */
  #checkEpoch(epoch: number, offset: number, transactionVersion: number): Rejection | undefined {
    const last = this.updated.producerEpoch
    const bumps = transactionVersion >= 2
    if (bumps ? epoch > last : epoch >= last) return undefined
    const isRepeated = this.updated.transactionStartOffset === undefined || epoch === LARGEST_EPOCH
    if (bumps && epoch === last && isRepeated) return undefined
    if (this.#origin === 'replication') return undefined
    return reject(
      'INVALID_PRODUCER_EPOCH',
      `Epoch of producer ${this.updated.producerId} at offset ${offset} in ${this.#partition} is ${epoch}, which is smaller than the last seen epoch ${last}`,
    )
  }

  /** While a verification is under way, a batch may be the first that arrives and not the first that was sent. */
  #checkFirstSequence({ firstSequence, firstOffset }: ProducerBatch): Rejection | undefined {
    if (this.#verification === undefined) return undefined
    const { bumpsEpoch, lowestSequence } = this.#verification
    const where = `for producer ${this.updated.producerId} at offset ${firstOffset} in partition ${this.#partition}: ${firstSequence} (incoming seq. number)`
    if (bumpsEpoch && firstSequence !== 0 && this.#current.lastBatch === undefined) {
      return reject(
        'OUT_OF_ORDER_SEQUENCE_NUMBER',
        `Invalid sequence number ${where}. Expected sequence 0 for transactions v2 idempotent producer with no existing state.`,
      )
    }
    if (firstSequence <= lowestSequence) return undefined
    return reject(
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
      `Out of order sequence number ${where}, ${lowestSequence} (earliest seen sequence)`,
    )
  }

  #checkSequence({ producerEpoch, firstSequence, firstOffset }: ProducerBatch): Rejection | undefined {
    const { updated } = this
    const where = `of producer ${updated.producerId} at offset ${firstOffset} in partition ${this.#partition}`
    if (producerEpoch !== updated.producerEpoch) {
      // An unknown producer may start at any sequence: its earlier records may have been removed.
      if (firstSequence === 0 || updated.producerEpoch === NO_PRODUCER_EPOCH) return undefined
      return reject(
        'OUT_OF_ORDER_SEQUENCE_NUMBER',
        `Invalid sequence number for new epoch ${where}: ${producerEpoch} (request epoch), ${firstSequence} (seq. number), ${updated.producerEpoch} (current producer epoch)`,
      )
    }
    const last = this.#lastSequence(producerEpoch)
    if (this.#current.producerEpoch === NO_PRODUCER_EPOCH || isNext(last, firstSequence)) return undefined
    return reject(
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
      `Out of order sequence number ${where}: ${firstSequence} (incoming seq. number), ${last} (current end sequence number)`,
    )
  }

  #lastSequence(producerEpoch: number): number {
    if (this.updated.lastBatch !== undefined) return this.updated.lastSequence
    return producerEpoch === this.#current.producerEpoch ? this.#current.lastSequence : NO_SEQUENCE
  }

  #checkCoordinatorEpoch(epoch: number, offset: number): Rejection | undefined {
    const last = this.updated.coordinatorEpoch
    if (last <= epoch || this.#origin === 'replication') return undefined
    return reject(
      'TRANSACTION_COORDINATOR_FENCED',
      `Invalid coordinator epoch for producerId ${this.updated.producerId} at offset ${offset} in partition ${this.#partition}: ${epoch} (zombie), ${last} (current)`,
    )
  }
}

function isNext(lastSequence: number, sequence: number): boolean {
  return sequence === lastSequence + 1 || (sequence === 0 && lastSequence === LARGEST_SEQUENCE)
}
