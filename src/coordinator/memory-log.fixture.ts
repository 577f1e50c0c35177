import {
  type AppendOptions,
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

  append(records: readonly StateRecord[], { nowMs, transaction }: AppendOptions): Promise<number> {
    const producer = transaction ?? { producerId: -1, producerEpoch: -1 }
    this.batches.push(records.length)
    return this.#commit(records.map((record) => ({ ...record, timestampMs: nowMs, ...producer })))
  }

  endTransaction({ producerId, producerEpoch, result }: TransactionEnd, { nowMs }: AppendOptions): Promise<number> {
    const none = Buffer.alloc(0)
    const producer = { producerId, producerEpoch }
    return this.#commit([{ key: none, value: none, timestampMs: nowMs, ...producer, marker: result }])
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

  async #commit(records: readonly Omit<LoadedRecord, 'offset'>[]): Promise<number> {
    if (this.gate !== undefined) await this.gate
    for (const record of records) this.records.push({ ...record, offset: this.records.length })
    return this.records.length
  }
}
