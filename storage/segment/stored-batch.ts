import { readInt64 } from '../../protocol/int64.ts'
import { readInt32, readUint32 } from '../../protocol/records/big-endian.ts'
import { crc32 } from '../../protocol/records/crc32.ts'
import { LEGACY_CRC, LEGACY_MAGIC, LEGACY_TIMESTAMP } from '../../protocol/records/legacy-messages.ts'
import { NO_TIMESTAMP, type RecordBatch } from '../../protocol/records/record-batch.ts'
import { openRecords, RecordFault } from '../../protocol/records/record-reader.ts'

/** Facts of a batch in the log, whatever its message format; all but one stand in its header. */

/** Offset of the last record. In v0 and v1 it is what stands where v2 has its base offset. */
export function lastOffsetOf(batch: RecordBatch): number {
  return batch.isLegacy ? batch.baseOffset : batch.lastOffset
}

/**
 * True where the header cannot be right about the largest timestamp, as its first record has a larger one. sarama up to
 * 1.45.0 writes -1, and what kept the batch believed it.
 */
export function isUnderdated(batch: RecordBatch): boolean {
  if (batch.isLegacy || batch.timestampType === 'LogAppendTime' || batch.deleteHorizonMs !== undefined) return false
  return batch.maxTimestamp < batch.baseTimestamp && batch.count > 0
}

/** The same of a batch of which all bytes are there, by its records where the header is not to be believed. */
export function latestTimestampOf(batch: RecordBatch): number {
  if (!isUnderdated(batch)) return maxTimestampOf(batch)
  const records = openRecords(batch)
  let latest = batch.maxTimestamp
  if (records instanceof RecordFault) return maxTimestampOf(batch)
  while (records.next()) latest = Math.max(latest, records.timestamp)
  return latest
}

/** Largest timestamp, as far as the header tells; -1 where there is none, as in v0. */
export function maxTimestampOf(batch: RecordBatch): number {
  if (!batch.isLegacy) return isUnderdated(batch) ? batch.baseTimestamp : batch.maxTimestamp
  return batch.magic === 0 ? NO_TIMESTAMP : readInt64(batch.bytes, LEGACY_TIMESTAMP)
}

/** Epoch of the leader that wrote the batch; undefined where none is known. */
export function leaderEpochOf(batch: RecordBatch): number | undefined {
  const epoch = batch.isLegacy ? -1 : batch.partitionLeaderEpoch
  return epoch < 0 ? undefined : epoch
}

/** True where a producer id stands in the batch, which v0 and v1 do not have. */
export function hasProducerId(batch: RecordBatch): boolean {
  return !batch.isLegacy && batch.hasProducerId
}

/** True where the checksum fits. Needs the whole batch. */
export function hasFittingChecksum(batch: RecordBatch): boolean {
  if (!batch.isLegacy) return batch.hasValidCrc()
  return readUint32(batch.bytes, LEGACY_CRC) === crc32(batch.bytes, LEGACY_MAGIC)
}

/** True where offsets do not run backwards in the header itself. */
export function hasSoundOffsets(batch: RecordBatch): boolean {
  if (batch.baseOffset < 0) return false
  return batch.isLegacy || readInt32(batch.bytes, 23) >= 0
}
