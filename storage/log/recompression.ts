import type { CompressionName } from '../../protocol/compression/codec.ts'
import { codecNamed } from '../../protocol/compression/codecs.ts'
import type { Rejection } from '../../protocol/error-codes.ts'
import { buildBatch, type NewRecord } from '../../protocol/records/batch-builder.ts'
import { type CompressionId, RecordBatch, withCompressedRecords } from '../../protocol/records/record-batch.ts'
import { RecordCursor, rejectionOf } from '../../protocol/records/record-reader.ts'
import type { Offload } from '../host/host.ts'
import type { LogConfig } from '../partition-log.ts'
import type { Sliced } from '../sliced-work.ts'

/** Codec for storing the batch: that of `compression.type`. Control batches are never compressed. */
export function targetCompressionOf(batch: RecordBatch, { compressionType }: LogConfig): CompressionId {
  if (compressionType === 'producer' || batch.isControl) return batch.compression
  return codecNamed(compressionName(compressionType)).id
}

/**
 * Recompresses the uncompressed records with the codec of `compression.type`; synchronously if offload is omitted.
 * Source: LogValidator.buildRecordsAndAssignOffsets.
 */
export function* recompress(
  batch: RecordBatch,
  uncompressed: Buffer,
  config: LogConfig,
  offload: Offload | undefined,
): Sliced<RecordBatch | Rejection> {
  const records: NewRecord[] = []
  const cursor = new RecordCursor(batch, uncompressed)
  let bytes = 0
  while (cursor.next()) {
    // Makes offsets dense again: the log counts records by them.
    records.push({ ...cursor.record(), offset: batch.baseOffset + records.length })
    bytes += cursor.sizeBytes
    if (offload === undefined || bytes < STEP_BYTES) continue
    yield bytes
    bytes = 0
  }
  if (cursor.fault !== undefined) return rejectionOf(cursor.fault)
  const plain = buildBatch(records, {
    baseOffset: batch.baseOffset,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    transactional: batch.isTransactional,
  })
  return yield* compress(new RecordBatch(plain), config, offload)
}

/** Number of records read at once. */
const STEP_BYTES = 262_144

function* compress(plain: RecordBatch, config: LogConfig, offload: Offload | undefined): Sliced<RecordBatch> {
  const codec = codecNamed(compressionName(config.compressionType))
  if (codec.name === 'none') return plain
  const level = levelOf(codec.name, config)
  if (offload === undefined) return withCompressedRecords(plain, codec.id, codec.compress(plain.recordBytes, level))
  yield plain.sizeBytes
  let compressed: Buffer | undefined
  const elsewhere = offload.compress(codec.name, plain.recordBytes, level)
  if (elsewhere === undefined) compressed = yield* codec.compressing(plain.recordBytes, level)
  else {
    yield elsewhere.then((bytes) => {
      compressed = bytes
    })
  }
  return withCompressedRecords(plain, codec.id, compressed!)
}

function compressionName(type: LogConfig['compressionType']): CompressionName {
  return type === 'uncompressed' || type === 'producer' ? 'none' : type
}

function levelOf(compression: CompressionName, config: LogConfig): number | undefined {
  if (compression === 'gzip') return config.compressionGzipLevel
  if (compression === 'lz4') return config.compressionLz4Level
  return compression === 'zstd' ? config.compressionZstdLevel : undefined
}
