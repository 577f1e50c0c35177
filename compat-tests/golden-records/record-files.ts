import type { CompressionName } from '../../protocol/compression/codec.ts'
import { codecOf } from '../../protocol/compression/codecs.ts'
import { buildBatch, buildEmptyBatch, type NewRecord } from '../../protocol/records/batch-builder.ts'
import { buildEndTransactionBatch, buildLeaderChangeBatch } from '../../protocol/records/control-records.ts'
import { buildMessageSet } from '../../protocol/records/legacy-builder.ts'
import { readLegacyBatch } from '../../protocol/records/legacy-messages.ts'
import { batchesOf, type RecordBatch } from '../../protocol/records/record-batch.ts'
import { type LogRecord, RecordFault, readRecords } from '../../protocol/records/record-reader.ts'

/**
 * Builds the same files as RecordFiles.java and describes them in the same text. File names give format, codec and
 * content: v1-lz4-many.
 */
const LEGACY_CODECS = ['none', 'gzip', 'snappy', 'lz4'] as const
const CODECS = [...LEGACY_CODECS, 'zstd'] as const
const TIME = 1_700_000_000_000
const APPEND_TIME = 1_700_000_009_999
const LIMIT_BYTES = 10_000_000

const FEW: readonly NewRecord[] = [
  {
    offset: 100,
    timestamp: TIME,
    key: 'key',
    value: 'value',
    headers: [
      { key: 'h1', value: 'value ü' },
      { key: '', value: null },
    ],
  },
  { offset: 101, timestamp: TIME + 500_000, key: null, value: 'no key' },
  { offset: 102, timestamp: TIME - 1_000_000, key: 'no value', value: null },
  { offset: 107, timestamp: TIME + 1, key: '', value: '' },
]

const MANY: readonly NewRecord[] = Array.from({ length: 1800 }, (_, i) => ({
  offset: 100 + i,
  timestamp: TIME + i,
  key: `key ${i % 7}`,
  value: `record ${i} says ${(Math.imul(i, 0x9e3779b1) >>> 0).toString(16)}, and as before it says nothing new`,
}))

/** All files, by name. */
export function recordFiles(): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (const magic of [0, 1] as const) {
    for (const codec of LEGACY_CODECS) files.set(`v${magic}-${codec}-few`, messageSet(FEW, magic, codec))
  }
  files.set('v1-gzip-append-time', messageSet(FEW, 1, 'gzip', APPEND_TIME))
  files.set('v2-none-append-time', batch(FEW, 'none', APPEND_TIME))
  files.set('v0-lz4-many', messageSet(MANY, 0, 'lz4'))
  files.set('v1-snappy-many', messageSet(MANY, 1, 'snappy'))
  for (const codec of CODECS) {
    files.set(`v2-${codec}-few`, batch(FEW, codec))
    if (codec !== 'none') files.set(`v2-${codec}-many`, batch(MANY, codec))
  }
  const place = { baseOffset: 42, partitionLeaderEpoch: 3 }
  const producer = { producerId: 7000, producerEpoch: 5 }
  for (const type of ['COMMIT', 'ABORT'] as const) {
    const marker = buildEndTransactionBatch(
      { type, coordinatorEpoch: 11 },
      { ...place, ...producer, timestampMs: TIME },
    )
    files.set(`v2-${type.toLowerCase()}`, marker)
  }
  const change = { leaderId: 1, voters: [1, 2], grantingVoters: [1] }
  files.set('v2-leader-change', buildLeaderChangeBatch(change, { ...place, timestampMs: TIME }))
  const ends = { lastOffset: 50, maxTimestamp: TIME, timestampType: 'CreateTime' as const }
  files.set('v2-empty', buildEmptyBatch({ ...place, ...producer, ...ends, baseSequence: 17 }))
  return files
}

function batch(records: readonly NewRecord[], compression: CompressionName, logAppendTimeMs?: number): Buffer {
  return buildBatch(records, {
    baseOffset: 100,
    partitionLeaderEpoch: 3,
    compression,
    producerId: 7000,
    producerEpoch: 5,
    baseSequence: 17,
    transactional: true,
    ...(logAppendTimeMs !== undefined && { logAppendTimeMs }),
  })
}

function messageSet(
  records: readonly NewRecord[],
  magic: 0 | 1,
  compression: (typeof LEGACY_CODECS)[number],
  logAppendTimeMs?: number,
): Buffer {
  const bytes = (field: NewRecord['key']) => (typeof field === 'string' ? Buffer.from(field) : null)
  const messages = records.map((record) => ({
    offset: record.offset!,
    timestamp: record.timestamp!,
    key: bytes(record.key),
    value: bytes(record.value),
  }))
  return buildMessageSet(messages, { magic, compression, ...(logAppendTimeMs !== undefined && { logAppendTimeMs }) })
}

/** Contents of a file, one line per batch and record. Throws if anything is invalid. */
export function describeFile(bytes: Buffer): string[] {
  const { batches, endPosition, corruption } = batchesOf(bytes)
  if (endPosition !== bytes.length) throw new Error(corruption ?? 'cut batch')
  return batches.flatMap((found) => (found.isLegacy ? describeLegacyBatch(found) : describeBatch(found)))
}

function describeBatch(found: RecordBatch): string[] {
  if (!found.hasValidCrc()) throw new Error('wrong checksum')
  const records = readRecords(found, LIMIT_BYTES)
  if (records instanceof RecordFault) throw new Error(records.message)
  const head = [
    `batch v2 ${codecOf(found.compression)!.name} offsets ${found.baseOffset}-${found.lastOffset}`,
    `${found.timestampType} ${found.maxTimestamp} epoch ${found.partitionLeaderEpoch}`,
    `producer ${found.producerId}/${found.producerEpoch}/${found.baseSequence}`,
    ...(found.isTransactional ? ['transactional'] : []),
    ...(found.isControl ? ['control'] : []),
  ]
  return [head.join(' '), ...records.map(describeRecord)]
}

function describeLegacyBatch(found: RecordBatch): string[] {
  const { magic, compression, timestampType, records } = unwrap(readLegacyBatch(found, LIMIT_BYTES))
  const type = magic === 0 ? 'NoTimestampType' : timestampType
  const latest = Math.max(...records.map((record) => record.timestamp))
  const offsets = `${records[0]!.offset}-${records.at(-1)!.offset}`
  const head = `batch v${magic} ${codecOf(compression)!.name} offsets ${offsets} ${type} ${latest} epoch -1 producer -1/-1/-1`
  return [head, ...records.map(describeRecord)]
}

function unwrap<T>(result: T | RecordFault): T {
  if (result instanceof RecordFault) throw new Error(result.message)
  return result
}

function describeRecord(record: LogRecord): string {
  const headers = record.headers.map(({ key, value }) => `${hex(key)}=${hex(value)}`)
  return [record.offset, record.timestamp, hex(record.key), hex(record.value), ...headers].join(' ')
}

function hex(bytes: Buffer | null): string {
  return bytes === null ? 'null' : `x${bytes.toString('hex')}`
}
