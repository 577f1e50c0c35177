import { type ByteReader, malformed } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import { decoderSource, fixedReaders } from './decoder-source.ts'
import { encoderSource } from './encoder-source.ts'
import { readInt64, writeInt64 } from './int64.ts'
import { invariant } from './invariant.ts'
import { type Fields, type InputValue, includesVersion, type MessageSchema, type ValueOf } from './schema.ts'
import { uuidText, writeUuidText } from './uuid-text.ts'

/** The version cannot carry a value that the schema does not allow to be dropped silently. */
export class UnsupportedFieldError extends Error {
  override readonly name = 'UnsupportedFieldError'
}

/**
 * Reads one message at the reader's position and advances past it. The value has every field of the schema; fields the
 * version lacks have their default. Views (bytes, records) point into the reader's bytes. Throws MalformedError.
 */
export function decode<F extends Fields>(schema: MessageSchema<F>, version: number, reader: ByteReader): ValueOf<F> {
  return codecOf(schema, version).decode(reader) as ValueOf<F>
}

/**
 * Writes one message. Missing properties take their defaults. Large bytes and records are kept by reference. Throws
 * UnsupportedFieldError, TypeError for a null that the version does not allow, TextTooLongError.
 */
export function encode<F extends Fields>(
  schema: MessageSchema<F>,
  version: number,
  value: InputValue<F>,
  writer: ByteWriter,
): void {
  codecOf(schema, version).encode(writer, value)
}

/** Like `decode`, for large messages: yields between array elements so that other work can run. */
export function decodeInSteps<F extends Fields>(
  schema: MessageSchema<F>,
  version: number,
  reader: ByteReader,
): Generator<void, ValueOf<F>> {
  return codecOf(schema, version).decodeInSteps(reader) as Generator<void, ValueOf<F>>
}

/** Like `encode`, for large messages: yields between array elements. Do not change the value until the end. */
export function encodeInSteps<F extends Fields>(
  schema: MessageSchema<F>,
  version: number,
  value: InputValue<F>,
  writer: ByteWriter,
): Generator<void, void> {
  return codecOf(schema, version).encodeInSteps(writer, value)
}

interface Codec {
  decode(reader: ByteReader): unknown
  encode(writer: ByteWriter, value: unknown): void
  decodeInSteps(reader: ByteReader): Generator<void, unknown>
  encodeInSteps(writer: ByteWriter, value: unknown): Generator<void, void>
}

/** Codecs are generated on first use: a client uses one version of a few messages. */
const codecs = new WeakMap<MessageSchema, Codec[]>()

function codecOf(schema: MessageSchema, version: number): Codec {
  const known = codecs.get(schema)?.[version]
  if (known !== undefined) return known
  invariant(includesVersion(schema.versions, version), `${schema.name} has no version ${version}`)
  const codec = compile(schema, version)
  const versions = codecs.get(schema) ?? []
  versions[version] = codec
  codecs.set(schema, versions)
  return codec
}

/** Names available to the generated text. */
const scope = {
  readInt64,
  writeInt64,
  uuidText,
  writeUuidText,
  malformed,
  noBytes: Buffer.alloc(0),
  gathered: (bytes: Buffer | null) => (bytes === null ? null : [bytes]),
  nullValue(path: string): never {
    throw new TypeError(`${path} is null`)
  },
  unsupportedField(path: string, version: number): never {
    throw new UnsupportedFieldError(`${path} does not exist in version ${version}`)
  },
}

// Decoder and encoder are compiled separately: most versions of a response are never read here, nor requests written.
function compile(schema: MessageSchema, version: number): Codec {
  const flexible = includesVersion(schema.flexible, version)
  return {
    decode(reader) {
      const text = `${fixedReaders}\n${decoderSource(schema.fields, version, flexible)}\nreturn decode`
      this.decode = evaluate(`${schema.name}.v${version}.decode`, text)
      return this.decode(reader)
    },
    encode(writer, value) {
      const text = `${encoderSource(schema.fields, version, flexible)}\nreturn encode`
      this.encode = evaluate(`${schema.name}.v${version}.encode`, text)
      this.encode(writer, value)
    },
    decodeInSteps(reader) {
      const text = `${fixedReaders}\n${decoderSource(schema.fields, version, flexible, true)}\nreturn decode`
      this.decodeInSteps = evaluate(`${schema.name}.v${version}.decodeInSteps`, text)
      return this.decodeInSteps(reader)
    },
    encodeInSteps(writer, value) {
      const text = `${encoderSource(schema.fields, version, flexible, true)}\nreturn encode`
      this.encodeInSteps = evaluate(`${schema.name}.v${version}.encodeInSteps`, text)
      return this.encodeInSteps(writer, value)
    },
  }
}

function evaluate<C>(name: string, text: string): C {
  const source = `'use strict'\n${text}\n//# sourceURL=ottla:${name}`
  return new Function(...Object.keys(scope), source)(...Object.values(scope)) as C
}
