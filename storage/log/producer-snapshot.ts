import { writeInt64 } from '../../protocol/int64.ts'
import { readInt16, readInt32, writeInt16, writeInt32 } from '../../protocol/records/big-endian.ts'
import { crc32c } from '../../protocol/records/crc32c.ts'
import { type ProducerSnapshotEntry, readProducerSnapshotLayout } from '../fixed-layouts.ts'
import { ProducerEntry } from './producer-entry.ts'

/*
 * Producer snapshot (`.snapshot`; Kafka's ProducerSnapshot): producer state at the offset in the file name.
 *
 *  position  size  field
 *         0     2  version   1
 *         2     4  crc       CRC-32C of everything after it
 *         6     4  count     number of entries
 *        10        entries
 *
 *  entry     0  8  producerId
 *            8  2  producerEpoch
 *           10  4  lastSequence
 *           14  8  lastOffset
 *           22  4  offsetDelta             of the last batch: last offset less first
 *           26  8  timestamp
 *           34  4  coordinatorEpoch
 *           38  8  transactionStartOffset  -1: none is open
 */
const CRC_POSITION = 2
const COUNT_POSITION = 6
const ENTRIES_POSITION = 10
const ENTRY_BYTES = 46

export function writeProducerSnapshot(entries: Iterable<ProducerEntry>): Buffer {
  const all = [...entries]
  const bytes = Buffer.alloc(ENTRIES_POSITION + all.length * ENTRY_BYTES)
  writeInt16(bytes, 0, 1)
  writeInt32(bytes, COUNT_POSITION, all.length)
  all.forEach((entry, i) => {
    writeEntry(bytes, ENTRIES_POSITION + i * ENTRY_BYTES, entry)
  })
  writeInt32(bytes, CRC_POSITION, crc32c(bytes, COUNT_POSITION))
  return bytes
}

/** undefined if the bytes are not a whole snapshot of that version. */
export function readProducerSnapshot(bytes: Buffer): ProducerEntry[] | undefined {
  if (bytes.length < ENTRIES_POSITION || readInt16(bytes, 0) !== 1) return undefined
  const count = readInt32(bytes, COUNT_POSITION)
  if (count < 0 || bytes.length !== ENTRIES_POSITION + count * ENTRY_BYTES) return undefined
  const { crc, entries } = readProducerSnapshotLayout(bytes)
  return crc === crc32c(bytes, COUNT_POSITION) ? entries.map(producerEntry) : undefined
}

function writeEntry(bytes: Buffer, at: number, entry: ProducerEntry): void {
  const last = entry.lastBatch
  writeInt64(bytes, at, entry.producerId)
  writeInt16(bytes, at + 8, entry.producerEpoch)
  writeInt32(bytes, at + 10, entry.lastSequence)
  writeInt64(bytes, at + 14, last?.lastOffset ?? -1)
  writeInt32(bytes, at + 22, last?.offsetDelta ?? 0)
  writeInt64(bytes, at + 26, entry.lastTimestampMs)
  writeInt32(bytes, at + 34, entry.coordinatorEpoch)
  writeInt64(bytes, at + 38, entry.transactionStartOffset ?? -1)
}

function producerEntry(stored: ProducerSnapshotEntry): ProducerEntry {
  const { producerId, lastSequence, lastOffset, offsetDelta, timestampMs, transactionStartOffset } = stored
  const entry = new ProducerEntry(producerId)
  entry.producerEpoch = stored.producerEpoch
  entry.lastTimestampMs = timestampMs
  entry.coordinatorEpoch = stored.coordinatorEpoch
  if (transactionStartOffset >= 0) entry.transactionStartOffset = transactionStartOffset
  if (lastOffset >= 0) entry.batches.push({ lastSequence, lastOffset, offsetDelta, timestampMs })
  return entry
}
