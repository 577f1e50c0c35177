import { readInt64 } from '../../protocol/int64.ts'
import { readInt32, readUint32 } from '../../protocol/records/big-endian.ts'
import { crc32 } from '../../protocol/records/crc32.ts'
import { LEGACY_CRC, LEGACY_MAGIC, LEGACY_TIMESTAMP } from '../../protocol/records/legacy-messages.ts'
import { NO_TIMESTAMP, type RecordBatch } from '../../protocol/records/record-batch.ts'

/** Facts that stand in the header of a batch in the log, whatever its message format. */

/** Offset of the last record. In v0 and v1 it is what stands where v2 has its base offset. */
export function lastOffsetOf(batch: RecordBatch): number {
  return batch.isLegacy ? batch.baseOffset : batch.lastOffset
}

/** Largest timestamp; -1 where there is none, as in v0. */
export function maxTimestampOf(batch: RecordBatch): number {
  if (!batch.isLegacy) return batch.maxTimestamp
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
