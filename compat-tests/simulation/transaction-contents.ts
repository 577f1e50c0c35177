import { readEndTransactionMarker } from '../../protocol/records/control-records.ts'
import { batchesOf, type RecordBatch } from '../../protocol/records/record-batch.ts'
import { RecordFault, readRecords } from '../../protocol/records/record-reader.ts'
import { ID_HEADER } from './batch-reader.ts'
import type { PartitionFetch } from './broker-consumer.ts'
import type { PartitionHistory } from './broker-model.ts'
import { CheckFailed, check } from './storage-model.ts'
import type { TransactionLedger } from './transaction-ledger.ts'

/** What is at an offset: a record, or the marker of a producer. */
type Found =
  | { readonly kind: 'record'; readonly id: string }
  | { readonly kind: 'marker'; readonly text: string; readonly producerId: number }

/** Ends of a partition as a broker answered them. */
export interface KnownEnds {
  readonly highWatermark: number
  readonly lastStableOffset: number
}

interface Contents {
  readonly found: Map<number, Found>
  /** What read_committed consumers do with the record at an offset. */
  readonly fates: Map<number, 'committed' | 'aborted'>
  /** Checksum of the batch that was read last at a base offset, and what is in it. */
  readonly opened: Map<number, { readonly crc: number; readonly content: ReadonlyMap<number, Found> }>
  highWatermark: number
  lastStableOffset: number
  start: number
}

/** What was read of a partition. */
export interface ReadContents {
  readonly nextOffset: number
  readonly committed: number
  readonly aborted: number
  readonly markers: number
}

/** All that clients have read of all partitions: what they read later must not contradict it. */
export class TransactionContents {
  readonly #ledger: TransactionLedger
  readonly #byPartition = new Map<PartitionHistory, Contents>()
  /** Where a record is, by topic id and id. */
  readonly #offsets = new Map<string, number>()

  constructor(ledger: TransactionLedger) {
    this.#ledger = ledger
  }

