import { codecOf } from '../compression/codecs.ts'
import { BATCH_HEADER_BYTES, type BatchHeader, writeBatchHeader } from './record-batch.ts'
import { sizeOfVarlong, writeVarlong } from './varint.ts'

/** One record of a forged batch. Fields are written as given, valid or not. */
export interface ForgedRecord {
  readonly offsetDelta?: number
  readonly timestampDelta?: number
  readonly attributes?: number
  readonly key?: string | null
  readonly value?: string | null
  /** Written before the headers. Omitted: the number of headers. */
  readonly headerCount?: number
  readonly headers?: readonly (readonly [keyLength: number, key: string, valueLength: number, value: string])[]
  /** Values of the length fields, if they are to be wrong. */
  readonly length?: number
  readonly keyLength?: number
  readonly valueLength?: number
}

/** A batch whose header and records may contradict each other. */
export interface Forgery {
  readonly records?: readonly ForgedRecord[]
  /** Bytes after the records, compressed with them. */
  readonly trailing?: Buffer
  /** Replaces the records and the trailing bytes. */
  readonly content?: Buffer
  /** Changes the compressed bytes. */
  readonly damage?: (compressed: Buffer) => Buffer
  /** Replaces the output of the codec. */
  readonly compressed?: Buffer
  readonly header?: Partial<BatchHeader>
  /** Id of the codec. */
  readonly codec?: number
}

/** Bytes of the batch, with a valid checksum. */
export function forgedBatch(forgery: Forgery): Buffer {
  const { records = [], codec = 0, header = {} } = forgery
  const content =
    forgery.content ??
    Buffer.concat([...records.map((record, i) => recordBytes(record, i)), forgery.trailing ?? Buffer.alloc(0)])
  const plain = forgery.compressed ?? codecOf(codec)!.compress(content)
  const body = forgery.damage?.(plain) ?? plain
  const bytes = Buffer.concat([Buffer.alloc(BATCH_HEADER_BYTES), body])
  const latest = records.reduce((most, { timestampDelta = 0 }) => Math.max(most, timestampDelta), 0)
  const baseTimestamp = header.baseTimestamp ?? 0
  writeBatchHeader(bytes, {
    baseOffset: 0,
    lastOffsetDelta: (header.count ?? records.length) - 1,
    partitionLeaderEpoch: -1,
    compression: codec,
    timestampType: 'CreateTime',
    transactional: false,
    control: false,
    hasDeleteHorizon: false,
    baseTimestamp,
    maxTimestamp: baseTimestamp + latest,
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    count: records.length,
    ...header,
  })
  return bytes
}

/** The bytes of one record. */
export function recordBytes(record: ForgedRecord, index = 0): Buffer {
  const { key = 'k', value = 'v', headers = [] } = record
  const parts = [
    Buffer.from([record.attributes ?? 0]),
    varint(record.timestampDelta ?? 0),
    varint(record.offsetDelta ?? index),
    field(key, record.keyLength),
    field(value, record.valueLength),
    varint(record.headerCount ?? headers.length),
    ...headers.flatMap(([keyLength, name, valueLength, content]) => [
      varint(keyLength),
      Buffer.from(name),
      varint(valueLength),
      Buffer.from(content),
    ]),
  ]
  const body = Buffer.concat(parts)
  return Buffer.concat([varint(record.length ?? body.length), body])
}

function field(text: string | null, length = text === null ? -1 : Buffer.byteLength(text)): Buffer {
  return Buffer.concat([varint(length), Buffer.from(text ?? '')])
}

function varint(value: number): Buffer {
  const bytes = Buffer.alloc(sizeOfVarlong(value))
  writeVarlong(bytes, 0, value)
  return bytes
}
