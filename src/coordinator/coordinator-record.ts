import { ByteWriter } from '../../protocol/byte-writer.ts'
import { decodeKey, decodeValue, writeKey, writeValue } from '../../protocol/internal-records/coordinator-framing.ts'
import type { CoordinatorRecordSchema, Fields, ValueOf } from '../../protocol/schema.ts'
import type { StateRecord } from './state-log.ts'

// biome-ignore lint/suspicious/noExplicitAny: records of every schema stand in one list
type AnySchema = CoordinatorRecordSchema<any, any>

/**
 * One decoded change of a coordinator's state: the new value of a key, or null if the key is deleted. Decisions produce
 * it and replay takes it, so a new record is not decoded again.
 */
export interface CoordinatorRecord<K = unknown, V = unknown> {
  readonly schema: AnySchema
  readonly key: K
  readonly value: V | null
  /** Version in which the value is encoded. */
  readonly version: number
}

/** Record with its value in the given version. Fields the version lacks must have their default. */
export function record<K extends Fields, V extends Fields>(
  schema: CoordinatorRecordSchema<K, V>,
  version: number,
  key: ValueOf<K>,
  value: ValueOf<V>,
): CoordinatorRecord {
  return { schema, key, value, version }
}

/** Record that deletes a key. */
export function tombstone<K extends Fields>(schema: CoordinatorRecordSchema<K>, key: ValueOf<K>): CoordinatorRecord {
  return { schema, key, value: null, version: 0 }
}

/** Usual size of a record's key and value. */
const RECORD_BYTES = 96

/** Encodes records into one buffer: a commit may have ten thousand of them. */
export function encodeRecords(records: readonly CoordinatorRecord[]): StateRecord[] {
  const writer = new ByteWriter(records.length * RECORD_BYTES, Number.POSITIVE_INFINITY)
  const keyEnds = new Float64Array(records.length)
  const ends = new Float64Array(records.length)
  records.forEach(({ schema, key, value, version }, index) => {
    writeKey(schema, key as ValueOf<Fields>, writer)
    keyEnds[index] = writer.position
    if (value !== null) writeValue(schema, version, value as ValueOf<Fields>, writer)
    ends[index] = writer.position
  })
  const { bytes } = writer
  return records.map(({ value }, index) => {
    const keyEnd = keyEnds[index]!
    return {
      key: bytes.subarray(index === 0 ? 0 : ends[index - 1], keyEnd),
      value: value === null ? null : bytes.subarray(keyEnd, ends[index]),
    }
  })
}

/** Decodes a record of the given schema. Throws MalformedError. */
export function decodeRecord(schema: AnySchema, key: Buffer, value: Buffer | null): CoordinatorRecord {
  return {
    schema,
    key: decodeKey(schema, key),
    value: value === null ? null : decodeValue(schema, value),
    version: value === null ? 0 : value.readInt16BE(0),
  }
}