  #of(partition: PartitionHistory): Contents {
    let contents = this.#byPartition.get(partition)
    if (contents === undefined) {
      contents = {
        found: new Map(),
        fates: new Map(),
        opened: new Map(),
        highWatermark: 0,
        lastStableOffset: 0,
        start: 0,
      }
      this.#byPartition.set(partition, contents)
    }
    return contents
  }

  /** What a fetch that is sent now must not fall short of. */
  endsOf(partition: PartitionHistory): KnownEnds {
    const { highWatermark, lastStableOffset } = this.#of(partition)
    return { highWatermark, lastStableOffset }
  }

  /** Records below it may be deleted. */
  mayStartAt(partition: PartitionHistory, offset: number): void {
    const contents = this.#of(partition)
    contents.start = Math.max(contents.start, offset)
  }

  /** Takes a fetch answer. ends: when it was sent. */
  take(
    partition: PartitionHistory,
    answer: PartitionFetch,
    asked: { readonly offset: number; readonly ends: KnownEnds; readonly isCommittedOnly: boolean },
  ): ReadContents {
    const { name } = partition
    const contents = this.#of(partition)
    const { highWatermark, lastStableOffset = -1 } = answer
    const { ends } = asked
    check(
      highWatermark >= ends.highWatermark,
      `${name}: the high watermark fell from ${ends.highWatermark} to ${highWatermark}`,
    )
    check(
      lastStableOffset >= ends.lastStableOffset,
      `${name}: the last stable offset fell from ${ends.lastStableOffset} to ${lastStableOffset}`,
    )
    check(
      lastStableOffset <= highWatermark,
      `${name}: the last stable offset ${lastStableOffset} is above the high watermark ${highWatermark}`,
    )
    contents.highWatermark = Math.max(contents.highWatermark, highWatermark)
    contents.lastStableOffset = Math.max(contents.lastStableOffset, lastStableOffset)
    const bytes = Buffer.concat(answer.records as Buffer[])
    const { batches, endPosition } = batchesOf(bytes)
    check(endPosition === bytes.length, `${name}: a fetch gave a part of a batch`)
    const end = asked.isCommittedOnly ? lastStableOffset : highWatermark
    this.#checkPlaces(name, batches, asked.offset, end)
    for (const batch of batches) this.#note(partition, contents, batch)
    const fates = asked.isCommittedOnly
      ? this.#applyAborted(partition, batches, answer.abortedTransactions ?? [], asked.offset)
      : { committed: 0, aborted: 0 }
    const markers = batches.filter(({ isControl }) => isControl).length
    return { nextOffset: batches.at(-1)?.nextOffset ?? asked.offset, ...fates, markers }
  }

  /** Batches follow each other without a gap, below the end. */
  #checkPlaces(name: string, batches: readonly RecordBatch[], offset: number, end: number): void {
    let next = offset
    for (const [i, { baseOffset, lastOffset }] of batches.entries()) {
      const follows = i === 0 ? baseOffset <= next && lastOffset >= next : baseOffset === next
      check(follows, `${name}: ${baseOffset} to ${lastOffset} were read at ${next}`)
      check(lastOffset < end, `${name}: ${lastOffset} was read, and the end is ${end}`)
      next = lastOffset + 1
    }
  }

  #note(partition: PartitionHistory, { found, opened }: Contents, batch: RecordBatch): void {
    const { name } = partition
    const { baseOffset, crc } = batch
    if (opened.get(baseOffset)?.crc === crc) return
    const content = contentOf(batch)
    opened.set(baseOffset, { crc, content })
    check(batch.hasValidCrc(), `${name}: the batch at ${batch.baseOffset} has a wrong checksum`)
    for (const [offset, each] of content) {
      const before = found.get(offset)
      if (before !== undefined) {
        check(textOf(before) === textOf(each), `${name}: ${offset} held ${textOf(before)}, and now ${textOf(each)}`)
        continue
      }
      found.set(offset, each)
      if (each.kind === 'marker') continue
      const record = this.#ledger.recordOf(each.id)
      // A record may come to the next topic of the name.
      check(record.partition.name === name, `${name}: ${each.id} at ${offset} was sent to ${record.partition.name}`)
      const key = `${partition.topic.id} ${each.id}`
      const place = this.#offsets.get(key) ?? offset
      check(place === offset, `${name}: ${each.id} is at ${place} and at ${offset}`)
      this.#offsets.set(key, offset)
      this.#ledger.checkProducer(record, batch)
    }
  }

  /** Leaves out records of aborted transactions like a stock consumer. Source: CompletedFetch. */
  #applyAborted(
    partition: PartitionHistory,
    batches: readonly RecordBatch[],
    abortedTransactions: readonly { readonly producerId: number; readonly firstOffset: number }[],
    fromOffset: number,
  ): { committed: number; aborted: number } {
    const waiting = [...abortedTransactions].sort((a, b) => a.firstOffset - b.firstOffset)
    const aborted = new Set<number>()
    const counts = { committed: 0, aborted: 0 }
    for (const batch of batches) {
      while (waiting.length > 0 && waiting[0]!.firstOffset <= batch.lastOffset) aborted.add(waiting.shift()!.producerId)
      if (batch.isControl) {
        if (isAbort(batch)) aborted.delete(batch.producerId)
        continue
      }
      const fate = batch.isTransactional && aborted.has(batch.producerId) ? 'aborted' : 'committed'
      for (const offset of this.#of(partition).opened.get(batch.baseOffset)!.content.keys()) {
        if (offset < fromOffset) continue
        counts[fate]++
        this.#decide(partition, offset, fate)
      }
    }
    return counts
  }

  #decide(partition: PartitionHistory, offset: number, fate: 'committed' | 'aborted'): void {
    const { found, fates } = this.#of(partition)
    const { id } = found.get(offset) as { id: string }
    const before = fates.get(offset) ?? fate
    check(before === fate, `${partition.name}: ${id} at ${offset} was ${before}, and now it is ${fate}`)
    fates.set(offset, fate)
    const record = this.#ledger.recordOf(id)
    if (fate === 'committed') this.#ledger.sawCommitted(record, offset)
    else this.#ledger.sawAborted(record, offset)
  }

  /** What became of the record; undefined: no read_committed consumer has come to it. */
  fateOf(partition: PartitionHistory, id: string): 'committed' | 'aborted' | undefined {
    const offset = this.#offsets.get(`${partition.topic.id} ${id}`)
    return offset === undefined ? undefined : this.#of(partition).fates.get(offset)
  }

  /** Ids of the records that are committed, in their order in the partition. */
  committedIn(partition: PartitionHistory): string[] {
    const { found, fates } = this.#of(partition)
    return [...fates]
      .filter(([, fate]) => fate === 'committed')
      .sort(([a], [b]) => a - b)
      .map(([offset]) => (found.get(offset) as { id: string }).id)
  }

  /** Epochs of a producer, and of its coordinators, do not fall in a partition. */
  checkEpochs(partition: PartitionHistory): void {
    const { found } = this.#of(partition)
    const last = new Map<number, number>()
    for (const offset of [...found.keys()].sort((a, b) => a - b)) {
      const each = found.get(offset)!
      if (each.kind !== 'marker') continue
      const coordinatorEpoch = Number(each.text.split(' ').at(-1))
      const before = last.get(each.producerId) ?? -1
      check(coordinatorEpoch >= before, `${partition.name}: ${each.text} at ${offset}, and ${before} came before`)
      last.set(each.producerId, coordinatorEpoch)
    }
  }
}

/** Records or marker of a batch, by offset. */
function contentOf(batch: RecordBatch): Map<number, Found> {
  const records = readRecords(batch)
  if (records instanceof RecordFault) throw new CheckFailed(`the batch at ${batch.baseOffset}: ${records.message}`)
  if (batch.isControl) {
    const [record] = records
    const marker = readEndTransactionMarker(record!.key, record!.value)
    check(marker !== undefined, `the batch at ${batch.baseOffset} is no marker`)
    const { producerId, producerEpoch } = batch
    const text = `${marker.type} of ${producerId} with epoch ${producerEpoch}, coordinator epoch ${marker.coordinatorEpoch}`
    return new Map([[batch.baseOffset, { kind: 'marker', text, producerId }]])
  }
  return new Map(
    records.map(({ offset, headers }) => {
      check(headers[0]?.key.toString() === ID_HEADER, `headers at ${offset} are not ours`)
      return [offset, { kind: 'record', id: headers[0].value!.toString() }]
    }),
  )
}

function isAbort(batch: RecordBatch): boolean {
  const records = readRecords(batch)
  if (records instanceof RecordFault) return false
  return readEndTransactionMarker(records[0]!.key, records[0]!.value)?.type === 'ABORT'
}

function textOf(found: Found): string {
  return found.kind === 'record' ? found.id : found.text
}
