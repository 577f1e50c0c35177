import type { CompressionName } from '../../protocol/compression/codec.ts'
import { codecNamed } from '../../protocol/compression/codecs.ts'
import { writeInt64 } from '../../protocol/int64.ts'
import { writeInt32 } from '../../protocol/records/big-endian.ts'
import { crc32 } from '../../protocol/records/crc32.ts'
import { buildMessageSet } from '../../protocol/records/legacy-builder.ts'
import { LEGACY_ATTRIBUTES, LEGACY_CRC, LEGACY_MAGIC, LEGACY_OFFSET } from '../../protocol/records/legacy-messages.ts'
import { BATCH_HEADER_BYTES, writeBatchHeader } from '../../protocol/records/record-batch.ts'
import { sizeOfVarlong, writeVarlong } from '../../protocol/records/varint.ts'

/** Time of all records but the last of a batch, and of that one. */
export const [FIRST_MS, LAST_MS] = [1_767_225_600_000, 1_767_225_660_000]
const SMALL = Buffer.from('v')
const RECORD_ROOM_BYTES = 64

/**
 * A v2 batch of small records, as many as take contentBytes before compression. The last one has the latest time.
 * keys: 'one' for all, or each its own.
 */
export function batchOfSmallRecords(
  contentBytes: number,
  compression: CompressionName,
  keys: 'one' | 'own' = 'one',
): Buffer {
  const content = Buffer.allocUnsafe(contentBytes + 2 * RECORD_ROOM_BYTES)
  const keyOf = (count: number): Buffer => (keys === 'one' ? SMALL : Buffer.from(`${count}`))
  let at = 0
  let count = 0
  for (; at < contentBytes; count++) at = writeSmallRecord(content, at, count, 0, keyOf(count))
  at = writeSmallRecord(content, at, count, LAST_MS - FIRST_MS, keyOf(count))
  count++
  const codec = codecNamed(compression)
  const batch = Buffer.concat([Buffer.alloc(BATCH_HEADER_BYTES), codec.compress(content.subarray(0, at))])
  writeBatchHeader(batch, {
    baseOffset: 0,
    lastOffsetDelta: count - 1,
    partitionLeaderEpoch: -1,
    compression: codec.id,
    timestampType: 'CreateTime',
    transactional: false,
    control: false,
    hasDeleteHorizon: false,
    baseTimestamp: FIRST_MS,
    maxTimestamp: LAST_MS,
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    count,
  })
  return batch
}

function writeSmallRecord(
  bytes: Buffer,
  start: number,
  offsetDelta: number,
  timestampDelta: number,
  key: Buffer,
): number {
  const bodyBytes = 1 + sizeOfVarlong(timestampDelta) + sizeOfVarlong(offsetDelta) + 1 + key.length + 2 + 1
  let at = writeVarlong(bytes, start, bodyBytes)
  bytes[at++] = 0
  at = writeVarlong(bytes, writeVarlong(bytes, at, timestampDelta), offsetDelta)
  for (const field of [key, SMALL]) {
    at = writeVarlong(bytes, at, field.length)
    at += field.copy(bytes, at)
  }
  bytes[at++] = 0
  return at
}

/** The same as messages of format v1, all with one time; compressed: in one wrapper. */
export function messagesOfSmallRecords(contentBytes: number, compression: 'none' | 'lz4' | 'snappy'): Buffer {
  const one = buildMessageSet([{ offset: 0, timestamp: FIRST_MS, key: SMALL, value: SMALL }], { magic: 1 })
  const count = Math.ceil(contentBytes / one.length)
  const content = Buffer.allocUnsafe(count * one.length)
  for (let i = 0; i < count; i++) {
    one.copy(content, i * one.length)
    writeInt64(content, i * one.length + LEGACY_OFFSET, i)
  }
  if (compression === 'none') return content
  const codec = codecNamed(compression, 1)
  const wrapper = buildMessageSet(
    [{ offset: count - 1, timestamp: FIRST_MS, key: null, value: codec.compress(content) }],
    { magic: 1 },
  )
  wrapper[LEGACY_ATTRIBUTES] = codec.id
  writeInt32(wrapper, LEGACY_CRC, crc32(wrapper, LEGACY_MAGIC))
  return wrapper
}
