import { readEndTransactionMarker } from '../../protocol/records/control-records.ts'
import type { RecordBatch } from '../../protocol/records/record-batch.ts'
import { RecordFault, readRecords } from '../../protocol/records/record-reader.ts'
import type { AbortedTransaction } from '../../storage/partition-log.ts'

/** A rule was broken. The message says which, and where. */
export class CheckFailed extends Error {
  override readonly name = 'CheckFailed'
}

export function check(condition: unknown, message: string): asserts condition {
  if (!condition) throw new CheckFailed(message)
}

/** Durability of an acknowledged record: 'written' survives the end of the process, 'synced' that of the machine. */
export type Certainty = 'written' | 'synced'

interface Acknowledged {
  readonly id: string
  certainty: Certainty
}

/** A record read from the log. `id`: its value, which is unique; for a tombstone, its offset. */
export interface FoundRecord {
  readonly offset: number
  readonly key: string | null
  readonly id: string
  readonly isTombstone: boolean
  readonly timestamp: number
}

/** A batch read from the log. */
export interface FoundBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly lastSequence: number
  readonly isTransactional: boolean
  readonly marker: 'COMMIT' | 'ABORT' | undefined
  readonly maxTimestamp: number
  readonly records: readonly FoundRecord[]
}

export function tombstoneId(offset: number): string {
  return `tombstone at ${offset}`
}

export function foundBatch(batch: RecordBatch): FoundBatch {
  check(batch.hasValidCrc(), `the batch at ${batch.baseOffset} has a wrong checksum`)
  const records = readRecords(batch)
  if (records instanceof RecordFault) throw new CheckFailed(`the batch at ${batch.baseOffset}: ${records.message}`)
  const first = batch.isControl ? records[0] : undefined
  return {
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    lastSequence: batch.lastSequence,
    isTransactional: batch.isTransactional,
    marker: first && readEndTransactionMarker(first.key, first.value)?.type,
    maxTimestamp: batch.maxTimestamp,
    records: batch.isControl
      ? []
      : records.map((record) => ({
          offset: record.offset,
          key: record.key?.toString() ?? null,
          id: record.value?.toString() ?? tombstoneId(record.offset),
          isTombstone: record.value === null,
          timestamp: record.timestamp,
        })),
  }
}

/** Possible contents of one partition after all operations on it. */
export class PartitionModel {
  readonly name: string
  readonly isCompacted: boolean
  /** Offsets assigned to each value: several if an append failed and was tried again. */
  readonly #staged = new Map<string, Set<number>>()
  /** Acknowledged records by offset. */
  readonly #acknowledged = new Map<number, Acknowledged>()
  readonly #keys = new Map<string, string>()
  /** Lowest offset that may be read; deletions and retention move it up. */
  startOffset = 0
  /** startOffset after acknowledged deletions. A power loss may undo retention, but not these. */
  #promisedStartOffset = 0

  constructor(name: string, isCompacted: boolean) {
    this.name = name
    this.isCompacted = isCompacted
  }

  /** The values got offsets from baseOffset on; the append may still fail. */
  staged(baseOffset: number, ids: readonly string[], keys: readonly string[]): void {
    ids.forEach((id, i) => {
      const offsets = this.#staged.get(id) ?? new Set()
      this.#staged.set(id, offsets.add(baseOffset + i))
      this.#keys.set(id, keys[i]!)
    })
  }

