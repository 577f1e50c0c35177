import { type ByteReader, malformed } from '../byte-reader.ts'
import { ByteWriter, contiguous } from '../byte-writer.ts'
import { decode, encode } from '../codegen.ts'
import { type Fields, type InputValue, includesVersion, type MetadataRecordSchema, type ValueOf } from '../schema.ts'
import { metadataRecords } from './index.ts'

/*
 * Value of a record of __cluster_metadata := frame version:uvarint (1) key:uvarint version:uvarint body
 */
const FRAME_VERSION = 1

const schemaByKey: ReadonlyMap<number, MetadataRecordSchema> = new Map(
  metadataRecords.map((schema) => [schema.apiKey, schema]),
)

/** Encodes the value of a record of the cluster metadata log; these records have no key. */
export function encodeMetadataRecord<F extends Fields>(
  schema: MetadataRecordSchema<F>,
  version: number,
  value: InputValue<F>,
): Buffer {
  const writer = new ByteWriter()
  writer.writeUnsignedVarint(FRAME_VERSION)
  writer.writeUnsignedVarint(schema.apiKey)
  writer.writeUnsignedVarint(version)
  encode(schema, version, value, writer)
  return contiguous(writer.finish())
}

/** A decoded record. `as` returns its value with the type of a schema. */
export class MetadataRecord {
  readonly schema: MetadataRecordSchema
  readonly version: number
  readonly #value: ValueOf<Fields>

  constructor(schema: MetadataRecordSchema, version: number, value: ValueOf<Fields>) {
    this.schema = schema
    this.version = version
    this.#value = value
  }

  /** The value if the record has that schema, else undefined. */
  as<F extends Fields>(schema: MetadataRecordSchema<F>): ValueOf<F> | undefined {
    return schema.apiKey === this.schema.apiKey ? (this.#value as ValueOf<F>) : undefined
  }
}

/** Reads a record of the cluster metadata log. Throws MalformedError, also for an unknown record. */
export function readMetadataRecord(reader: ByteReader): MetadataRecord {
  const frameVersion = reader.readUnsignedVarint()
  if (frameVersion !== FRAME_VERSION) malformed(`metadata record in frame version ${frameVersion}`)
  const apiKey = reader.readUnsignedVarint()
  const version = reader.readUnsignedVarint()
  const schema = schemaByKey.get(apiKey)
  if (schema === undefined || !includesVersion(schema.versions, version)) {
    return malformed(`metadata record ${apiKey} in version ${version}`)
  }
  return new MetadataRecord(schema, version, decode(schema, version, reader))
}
