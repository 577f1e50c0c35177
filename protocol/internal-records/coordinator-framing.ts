import { ByteReader, malformed } from '../byte-reader.ts'
import { ByteWriter, contiguous } from '../byte-writer.ts'
import { decode, encode } from '../codegen.ts'
import { type CoordinatorRecordSchema, type Fields, type InputValue, includesVersion, type ValueOf } from '../schema.ts'

/*
 * Key   := type:int16 body in version 0
 * Value := version:int16 body in that version
 */

/** Keys have no version of their own: a different layout of a key is a different type. */
const KEY_VERSION = 0

/** Encodes the key of a record in a coordinator's topic. */
export function encodeKey<K extends Fields>(record: CoordinatorRecordSchema<K>, key: InputValue<K>): Buffer {
  const writer = new ByteWriter()
  writeKey(record, key, writer)
  return contiguous(writer.finish())
}

export function writeKey<K extends Fields>(
  record: CoordinatorRecordSchema<K>,
  key: InputValue<K>,
  writer: ByteWriter,
): void {
  writer.writeInt16(record.type)
  encode(record.key, KEY_VERSION, key, writer)
}

/** Encodes the value of a record in a coordinator's topic in the given version. */
export function encodeValue<V extends Fields>(
  record: CoordinatorRecordSchema<Fields, V>,
  version: number,
  value: InputValue<V>,
): Buffer {
  const writer = new ByteWriter()
  writeValue(record, version, value, writer)
  return contiguous(writer.finish())
}

export function writeValue<V extends Fields>(
  record: CoordinatorRecordSchema<Fields, V>,
  version: number,
  value: InputValue<V>,
  writer: ByteWriter,
): void {
  writer.writeInt16(version)
  encode(record.value, version, value, writer)
}

/** Reads the type of a key. Throws MalformedError. */
export function keyType(key: Buffer): number {
  return new ByteReader(key).readInt16()
}

/** Reads the key after its type, which the caller has read. Throws MalformedError. */
export function decodeKey<K extends Fields>(record: CoordinatorRecordSchema<K>, key: Buffer): ValueOf<K> {
  return decode(record.key, KEY_VERSION, new ByteReader(key, 2))
}

/** Reads the value in the version in which it was written. Throws MalformedError, also for an unknown version. */
export function decodeValue<V extends Fields>(record: CoordinatorRecordSchema<Fields, V>, value: Buffer): ValueOf<V> {
  const reader = new ByteReader(value)
  const version = reader.readInt16()
  if (!includesVersion(record.value.versions, version)) malformed(`${record.value.name} in version ${version}`)
  return decode(record.value, version, reader)
}