  acknowledged(baseOffset: number, ids: readonly string[], certainty: Certainty): void {
    ids.forEach((id, i) => {
      const offset = baseOffset + i
      check(this.#staged.get(id)?.has(offset), `${this.name}: ${id} was acknowledged at ${offset}, where it never was`)
      const before = this.#acknowledged.get(offset)
      check(before === undefined || before.id === id, `${this.name}: ${offset} was given to ${before?.id} and ${id}`)
      if (before?.certainty !== 'synced') this.#acknowledged.set(offset, { id, certainty })
    })
  }

  /** All acknowledged records below the offset are on the disk. */
  synced(upToOffset: number): void {
    for (const [offset, each] of this.#acknowledged) if (offset < upToOffset) each.certainty = 'synced'
  }

  /** Records below the offset were deleted, and that was acknowledged. */
  deletedBefore(offset: number): void {
    this.#promisedStartOffset = Math.max(this.#promisedStartOffset, offset)
    this.startOffset = Math.max(this.startOffset, offset)
  }

  /** After a start: the log must contain all acknowledged records and no others than those appended. */
  verify(
    batches: readonly FoundBatch[],
    logStartOffset: number,
    logEndOffset: number,
    lost: 'process' | 'power',
  ): void {
    if (lost === 'power') this.startOffset = this.#promisedStartOffset
    this.verifyStart(logStartOffset)
    this.verifyContent(batches, logStartOffset, logEndOffset)
    const found = new Map(batches.flatMap((batch) => batch.records.map((record) => [record.offset, record] as const)))
    for (const [offset, { id, certainty }] of this.#acknowledged) {
      if (offset < logStartOffset) continue
      if (lost === 'power' && certainty === 'written') {
        // In a compacted log it was replaced by a later record, not lost.
        const isLost = !this.isCompacted || offset >= logEndOffset
        if (isLost && !found.has(offset)) this.#acknowledged.delete(offset)
        continue
      }
      check(
        offset < logEndOffset,
        `${this.name}: acknowledged ${id} at ${offset} is lost: the log ends at ${logEndOffset}`,
      )
      if (!this.isCompacted)
        check(found.get(offset)?.id === id, `${this.name}: ${id} at ${offset} became ${found.get(offset)?.id}`)
    }
    // Recovered records stay: consumers see them.
    for (const record of found.values()) {
      this.#acknowledged.set(record.offset, { id: record.id, certainty: this.#certaintyAt(record.offset) })
    }
  }

  #certaintyAt(offset: number): Certainty {
    return this.#acknowledged.get(offset)?.certainty ?? 'written'
  }

  /** logStartOffset must be that of the last deletion, or higher after retention. */
  verifyStart(logStartOffset: number): void {
    check(logStartOffset >= this.startOffset, `${this.name}: start fell to ${logStartOffset} from ${this.startOffset}`)
    this.startOffset = logStartOffset
  }

  /** Checks batches read from logStartOffset to logEndOffset. */
  verifyContent(batches: readonly FoundBatch[], logStartOffset: number, logEndOffset: number): void {
    let next = -1
    for (const batch of batches) {
      const isFitting = next < 0 ? batch.baseOffset <= logStartOffset : batch.baseOffset === next
      check(
        this.isCompacted ? batch.baseOffset >= next : isFitting,
        `${this.name}: ${batch.baseOffset} follows ${next}`,
      )
      next = batch.lastOffset + 1
      for (const { offset, id, key, isTombstone } of batch.records) {
        check(this.#staged.get(id)?.has(offset), `${this.name}: ${id} is at ${offset}, where it never was`)
        check(isTombstone || this.#keys.get(id) === key, `${this.name}: key of ${id} became ${key}`)
        const acknowledged = this.#acknowledged.get(offset)
        check(
          acknowledged === undefined || acknowledged.id === id,
          `${this.name}: ${acknowledged?.id} at ${offset} became ${id}`,
        )
      }
    }
    const end = batches.length > 0 ? next : logStartOffset
    check(end === logEndOffset, `${this.name}: ends at ${end}, not at ${logEndOffset}`)
    this.#verifyOnce(batches)
  }

  /** Compaction keeps the last value of each key, unless it is a tombstone. */
  verifyLatest(batches: readonly FoundBatch[]): void {
    const found = new Set(batches.flatMap((batch) => batch.records.map(({ offset }) => offset)))
    const latest = new Map<string, number>()
    for (const offset of [...this.#acknowledged.keys()].sort((a, b) => a - b)) {
      const { id } = this.#acknowledged.get(offset)!
      if (offset >= this.startOffset) latest.set(this.#keys.get(id)!, offset)
    }
    for (const [key, offset] of latest) {
      const { id } = this.#acknowledged.get(offset)!
      check(found.has(offset) || id === tombstoneId(offset), `${this.name}: ${id}, the last of ${key}, is gone`)
    }
  }

  /** Checks that no value and no sequence number of a producer exists twice. */
  #verifyOnce(batches: readonly FoundBatch[]): void {
    const seen = new Set<string>()
    const see = (what: string): void => {
      check(!seen.has(what), `${this.name}: ${what} is there twice`)
      seen.add(what)
    }
    for (const batch of batches) {
      if (batch.producerId >= 0 && batch.marker === undefined && batch.baseSequence >= 0) {
        see(`sequence ${batch.producerId}/${batch.producerEpoch}/${batch.baseSequence}`)
      }
      for (const { id } of batch.records) see(id)
    }
  }
}

/** Expected producer state of a log, derived from its batches alone. */
export interface ExpectedProducer {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly currentTransactionStartOffset: number
}

export interface ExpectedTransactions {
  readonly producers: readonly ExpectedProducer[]
  readonly aborted: readonly AbortedTransaction[]
  readonly firstUnstableOffset: number | undefined
}

/** Derives producers and transactions from all batches, by the simplest algorithm. */
export function replayProducers(batches: readonly FoundBatch[]): ExpectedTransactions {
  const producers = new Map<number, { epoch: number; lastSequence: number; start: number | undefined }>()
  const aborted: AbortedTransaction[] = []
  for (const batch of batches) {
    if (batch.producerId < 0) continue
    let producer = producers.get(batch.producerId)
    if (producer === undefined || producer.epoch !== batch.producerEpoch) {
      producer = { epoch: batch.producerEpoch, lastSequence: -1, start: producer?.start }
      producers.set(batch.producerId, producer)
    }
    if (batch.marker === undefined) {
      producer.lastSequence = batch.lastSequence
      if (batch.isTransactional) producer.start ??= batch.baseOffset
      continue
    }
    if (producer.start !== undefined && batch.marker === 'ABORT') {
      const others = [...producers].filter(([id, each]) => id !== batch.producerId && each.start !== undefined)
      const lastStableOffset = Math.min(batch.baseOffset + 1, ...others.map(([, each]) => each.start!))
      const { producerId } = batch
      aborted.push({ producerId, firstOffset: producer.start, lastOffset: batch.baseOffset, lastStableOffset })
    }
    producer.start = undefined
  }
  const starts = [...producers.values()].flatMap(({ start }) => start ?? [])
  return {
    producers: [...producers].map(([producerId, { epoch, lastSequence, start }]) => ({
      producerId,
      producerEpoch: epoch,
      lastSequence,
      currentTransactionStartOffset: start ?? -1,
    })),
    aborted,
    firstUnstableOffset: starts.length === 0 ? undefined : Math.min(...starts),
  }
}
