import type { CompressionName } from '../../protocol/compression/codec.ts'
import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { buildEndTransactionBatch, readEndTransactionMarker } from '../../protocol/records/control-records.ts'
import { RecordBatch } from '../../protocol/records/record-batch.ts'
import { openRecords, RecordFault } from '../../protocol/records/record-reader.ts'
import { runInSlices, type Slices } from '../../storage/host/turn-slices.ts'
import type {
  AppendContext,
  PartitionLog,
  TransactionalBatch,
  TransactionMarker,
  VerifiedProducer,
} from '../../storage/partition-log.ts'
import { hasValidChecksum, lastOffsetOf } from '../../storage/segment/stored-batch.ts'
import type { Partition } from '../partition/partition.ts'
import type { FoundPartition } from '../partition/partition-registry.ts'
import {
  type AppendOptions,
  type BegunVerification,
  type CoordinatorLog,
  CorruptStateError,
  type LoadedRecord,
  type StateRecord,
  TooFewReplicasError,
  type TransactionEnd,
} from './state-log.ts'

/** Records replayed per slice of loading. */
const RECORDS_PER_STEP = 64
/** Bytes per read while loading. Source: offsets.load.buffer.size. */
const LOAD_BYTES = 5 * 1024 * 1024

const NOTHING = Buffer.alloc(0)

/** acks of every append. */
const ALL_IN_SYNC = -1

/** What an append says about the producer of its batch. */
type ProducerContext = Pick<AppendContext, 'nowMs' | 'verification' | 'transactionVersion'>

/** Finds the partition. A promise while its log is being opened. */
export type FindPartition = () => FoundPartition | Promise<FoundPartition>

/** Coordinator log in one partition of its internal topic, in Kafka's format. */
export class PartitionStateLog implements CoordinatorLog {
  readonly #find: FindPartition
  readonly #compression: CompressionName
  readonly #slices: Slices

  /** Appends that wait until the log is open. Later ones wait behind them. */
  #waiting = 0

  /** `find` runs at each use: deleting and recreating the topic makes a new partition. Loading runs in `slices`. */
  constructor(find: FindPartition, slices: Slices, compression: CompressionName = 'none') {
    this.#find = find
    this.#slices = slices
    this.#compression = compression
  }

  get maxBatchBytes(): number {
    const partition = this.#find()
    const isOpen = !(partition instanceof Promise) && !isRejection(partition)
    return isOpen ? partition.settings.maxMessageBytes : Number.POSITIVE_INFINITY
  }

  append(records: readonly StateRecord[], { nowMs, transaction }: AppendOptions): Promise<number> {
    const options = { timestampMs: nowMs, compression: this.#compression }
    if (transaction === undefined) return this.#write(buildBatch(records, options), { nowMs })
    const { producerId, producerEpoch, verification } = transaction
    const batch = buildBatch(records, { producerId, producerEpoch, transactional: true, ...options })
    return this.#write(batch, verification === undefined ? { nowMs } : { nowMs, verification })
  }

  endTransaction(end: TransactionEnd, { nowMs }: AppendOptions): Promise<number> {
    const { producerId, producerEpoch, coordinatorEpoch, transactionVersion } = end
    const type = end.result === 'commit' ? 'COMMIT' : 'ABORT'
    const marker = { producerId, producerEpoch, timestampMs: nowMs }
    return this.#write(buildEndTransactionBatch({ type, coordinatorEpoch }, marker), { nowMs, transactionVersion })
  }

  refusal(): Rejection | undefined {
    const found = this.#find()
    if (found instanceof Promise || isRejection(found)) return undefined
    const refused = found.appendRefusal(ALL_IN_SYNC)
    return refused?.error === 'NOT_ENOUGH_REPLICAS' ? reject('COORDINATOR_NOT_AVAILABLE') : undefined
  }

  transactionRefusal(append: TransactionalBatch | TransactionMarker): Rejection | undefined {
    const found = this.#find()
    // Appends that wait for the log may change the answer.
    if (this.#waiting > 0 || found instanceof Promise || isRejection(found)) return undefined
    return found.log.transactionRefusal(append)
  }

  beginVerification(producer: VerifiedProducer): BegunVerification | Promise<BegunVerification> {
    const begin = (found: FoundPartition) => (isRejection(found) ? found : found.log.beginVerification(producer))
    const found = this.#find()
    return found instanceof Promise ? found.then(begin) : begin(found)
  }

  #write(batch: Buffer, context: ProducerContext): Promise<number> {
    const found = this.#find()
    if (this.#waiting === 0 && !(found instanceof Promise)) return this.#append(found, batch, context)
    return this.#appendOnceOpen(found, batch, context)
  }

  async #appendOnceOpen(found: ReturnType<FindPartition>, batch: Buffer, context: ProducerContext): Promise<number> {
    this.#waiting++
    let opened: FoundPartition
    try {
      opened = await found
    } finally {
      this.#waiting--
    }
    return this.#append(opened, batch, context)
  }

  async #append(found: FoundPartition, batch: Buffer, context: ProducerContext): Promise<number> {
    const partition = served(found)
    const { leaderEpoch } = partition
    const result = await partition.append(batch, { origin: 'coordinator', acks: ALL_IN_SYNC, leaderEpoch, ...context })
    if ('baseOffset' in result) return result.lastOffset + 1
    throw new (result.error === 'NOT_ENOUGH_REPLICAS' ? TooFewReplicasError : AppendRefused)(result.error)
  }

