import type { CompressionName } from '../compression/codec.ts'
import { codecNamed } from '../compression/codecs.ts'
import { writeInt64 } from '../int64.ts'
import { writeInt32 } from './big-endian.ts'
import { crc32 } from './crc32.ts'
import {
  LEGACY_ATTRIBUTES,
  LEGACY_CRC,
  LEGACY_KEY,
  LEGACY_MAGIC,
  LEGACY_OFFSET,
  LEGACY_OVERHEAD_BYTES,
  LEGACY_SIZE,
  LEGACY_TIMESTAMP,
} from './legacy-messages.ts'
import type { LogRecord } from './record-reader.ts'

/** Options of a message set. */
export interface MessageSetOptions {
  readonly magic: 0 | 1
  /** Anything but 'none' wraps all messages in one. These formats do not know zstd. */
  readonly compression?: Exclude<CompressionName, 'zstd'>
  /** Set: all messages are of type LogAppendTime and have this time (v1). */
  readonly logAppendTimeMs?: number
}

/**
 * Builds a message set of format v0 or v1 of at least one record, at the given offsets. Headers are dropped: these
 * formats have none. Source: MemoryRecordsBuilder.
 */
export function buildMessageSet(records: readonly Omit<LogRecord, 'headers'>[], options: MessageSetOptions): Buffer {
  const { magic, compression = 'none', logAppendTimeMs } = options
  if (compression === 'none') return Buffer.concat(records.map((record) => buildMessage(record, 0, options)))
  const baseOffset = magic === 0 ? 0 : records[0]!.offset
  const inner = records.map((record) => buildMessage({ ...record, offset: record.offset - baseOffset }, 0, options))
  const codec = codecNamed(compression, magic)
  const wrapper = {
    offset: records.at(-1)!.offset,
    timestamp: logAppendTimeMs ?? latestTimestamp(records),
    key: null,
    value: codec.compress(Buffer.concat(inner)),
  }
  return buildMessage(wrapper, codec.id, options)
}

// Math.max(...times) would fail: a batch can hold more records than a call can have arguments.
function latestTimestamp(records: readonly { readonly timestamp: number }[]): number {
  return records.reduce((latest, { timestamp }) => Math.max(latest, timestamp), Number.NEGATIVE_INFINITY)
}

function buildMessage(record: Omit<LogRecord, 'headers'>, compression: number, options: MessageSetOptions): Buffer {
  const { magic, logAppendTimeMs } = options
  const keyBytes = record.key?.length ?? 0
  const message = Buffer.allocUnsafe(LEGACY_OVERHEAD_BYTES[magic] + keyBytes + (record.value?.length ?? 0))
  writeInt64(message, LEGACY_OFFSET, record.offset)
  writeInt32(message, LEGACY_SIZE, message.length - LEGACY_CRC)
  message[LEGACY_MAGIC] = magic
  message[LEGACY_ATTRIBUTES] = compression | (magic === 1 && logAppendTimeMs !== undefined ? 0x08 : 0)
  if (magic === 1) writeInt64(message, LEGACY_TIMESTAMP, logAppendTimeMs ?? record.timestamp)
  writeField(message, LEGACY_KEY[magic], record.key)
  writeField(message, LEGACY_KEY[magic] + 4 + keyBytes, record.value)
  writeInt32(message, LEGACY_CRC, crc32(message, LEGACY_MAGIC))
  return message
}

function writeField(message: Buffer, position: number, field: Buffer | null): void {
  writeInt32(message, position, field?.length ?? -1)
  if (field !== null) message.set(field, position + 4)
}
