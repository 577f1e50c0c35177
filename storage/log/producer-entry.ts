import { decrementSequence, NO_PRODUCER_EPOCH, NO_SEQUENCE, NO_TIMESTAMP } from '../../protocol/records/record-batch.ts'

/** A batch of an idempotent producer, as far as it is needed to know it again. */
export interface BatchMetadata {
  readonly lastSequence: number
  readonly lastOffset: number
  /** Last offset less first offset; sequences span the same. */
  readonly offsetDelta: number
  readonly timestampMs: number
}

export function firstSequenceOf(batch: BatchMetadata): number {
  return decrementSequence(batch.lastSequence, batch.offsetDelta)
}

export function firstOffsetOf(batch: BatchMetadata): number {
  return batch.lastOffset - batch.offsetDelta
}

/** Batches by which a retry is known: as many as a producer may have in flight. */
export const BATCHES_TO_RETAIN = 5

/** What a log knows of one producer. Source: ProducerStateEntry. */
export class ProducerEntry {
  readonly producerId: number
  /** -1: none yet. */
  producerEpoch = NO_PRODUCER_EPOCH
  /** Of the coordinator that sent the last marker; -1: none. */
  coordinatorEpoch = -1
  lastTimestampMs = NO_TIMESTAMP
  /** When this broker last took a batch of it, or read it from a file that does not tell a time. Not kept on disk. */
  heardMs = NO_TIMESTAMP
  /** First offset of the open transaction; undefined: none is open. */
  transactionStartOffset: number | undefined
  /** The last of its epoch, oldest first. */
  batches: BatchMetadata[] = []

  constructor(producerId: number) {
    this.producerId = producerId
  }

  /** With everything but the batches: what an append adds to. */
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

  /** Batches of another epoch are forgotten. */
  takeEpoch(producerEpoch: number): void {
    if (this.producerEpoch === producerEpoch) return
    this.producerEpoch = producerEpoch
    this.batches = []
  }

  /** A marker ended the transaction. */
  endTransaction(producerEpoch: number, coordinatorEpoch: number, timestampMs: number): void {
    this.takeEpoch(producerEpoch)
    this.coordinatorEpoch = coordinatorEpoch
    this.lastTimestampMs = timestampMs
    this.transactionStartOffset = undefined
  }

  /** Takes over what an append led to. */
  update(next: ProducerEntry): void {
    this.takeEpoch(next.producerEpoch)
    for (const batch of next.batches) this.addBatch(next.producerEpoch, batch)
    this.coordinatorEpoch = next.coordinatorEpoch
    this.lastTimestampMs = next.lastTimestampMs
    this.heardMs = next.heardMs
    this.transactionStartOffset = next.transactionStartOffset
  }

  /** The batch that spans exactly these sequences, if it is among the last. */
  findDuplicate(producerEpoch: number, firstSequence: number, lastSequence: number): BatchMetadata | undefined {
    if (producerEpoch !== this.producerEpoch) return undefined
    return this.batches.find((batch) => batch.lastSequence === lastSequence && firstSequenceOf(batch) === firstSequence)
  }
}

/**
 * True where nothing was heard of the producer for so long, and no transaction of its is open. Kafka goes by the timestamps
 * of records alone: it forgets who writes records of yesterday, or without timestamps, at the next look, and takes a
 * retry of his for something new.
 */
export function isExpired(entry: ProducerEntry, nowMs: number, expirationMs: number): boolean {
  const lastMs = Math.max(entry.lastTimestampMs, entry.heardMs)
  return entry.transactionStartOffset === undefined && nowMs - lastMs >= expirationMs
}