  /** All or nothing, as in Kafka: an unreadable batch may have changed any key of the shard. */
  async load(replay: (record: LoadedRecord) => void): Promise<void> {
    const { log } = served(await this.#find())
    // The coordinator before may have staged what a crash would still take away.
    await log.whenAnswered()
    let offset = log.logStartOffset
    const gaps = new GapCheck(log)
    while (offset < log.logEndOffset) {
      const read = await log.read(offset, { maxBytes: LOAD_BYTES, minOneBatch: true, upToOffset: log.logEndOffset })
      if (!('slices' in read)) {
        if (read.error === 'CORRUPT_MESSAGE') throw damaged(log, offset, 'there is no valid batch')
        throw new AppendRefused(read.error)
      }
      try {
        // A batch may span several slices.
        const bytes = read.slices.length === 1 ? read.slices[0]! : Buffer.concat(read.slices)
        await runInSlices(replaySteps(log, bytes, offset, replay, gaps), this.#slices)
      } finally {
        read.release()
      }
      // Compaction may have removed the last records below the end.
      if (read.nextOffset === offset) return
      offset = read.nextOffset
    }
  }
}

function served(partition: FoundPartition): Partition {
  if (isRejection(partition)) throw new AppendRefused(partition.error)
  return partition
}

/** The partition's log refused an append. */
export class AppendRefused extends Error {
  override readonly name = 'AppendRefused'
}

/** Names the place and the remedy that loses least: it keeps everything before the damage and every other file. */
function damaged(log: PartitionLog, offset: number, reason: string): CorruptStateError {
  const { file, position } = log.locate(offset)
  const remedy = `restore the file, or stop the broker and truncate the file there (truncate -s ${position} ${file}), which loses all records after it`
  return new CorruptStateError(`offset ${offset} (${file}, position ${position}): ${reason}; ${remedy}`)
}

/** Notices batches that are gone from the middle of a log. */
class GapCheck {
  readonly #log: PartitionLog
  #nextOffset: number

  constructor(log: PartitionLog) {
    this.#log = log
    this.#nextOffset = log.logStartOffset
  }

  /** Call for each batch in order. Throws if records before it were lost; what compaction removed was not. */
  pass(batch: RecordBatch): void {
    const dense = this.#log.denseFrom
    const lostFrom = Math.max(this.#nextOffset, dense?.offset ?? Number.POSITIVE_INFINITY)
    if (!batch.isLegacy && dense !== undefined && batch.baseOffset > lostFrom) {
      throw lost(this.#log, lostFrom, batch.baseOffset, dense.file)
    }
    this.#nextOffset = lastOffsetOf(batch) + 1
  }
}

/** The remedy that loses least: everything that is left is served, even an older record of a key. */
function lost(log: PartitionLog, fromOffset: number, toOffset: number, denseFile: string): CorruptStateError {
  const { file, position } = log.locate(toOffset)
  const remedy = `restore the file, or stop the broker and remove ${denseFile}, which serves what is left: keys whose last record is gone go back to an older one`
  return new CorruptStateError(
    `offsets ${fromOffset} to ${toOffset - 1} are gone (${file}, before position ${position}); ${remedy}`,
  )
}

function* replaySteps(
  log: PartitionLog,
  bytes: Buffer,
  fromOffset: number,
  replay: (record: LoadedRecord) => void,
  gaps: GapCheck,
): Generator<void, void> {
  for (let position = 0; position < bytes.length; ) {
    const { sizeBytes } = new RecordBatch(bytes.subarray(position))
    const batch = new RecordBatch(bytes.subarray(position, position + sizeBytes))
    gaps.pass(batch)
    yield* replayBatch(log, batch, fromOffset, replay)
    position += sizeBytes
    yield
  }
}

function* replayBatch(
  log: PartitionLog,
  batch: RecordBatch,
  fromOffset: number,
  replay: (record: LoadedRecord) => void,
): Generator<void, void> {
  if (!hasValidChecksum(batch)) throw damaged(log, batch.baseOffset, 'the checksum is wrong')
  const cursor = openRecords(batch)
  if (cursor instanceof RecordFault) throw damaged(log, batch.baseOffset, cursor.message)
  const { producerId, producerEpoch, isControl, isTransactional } = batch
  for (let count = 1; cursor.next(); count++) {
    if (count % RECORDS_PER_STEP === 0) yield
    const { offset, timestamp: timestampMs, key, value } = cursor
    if (offset < fromOffset || key === null) continue
    const record = {
      offset,
      timestampMs,
      producerId: isTransactional ? producerId : -1,
      producerEpoch,
      key,
      value,
    }
    try {
      if (!isControl) replay(record)
      else {
        const end = readEndTransactionMarker(key, value)
        const marker = end?.type === 'COMMIT' ? 'commit' : 'abort'
        if (end !== undefined) replay({ marker, ...record, key: NOTHING, value: NOTHING })
      }
    } catch (error) {
      throw damaged(log, offset, `the record cannot be replayed: ${(error as Error).message}`)
    }
  }
  if (cursor.fault !== undefined) throw damaged(log, batch.baseOffset, cursor.fault.message)
}
