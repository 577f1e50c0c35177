import { readInt64 } from '../../protocol/int64.ts'
import { readInt32, readUint32 } from '../../protocol/records/big-endian.ts'
import { crc32 } from '../../protocol/records/crc32.ts'
import { LEGACY_CRC, LEGACY_MAGIC, LEGACY_TIMESTAMP } from '../../protocol/records/legacy-messages.ts'
import { NO_TIMESTAMP, type RecordBatch } from '../../protocol/records/record-batch.ts'
import { openRecords, RecordFault } from '../../protocol/records/record-reader.ts'

/** Facts about a stored batch of any message format. All but one come from its header. */

/** Offset of the last record. v0 and v1 store it where v2 stores its base offset. */
export function lastOffsetOf(batch: RecordBatch): number {
  return batch.isLegacy ? batch.baseOffset : batch.lastOffset
}

/**
 * True if the header's largest timestamp cannot be right, as the first record has a larger one. sarama up to 1.45.0
 * writes -1, and the broker that stored the batch trusted it.
 */
export function hasTooLowMaxTimestamp(batch: RecordBatch): boolean {
  if (batch.isLegacy || batch.timestampType === 'LogAppendTime' || batch.deleteHorizonMs !== undefined) return false
  return batch.maxTimestamp < batch.baseTimestamp && batch.count > 0
}

/** Largest timestamp of a batch whose bytes are all there. Reads the records if the header cannot be right. */
export function latestTimestampOf(batch: RecordBatch): number {
  if (!hasTooLowMaxTimestamp(batch)) return maxTimestampOf(batch)
  const records = openRecords(batch)
  let latest = batch.maxTimestamp
  if (records instanceof RecordFault) return maxTimestampOf(batch)
  while (records.next()) latest = Math.max(latest, records.timestamp)
  return latest
}

/** Largest timestamp by the header; -1 if there is none, as in v0. */
export function maxTimestampOf(batch: RecordBatch): number {
  if (!batch.isLegacy) return hasTooLowMaxTimestamp(batch) ? batch.baseTimestamp : batch.maxTimestamp
  return batch.magic === 0 ? NO_TIMESTAMP : readInt64(batch.bytes, LEGACY_TIMESTAMP)
}

/** Epoch of the leader that wrote the batch; undefined if unknown. */
export function leaderEpochOf(batch: RecordBatch): number | undefined {
  const epoch = batch.isLegacy ? -1 : batch.partitionLeaderEpoch
  return epoch < 0 ? undefined : epoch
}

/** True if the batch has a producer id. v0 and v1 have none. */
export function hasProducerId(batch: RecordBatch): boolean {
  return !batch.isLegacy && batch.hasProducerId
}

/** True if the checksum is right. Needs the whole batch. */
export function hasValidChecksum(batch: RecordBatch): boolean {
  if (!batch.isLegacy) return batch.hasValidCrc()
  return readUint32(batch.bytes, LEGACY_CRC) === crc32(batch.bytes, LEGACY_MAGIC)
}

/** True if the offsets in the header are valid: not negative, and the last not below the first. */
export function hasValidOffsets(batch: RecordBatch): boolean {
  if (batch.baseOffset < 0) return false
  return batch.isLegacy || readInt32(batch.bytes, 23) >= 0
}
