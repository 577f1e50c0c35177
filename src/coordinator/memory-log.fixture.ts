import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { buildEndTransactionBatch } from '../../protocol/records/control-records.ts'
import { RecordBatch } from '../../protocol/records/record-batch.ts'
import { type ProducerCheck, ProducerState } from '../../storage/log/producer-state.ts'
import { replayBatch } from '../../storage/log/rebuild-producers.ts'
import type { TransactionalBatch, TransactionMarker, VerifiedProducer } from '../../storage/partition-log.ts'
import {
  type AppendOptions,
  type BegunVerification,
  type CoordinatorLog,
  CorruptStateError,
  type LoadedRecord,
  type StateRecord,
  type TransactionEnd,
} from './state-log.ts'

/** Coordinator log in memory, for tests: its records survive a restart of the coordinator. */
export class MemoryLog implements CoordinatorLog {
  readonly records: LoadedRecord[] = []
  /** Number of records in each append, in order. */
  readonly batches: number[] = []
  maxBatchBytes = 1024 * 1024
  /** If set, appends wait for it and are lost if it rejects. */
  gate: Promise<void> | undefined
  #producers = new ProducerState('memory')
  /** Those that are kept, to find the producers' state after a loss. */
  readonly #transactional: RecordBatch[] = []

  async append(records: readonly StateRecord[], { nowMs, transaction }: AppendOptions): Promise<number> {
    this.batches.push(records.length)
    const { producerId, producerEpoch } = transaction ?? { producerId: -1, producerEpoch: -1 }
    const added = records.map((record) => ({ ...record, timestampMs: nowMs, producerId, producerEpoch }))
    if (transaction === undefined) return this.#commit(added)
    const batch = buildBatch(records, { timestampMs: nowMs, producerId, producerEpoch, transactional: true })
    const { verification } = transaction
    return this.#commitOfProducer(batch, verification === undefined ? {} : { verification }, added)
  }

  async endTransaction(end: TransactionEnd, { nowMs }: AppendOptions): Promise<number> {
    const { producerId, producerEpoch, coordinatorEpoch, transactionVersion } = end
    const type = end.result === 'commit' ? 'COMMIT' : 'ABORT'
    const marker = { producerId, producerEpoch, timestampMs: nowMs }
    const none = Buffer.alloc(0)
    return this.#commitOfProducer(
      buildEndTransactionBatch({ type, coordinatorEpoch }, marker),
      { transactionVersion },
      [{ key: none, value: none, timestampMs: nowMs, producerId, producerEpoch, marker: end.result }],
    )
  }

  /** While set, nothing can be appended. */
  isRefusing = false

  refusal(): Rejection | undefined {
    return this.isRefusing ? reject('COORDINATOR_NOT_AVAILABLE') : undefined
  }

  transactionRefusal(append: TransactionalBatch | TransactionMarker): Rejection | undefined {
    return this.#producers.refusalOf(append, this.records.length)
  }

  beginVerification(producer: VerifiedProducer): BegunVerification {
    return this.#producers.beginVerification(producer, 0)
  }

  async load(replay: (record: LoadedRecord) => void): Promise<void> {
    await this.gate?.catch(() => undefined)
    for (const record of this.records) {
      try {
        replay(record)
      } catch (error) {
        throw new CorruptStateError(`offset ${record.offset}: ${(error as Error).message}`)
      }
    }
  }

  async #commitOfProducer(
    bytes: Buffer,
    check: Omit<ProducerCheck, 'origin'>,
    records: readonly Omit<LoadedRecord, 'offset'>[],
  ): Promise<number> {
    const batch = new RecordBatch(bytes)
    batch.baseOffset = this.records.length
    const changes = this.#producers.check([batch], { ...check, origin: 'coordinator' })
    if (isRejection(changes)) throw new Error(`the append was refused: ${changes.error}`)
    if ('appends' in changes) this.#producers.apply(changes, () => {})
    try {
      const end = await this.#commit(records)
      this.#transactional.push(batch)
      return end
    } catch (error) {
      this.#producers = new ProducerState('memory')
      for (const kept of this.#transactional) replayBatch(this.#producers, kept)
      throw error
    }
  }

  async #commit(records: readonly Omit<LoadedRecord, 'offset'>[]): Promise<number> {
    if (this.gate !== undefined) await this.gate
    for (const record of records) this.records.push({ ...record, offset: this.records.length })
    return this.records.length
  }
}
