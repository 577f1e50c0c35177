import type { CompressionName } from '../../protocol/compression/codec.ts'
import { codecNamed } from '../../protocol/compression/codecs.ts'
import type { Rejection } from '../../protocol/error-codes.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { type CompressionId, RecordBatch } from '../../protocol/records/record-batch.ts'
import { type LogRecord, RecordCursor, rejectionOf } from '../../protocol/records/record-reader.ts'
import type { LogConfig } from '../partition-log.ts'

/** Codec in which the batch is to be stored: that of `compression.type`. Control batches are never compressed. */
export function targetCompressionOf(batch: RecordBatch, { compressionType }: LogConfig): CompressionId {
  if (compressionType === 'producer' || batch.isControl) return batch.compression
  return codecNamed(compressionName(compressionType)).id
}

/** The same records, in uncompressed, in the codec of `compression.type`. Source: LogValidator.buildRecordsAndAssignOffsets. */
export function recompress(batch: RecordBatch, uncompressed: Buffer, config: LogConfig): RecordBatch | Rejection {
  const records: LogRecord[] = []
  const cursor = new RecordCursor(batch, uncompressed)
  while (cursor.next()) records.push(cursor.record())
  if (cursor.fault !== undefined) return rejectionOf(cursor.fault)
  const compression = compressionName(config.compressionType)
  const level = levelOf(compression, config)
  const bytes = buildBatch(
    // Offsets are dense again: the log counts by them.
    records.map((record, i) => ({ ...record, offset: batch.baseOffset + i })),
    {
      baseOffset: batch.baseOffset,
      compression,
      ...(level !== undefined && { compressionLevel: level }),
      producerId: batch.producerId,
      producerEpoch: batch.producerEpoch,
      baseSequence: batch.baseSequence,
      transactional: batch.isTransactional,
    },
  )
  return new RecordBatch(bytes)
}

function compressionName(type: LogConfig['compressionType']): CompressionName {
  return type === 'uncompressed' || type === 'producer' ? 'none' : type
}

function levelOf(compression: CompressionName, config: LogConfig): number | undefined {
  if (compression === 'gzip') return config.compressionGzipLevel
  if (compression === 'lz4') return config.compressionLz4Level
  return compression === 'zstd' ? config.compressionZstdLevel : undefined
}
