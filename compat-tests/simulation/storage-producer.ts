import { isRejection } from '../../protocol/error-codes.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { buildEndTransactionBatch } from '../../protocol/records/control-records.ts'
import { incrementSequence } from '../../protocol/records/record-batch.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import type { AppendRejection, AppendResult, PartitionLog } from '../../storage/partition-log.ts'
import { type Certainty, check, type PartitionModel, tombstoneId } from './storage-model.ts'

/** Most batches in flight: the log keeps this many for duplicates. */
const MAX_IN_FLIGHT = 5
/** Few keys, so that compaction has work. */
const KEYS = 6

interface Outgoing {
  readonly ids: readonly (string | null)[]
  readonly keys: readonly string[]
  readonly baseSequence: number
  readonly timestampMs: number
}

/** Target of a producer. */
export interface ProducerTarget {
  readonly log: PartitionLog
  readonly model: PartitionModel
  readonly certainty: Certainty
  readonly nowMs: number
}

/**
 * A well-behaved idempotent producer: it has up to five batches in flight and resends unacknowledged ones in order. If
 * the log has lost its state, it continues with a new epoch.
 */
export class SimulatedProducer {
  readonly #random: SeededRandom
  readonly #producerId: number
  readonly #isTransactional: boolean
  readonly #compression: 'none' | 'gzip' | 'snappy' | 'lz4'
  readonly #nextId: () => string
  #producerEpoch = 0
  #nextSequence = 0
  #unacknowledged: Outgoing[] = []
  #inFlight = 0
  /** Number of the broker's run: responses from an earlier one are ignored. */
  #runNumber = 0
  /** Consecutive refusals of the oldest batch. */
  #gaps = 0
  #isInTransaction = false
  #ending: 'COMMIT' | 'ABORT' | undefined

  /** producerId -1: a producer without idempotence, which sends nothing twice. */
  constructor(random: SeededRandom, producerId: number, isTransactional: boolean, nextId: () => string) {
    this.#random = random
    this.#producerId = producerId
    this.#isTransactional = isTransactional
    this.#compression = random.pick(['none', 'none', 'gzip', 'snappy', 'lz4'])
    this.#nextId = nextId
  }

  /** The broker has ended; its responses are lost. */
  disconnected(): void {
    this.#runNumber++
    this.#inFlight = 0
    if (this.#producerId < 0) this.#unacknowledged = []
  }

  step(target: ProducerTarget): void {
    if (this.#inFlight > 0) return
    if (this.#ending !== undefined && this.#unacknowledged.length === 0) this.#sendMarker(target, this.#ending)
    else {
      const fresh = this.#ending === undefined ? this.#random.below(MAX_IN_FLIGHT - this.#unacknowledged.length + 1) : 0
      for (let i = 0; i < fresh; i++) this.#unacknowledged.push(this.#compose(target.nowMs))
      for (const outgoing of [...this.#unacknowledged]) this.#send(target, outgoing)
    }
    if (this.#isInTransaction && this.#random.oneIn(4)) this.#ending ??= this.#random.pick(['COMMIT', 'ABORT'] as const)
  }

  #compose(nowMs: number): Outgoing {
    const count = 1 + this.#random.below(4)
    const baseSequence = this.#nextSequence
    this.#nextSequence = incrementSequence(baseSequence, count)
    if (this.#isTransactional) this.#isInTransaction = true
    const isTombstone = (): boolean => this.#random.oneIn(10)
    return {
      ids: Array.from({ length: count }, () => (isTombstone() ? null : this.#nextId())),
      keys: Array.from({ length: count }, () => `key ${this.#random.below(KEYS)}`),
      baseSequence,
      timestampMs: nowMs - this.#random.below(1000),
    }
  }

  #send(target: ProducerTarget, outgoing: Outgoing): void {
    const { ids, keys, baseSequence, timestampMs } = outgoing
    const records = ids.map((value, i) => ({ key: keys[i]!, value, timestamp: timestampMs + this.#random.below(50) }))
    const isIdempotent = this.#producerId >= 0
    const bytes = buildBatch(records, {
      compression: this.#compression,
      ...(isIdempotent && { producerId: this.#producerId, producerEpoch: this.#producerEpoch, baseSequence }),
      transactional: this.#isTransactional,
    })
    if (!isIdempotent) this.#unacknowledged = this.#unacknowledged.filter((each) => each !== outgoing)
    const { log, model, certainty, nowMs } = target
    const before = log.logEndOffset
    const answer = log.append(bytes, { origin: 'client', leaderEpoch: 1, produceVersion: 9, nowMs })
    if (log.logEndOffset > before) model.staged(before, withoutTombstones(ids, before), keys)
    this.#await(answer, (result) => {
      if (isRejection(result)) {
        this.#refused(result)
        return
      }
      const { baseOffset } = result as AppendResult
      this.#gaps = 0
      model.acknowledged(baseOffset, withoutTombstones(ids, baseOffset), certainty)
      this.#unacknowledged = this.#unacknowledged.filter((each) => each !== outgoing)
    })
  }

  #sendMarker({ log, nowMs }: ProducerTarget, type: 'COMMIT' | 'ABORT'): void {
    const bytes = buildEndTransactionBatch(
      { type, coordinatorEpoch: 1 },
      { producerId: this.#producerId, producerEpoch: this.#producerEpoch, timestampMs: nowMs },
    )
    this.#await(log.append(bytes, { origin: 'coordinator', leaderEpoch: 1, nowMs }), (result) => {
      if (isRejection(result)) {
        check(result.error === 'KAFKA_STORAGE_ERROR', `a marker was refused: ${result.error} ${result.message}`)
        return
      }
      this.#ending = undefined
      this.#isInTransaction = false
    })
  }

  #await(
    answer: Promise<AppendResult | AppendRejection>,
    then: (result: AppendResult | AppendRejection) => void,
  ): void {
    const runNumber = this.#runNumber
    this.#inFlight++
    answer.then(
      (result) => {
        if (runNumber !== this.#runNumber) return
        this.#inFlight--
        then(result)
      },
      // The process ended in the middle of the call.
      () => {},
    )
  }

  #refused({ error, message }: AppendRejection): void {
    if (error === 'KAFKA_STORAGE_ERROR') return
    const forgot = error === 'OUT_OF_ORDER_SEQUENCE_NUMBER' || error === 'INVALID_TXN_STATE'
    check(forgot && this.#producerId >= 0, `an append was refused: ${error} ${message}`)
    // The log refuses a sequence as too high only if an earlier batch failed or was lost.
    if (this.#inFlight > 0 || this.#unacknowledged.length === 0) return
    this.#gaps++
    if (this.#gaps < 3) return
    this.#reset()
  }

  /** Like a client whose sequence number is refused for good. */
  #reset(): void {
    this.#gaps = 0
    this.#producerEpoch++
    this.#nextSequence = 0
    this.#unacknowledged = []
  }
}

/** Tombstones have no value to identify them: their offset does. */
function withoutTombstones(ids: readonly (string | null)[], baseOffset: number): string[] {
  return ids.map((id, i) => id ?? tombstoneId(baseOffset + i))
}
