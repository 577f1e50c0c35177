import { decodeKey, decodeValue, encodeKey, encodeValue } from '../../protocol/internal-records/coordinator-framing.ts'
import type { CoordinatorRecordSchema, Fields, ValueOf } from '../../protocol/schema.ts'
import type { StateRecord } from './state-log.ts'

// biome-ignore lint/suspicious/noExplicitAny: records of every schema stand in one list
type AnySchema = CoordinatorRecordSchema<any, any>

/**
 * One change of a coordinator's state, decoded: what holds for a key from now on, or (null) that nothing does. It is
 * what a decision makes and what a replay takes, so that nothing is decoded which was just encoded.
 */
export interface CoordinatorRecord<K = unknown, V = unknown> {
  readonly schema: AnySchema
  readonly key: K
  readonly value: V | null
  /** Version in which the value is written. */
  readonly version: number
}

/** A record whose value is written in the given version. What that version cannot carry must have its default. */
export function record<K extends Fields, V extends Fields>(
  schema: CoordinatorRecordSchema<K, V>,
  version: number,
  key: ValueOf<K>,
  value: ValueOf<V>,
): CoordinatorRecord {
  return { schema, key, value, version }
}

/** A record that takes away what was said of the key. */
export function tombstone<K extends Fields>(schema: CoordinatorRecordSchema<K>, key: ValueOf<K>): CoordinatorRecord {
  return { schema, key, value: null, version: 0 }
}

/** The bytes of a record. */
export function encodeRecord({ schema, key, value, version }: CoordinatorRecord): StateRecord {
  return {
    key: encodeKey(schema, key as ValueOf<Fields>),
    value: value === null ? null : encodeValue(schema, version, value as ValueOf<Fields>),
  }
}

/** A record of the given schema from its bytes. Throws MalformedError. */
export function decodeRecord(schema: AnySchema, key: Buffer, value: Buffer | null): CoordinatorRecord {
  return {
    schema,
    key: decodeKey(schema, key),
    value: value === null ? null : decodeValue(schema, value),
    version: value === null ? 0 : value.readInt16BE(0),
  }
}
