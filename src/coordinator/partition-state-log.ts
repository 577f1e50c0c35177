import type { CompressionName } from '../../protocol/compression/codec.ts'
import { isRejection, type Rejection } from '../../protocol/error-codes.ts'
import { invariant } from '../../protocol/invariant.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { buildEndTransactionBatch, readEndTransactionMarker } from '../../protocol/records/control-records.ts'
import { RecordBatch } from '../../protocol/records/record-batch.ts'
import { openRecords, RecordFault } from '../../protocol/records/record-reader.ts'
import type { Partition } from '../partition/partition.ts'
import type { AppendOptions, CoordinatorLog, LoadedRecord, StateRecord, TransactionEnd } from './state-log.ts'

/** Bytes that are read at a time while loading. Source: offsets.load.buffer.size. */
const LOAD_BYTES = 5 * 1024 * 1024

/** A coordinator's log in one partition of its internal topic, in Kafka's format. */
export class PartitionStateLog implements CoordinatorLog {
  readonly #find: () => Partition | Rejection
  readonly #compression: CompressionName

  /** The partition is looked up at each use: it is another one once its topic was deleted and made anew. */
  constructor(find: () => Partition | Rejection, compression: CompressionName = 'none') {
    this.#find = find
    this.#compression = compression
  }

  get maxBatchBytes(): number {
    const partition = this.#find()
    return isRejection(partition) ? Number.POSITIVE_INFINITY : partition.settings.maxMessageBytes
  }

  append(records: readonly StateRecord[], { nowMs, transaction }: AppendOptions): Promise<number> {
    const stamped = records.map(({ key, value }) => ({ key, value, timestamp: nowMs }))
    const ofTransaction = transaction === undefined ? {} : { ...transaction, transactional: true }
    return this.#write(buildBatch(stamped, { ...ofTransaction, compression: this.#compression }), nowMs)
  }

  endTransaction(end: TransactionEnd, { nowMs }: AppendOptions): Promise<number> {
    const { producerId, producerEpoch, coordinatorEpoch } = end
    const type = end.result === 'commit' ? 'COMMIT' : 'ABORT'
    const marker = { producerId, producerEpoch, timestampMs: nowMs }
    return this.#write(buildEndTransactionBatch({ type, coordinatorEpoch }, marker), nowMs)
  }

  async #write(batch: Buffer, nowMs: number): Promise<number> {
    const partition = this.#partition()
    const { leaderEpoch } = partition
    const result = await partition.append(batch, { origin: 'coordinator', acks: -1, leaderEpoch, nowMs })
    if (!('baseOffset' in result)) throw new AppendRefused(result.error)
    return result.lastOffset + 1
  }

  async load(replay: (record: LoadedRecord) => void): Promise<void> {
    const { log } = this.#partition()
    let offset = log.logStartOffset
    while (offset < log.logEndOffset) {
      const read = await log.read(offset, { maxBytes: LOAD_BYTES, minOneBatch: true, upToOffset: log.logEndOffset })
      if (!('slices' in read)) throw new AppendRefused(read.error)
      try {
        // Batches lie across slices as the log likes.
        replayBatches(read.slices.length === 1 ? read.slices[0]! : Buffer.concat(read.slices), offset, replay)
      } finally {
        read.release()
      }
      invariant(read.nextOffset > offset, 'a read below the end of the log found nothing')
      offset = read.nextOffset
    }
  }

  #partition(): Partition {
    const partition = this.#find()
    if (isRejection(partition)) throw new AppendRefused(partition.error)
    return partition
  }
}

/** The partition's log refused what the coordinator asked of it. */
export class AppendRefused extends Error {
  override readonly name = 'AppendRefused'
}

function replayBatches(bytes: Buffer, fromOffset: number, replay: (record: LoadedRecord) => void): void {
  for (let position = 0; position < bytes.length; ) {
    const batch = new RecordBatch(bytes.subarray(position))
    const end = position + batch.sizeBytes
    replayBatch(new RecordBatch(bytes.subarray(position, end)), fromOffset, replay)
    position = end
  }
}

function replayBatch(batch: RecordBatch, fromOffset: number, replay: (record: LoadedRecord) => void): void {
  const cursor = openRecords(batch)
  if (cursor instanceof RecordFault) throw new Error(cursor.message)
  const { producerId, producerEpoch, isControl, isTransactional } = batch
  while (cursor.next()) {
    const { offset, timestamp: timestampMs, key, value } = cursor
    if (offset < fromOffset || key === null) continue
    const producer = { producerId: isTransactional ? producerId : -1, producerEpoch }
    const record = { offset, timestampMs, ...producer, key, value }
    if (!isControl) replay(record)
    else {
      const end = readEndTransactionMarker(key, value)
      if (end !== undefined) replay({ ...record, marker: end.type === 'COMMIT' ? 'commit' : 'abort' })
    }
  }
  if (cursor.fault !== undefined) throw new Error(cursor.fault.message)
}
