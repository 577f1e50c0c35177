import { batchesOf, type RecordBatch } from '../../protocol/records/record-batch.ts'
import { RecordFault, readRecords } from '../../protocol/records/record-reader.ts'
import { CheckFailed, check } from './storage-model.ts'

/** Header that identifies each record: a tombstone has no value to identify it. */
export const ID_HEADER = 'id'

/** A record as a client sent it. `id` is never used twice. */
export interface SentRecord {
  readonly id: string
  readonly key: string
  /** Null: a tombstone. */
  readonly value: string | null
  readonly timestampMs: number
}

/** A record as the broker gives it back. */
export interface ReadRecord extends SentRecord {
  readonly offset: number
}

export interface ReadBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly leaderEpoch: number
  readonly records: readonly ReadRecord[]
}

/** Records of a batch, with what tells whether it is the same one. Its checksum was verified. */
interface Opened {
  readonly crc: number
  readonly sizeBytes: number
  readonly records: readonly ReadRecord[]
}

/** Reads the batches of one partition's fetch responses. Those that it has read before are not decompressed again. */
export class BatchReader {
  /** The last batch read at each base offset. */
  readonly #opened = new Map<number, Opened>()

  /**
   * The batches of a fetch response. Throws CheckFailed if one is incomplete or has a wrong checksum, or if epochs fall.
   * mayBeTorn: a power loss may have flipped bits. The checksum does not cover the epoch, so as in Kafka it may be wrong.
   */
  read(bytes: Buffer, mayBeTorn: boolean): ReadBatch[] {
    const scan = batchesOf(bytes)
    check(scan.endPosition === bytes.length, 'a fetch gave a part of a batch')
    let leaderEpoch = -1
    return scan.batches.map((batch) => {
      const { baseOffset, lastOffset, partitionLeaderEpoch } = batch
      const isRising = partitionLeaderEpoch >= leaderEpoch || mayBeTorn
      check(isRising, `epoch ${partitionLeaderEpoch} at ${baseOffset} follows ${leaderEpoch}`)
      leaderEpoch = partitionLeaderEpoch
      check(batch.hasValidCrc(), `the batch at ${baseOffset} has a wrong checksum`)
      return { baseOffset, lastOffset, leaderEpoch, records: this.#recordsOf(batch) }
    })
  }

  #recordsOf(batch: RecordBatch): readonly ReadRecord[] {
    const { baseOffset, crc, sizeBytes } = batch
    const before = this.#opened.get(baseOffset)
    if (before?.crc === crc && before.sizeBytes === sizeBytes) return before.records
    const records = openRecords(batch)
    this.#opened.set(baseOffset, { crc, sizeBytes, records })
    return records
  }
}

function openRecords(batch: RecordBatch): readonly ReadRecord[] {
  const records = readRecords(batch)
  if (records instanceof RecordFault) throw new CheckFailed(`the batch at ${batch.baseOffset}: ${records.message}`)
  return records.map(({ offset, key, value, timestamp, headers }) => {
    check(headers.length === 1 && headers[0]!.key.toString() === ID_HEADER, `headers at ${offset} are not ours`)
    const id = headers[0]!.value!.toString()
    return { offset, id, key: key!.toString(), value: value?.toString() ?? null, timestampMs: timestamp }
  })
}
