import type { CompressionName } from '../../protocol/compression/codec.ts'
import { codecNamed } from '../../protocol/compression/codecs.ts'
import type { Rejection } from '../../protocol/error-codes.ts'
import { type CompressionId, RecordBatch } from '../../protocol/records/record-batch.ts'
import { RecordCursor, rejectionOf } from '../../protocol/records/record-reader.ts'
import { type Compress, RecordsWriter, roomForRecords } from '../../protocol/records/records-writer.ts'
import { STEP_BYTES } from '../../protocol/steps.ts'
import type { LogConfig } from '../partition-log.ts'
import type { Sliced } from '../sliced-work.ts'

/** Codec for storing the batch: that of `compression.type`. Control batches are never compressed. */
export function targetCompressionOf(batch: RecordBatch, { compressionType }: LogConfig): CompressionId {
  if (compressionType === 'producer' || batch.isControl) return batch.compression
  return codecNamed(compressionName(compressionType)).id
}

/**
 * Recompresses the uncompressed records with the codec of `compression.type`. Source:
 * LogValidator.buildRecordsAndAssignOffsets.
 */
export function* recompress(
  batch: RecordBatch,
  uncompressed: Buffer,
  config: LogConfig,
  compress: Compress,
): Sliced<RecordBatch | Rejection> {
  const cursor = new RecordCursor(batch, uncompressed)
  const writer = new RecordsWriter(roomForRecords(uncompressed.length, batch.count))
  let cost = 0
  while (cursor.next()) {
    // Makes offsets dense again: the log counts records by them.
    cost += writer.add(writer.count, cursor)
    if (cost < STEP_BYTES) continue
    yield cost
    cost = 0
  }
  if (cursor.fault !== undefined) return rejectionOf(cursor.fault)
  const compression = compressionName(config.compressionType)
  const level = levelOf(compression, config)
  const options = {
    baseOffset: batch.baseOffset,
    compression,
    ...(level !== undefined && { compressionLevel: level }),
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    transactional: batch.isTransactional,
  }
  return new RecordBatch(yield* writer.finish(options, compress))
}

function compressionName(type: LogConfig['compressionType']): CompressionName {
  return type === 'uncompressed' || type === 'producer' ? 'none' : type
}

function levelOf(compression: CompressionName, config: LogConfig): number | undefined {
  if (compression === 'gzip') return config.compressionGzipLevel
  if (compression === 'lz4') return config.compressionLz4Level
  return compression === 'zstd' ? config.compressionZstdLevel : undefined
}
