import type { CompressionName } from '../compression/codec.ts'
import { codecNamed } from '../compression/codecs.ts'
import { writeInt64 } from '../int64.ts'
import { completed, RECORD_COST_BYTES, type Steps } from '../steps.ts'
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
import { type Compress, type CurrentRecord, compressHere } from './records-writer.ts'

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
  let contentBytes = 0
  for (const { key, value } of records) contentBytes += (key?.length ?? 0) + (value?.length ?? 0)
  const writer = new MessageSetWriter(roomForMessages(contentBytes, records.length), options)
  for (const record of records) writer.add(record)
  return completed(writer.finish())
}

/** Memory for `count` messages whose keys and values have contentBytes together. */
export function roomForMessages(contentBytes: number, count: number): number {
  return contentBytes + count * LEGACY_OVERHEAD_BYTES[1]
}

/** Writes a message set message by message: no objects are kept per message. */
export class MessageSetWriter {
  count = 0
  readonly #bytes: Buffer
  readonly #options: MessageSetOptions
  #position = 0
  #baseOffset = 0
  #lastOffset = 0
  #latestTimestamp = Number.NEGATIVE_INFINITY

  /** mostBytes: of all messages. */
  constructor(mostBytes: number, options: MessageSetOptions) {
    this.#bytes = Buffer.allocUnsafe(mostBytes)
    this.#options = options
  }

  /** Returns the cost in bytes. */
  add(record: Pick<CurrentRecord, 'timestamp' | 'key' | 'value'> & { readonly offset: number }): number {
    const { magic, compression = 'none' } = this.#options
    const { offset, timestamp } = record
    // Offsets in a wrapper of format v1 count from its first message.
    if (this.count === 0 && compression !== 'none' && magic === 1) this.#baseOffset = offset
    this.#lastOffset = offset
    if (timestamp > this.#latestTimestamp) this.#latestTimestamp = timestamp
    const start = this.#position
    this.#position = writeMessage(this.#bytes, start, offset - this.#baseOffset, record, 0, this.#options)
    this.count++
    return this.#position - start + RECORD_COST_BYTES
  }

  /** The message set; there must be at least one message. */
  *finish(compress: Compress = compressHere): Steps<Buffer> {
    const { magic, compression = 'none', logAppendTimeMs } = this.#options
    const messages = this.#bytes.subarray(0, this.#position)
    if (compression === 'none') return messages
    const codec = codecNamed(compression, magic)
    const value = yield* compress(codec, messages, undefined)
    const wrapper = { timestamp: logAppendTimeMs ?? this.#latestTimestamp, key: null, value }
    const bytes = Buffer.allocUnsafe(LEGACY_OVERHEAD_BYTES[magic] + value.length)
    writeMessage(bytes, 0, this.#lastOffset, wrapper, codec.id, this.#options)
    return bytes
  }
}

/** Returns the position after the message. */
function writeMessage(
  bytes: Buffer,
  start: number,
  offset: number,
  { timestamp, key, value }: Pick<CurrentRecord, 'timestamp' | 'key' | 'value'>,
  compression: number,
  { magic, logAppendTimeMs }: MessageSetOptions,
): number {
  const keyBytes = key?.length ?? 0
  const end = start + LEGACY_OVERHEAD_BYTES[magic] + keyBytes + (value?.length ?? 0)
  writeInt64(bytes, start + LEGACY_OFFSET, offset)
  writeInt32(bytes, start + LEGACY_SIZE, end - start - LEGACY_CRC)
  bytes[start + LEGACY_MAGIC] = magic
  bytes[start + LEGACY_ATTRIBUTES] = compression | (magic === 1 && logAppendTimeMs !== undefined ? 0x08 : 0)
  if (magic === 1) writeInt64(bytes, start + LEGACY_TIMESTAMP, logAppendTimeMs ?? timestamp)
  writeField(bytes, start + LEGACY_KEY[magic], key)
  writeField(bytes, start + LEGACY_KEY[magic] + 4 + keyBytes, value)
  writeInt32(bytes, start + LEGACY_CRC, crc32(bytes, start + LEGACY_MAGIC, end))
  return end
}

function writeField(message: Buffer, position: number, field: Buffer | null): void {
  writeInt32(message, position, field?.length ?? -1)
  if (field !== null) message.set(field, position + 4)
}
