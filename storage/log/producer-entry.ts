import { decrementSequence, NO_PRODUCER_EPOCH, NO_SEQUENCE, NO_TIMESTAMP } from '../../protocol/records/record-batch.ts'

/** A batch of an idempotent producer, with the fields needed to detect a retry. */
export interface BatchMetadata {
  readonly lastSequence: number
  readonly lastOffset: number
  /** Last offset minus first offset. Sequence numbers span the same. */
  readonly offsetDelta: number
  readonly timestampMs: number
}

export function firstSequenceOf(batch: BatchMetadata): number {
  return decrementSequence(batch.lastSequence, batch.offsetDelta)
}

export function firstOffsetOf(batch: BatchMetadata): number {
  return batch.lastOffset - batch.offsetDelta
}

/** Batches kept to detect retries: as many as a producer may have in flight. */
export const BATCHES_TO_RETAIN = 5

/** State of one producer in a log. Source: ProducerStateEntry. */
export class ProducerEntry {
  readonly producerId: number
  /** -1: none yet. */
  producerEpoch = NO_PRODUCER_EPOCH
  /** Of the coordinator that sent the last marker; -1: none. */
  coordinatorEpoch = -1
  lastTimestampMs = NO_TIMESTAMP
  /** When this broker last received a batch of the producer, or read it from a file that stores no time. Not saved. */
  heardMs = NO_TIMESTAMP
  /** First offset of the open transaction; undefined if none is open. */
  transactionStartOffset: number | undefined
  /** The last batches of the current epoch, oldest first. */
  batches: BatchMetadata[] = []

  constructor(producerId: number) {
    this.producerId = producerId
  }

  /** A copy without the batches, for an append to add to. */
  withoutBatches(): ProducerEntry {
    const copy = new ProducerEntry(this.producerId)
    copy.producerEpoch = this.producerEpoch
    copy.coordinatorEpoch = this.coordinatorEpoch
    copy.lastTimestampMs = this.lastTimestampMs
    copy.heardMs = this.heardMs
    copy.transactionStartOffset = this.transactionStartOffset
    return copy
  }

  get lastBatch(): BatchMetadata | undefined {
    return this.batches.at(-1)
  }

  /** -1: no batch is known. */
  get lastSequence(): number {
    return this.lastBatch?.lastSequence ?? NO_SEQUENCE
  }

  addBatch(producerEpoch: number, batch: BatchMetadata): void {
    this.takeEpoch(producerEpoch)
    if (this.batches.length === BATCHES_TO_RETAIN) this.batches.shift()
    this.batches.push(batch)
    this.lastTimestampMs = batch.timestampMs
  }

  /** Removes batches of another epoch. */
  takeEpoch(producerEpoch: number): void {
    if (this.producerEpoch === producerEpoch) return
    this.producerEpoch = producerEpoch
    this.batches = []
  }

  /** A marker completed the transaction. */
  endTransaction(producerEpoch: number, coordinatorEpoch: number, timestampMs: number): void {
    this.takeEpoch(producerEpoch)
    this.coordinatorEpoch = coordinatorEpoch
    this.lastTimestampMs = timestampMs
    this.transactionStartOffset = undefined
  }

  /** Takes over the state after an append. */
  update(next: ProducerEntry): void {
    this.takeEpoch(next.producerEpoch)
    for (const batch of next.batches) this.addBatch(next.producerEpoch, batch)
    this.coordinatorEpoch = next.coordinatorEpoch
    this.lastTimestampMs = next.lastTimestampMs
    this.heardMs = next.heardMs
    this.transactionStartOffset = next.transactionStartOffset
  }

  /**
   * The batch with exactly these sequence numbers, if it is among the last. If there are two, the newer one: a power loss
   * may bring a snapshot back that knows a removed one, too.
   */
  findDuplicate(producerEpoch: number, firstSequence: number, lastSequence: number): BatchMetadata | undefined {
    if (producerEpoch !== this.producerEpoch) return undefined
    const isIt = (batch: BatchMetadata) =>
      batch.lastSequence === lastSequence && firstSequenceOf(batch) === firstSequence
    return this.batches.findLast(isIt)
  }
}

/**
 * True if the producer was silent for that long and has no open transaction. Kafka compares record timestamps only. A
 * producer of yesterday's records, or of records without timestamps, is forgotten at the next check, and its retry is
 * taken for new data.
 */
export function isExpired(entry: ProducerEntry, nowMs: number, expirationMs: number): boolean {
  const lastMs = Math.max(entry.lastTimestampMs, entry.heardMs)
  return entry.transactionStartOffset === undefined && nowMs - lastMs >= expirationMs
}
