import fc from 'fast-check'
import { type Field, type Fields, type FieldType, includesVersion, type MessageSchema } from './schema.ts'
import { isNullable } from './wire-layout.ts'

/** Values that a version can encode; fields the version lacks have their default. */
export function arbitraryMessage(schema: MessageSchema, version: number): fc.Arbitrary<Record<string, unknown>> {
  return arbitraryStruct(schema.fields, version)
}

function arbitraryStruct(fields: Fields, version: number): fc.Arbitrary<Record<string, unknown>> {
  const members = Object.entries(fields).map(([name, field]) => [name, arbitraryField(field, version)] as const)
  return fc.record(Object.fromEntries(members), { noNullPrototype: true })
}

function arbitraryField(field: Field<unknown>, version: number): fc.Arbitrary<unknown> {
  if (!includesVersion(field.versions, version)) return fc.constant(field.default)
  const value = fc.oneof({ weight: 4, arbitrary: arbitraryValue(field, version) }, fc.constant(field.default))
  const plain = field.default === null ? arbitraryValue(field, version) : value
  return isNullable(field, version) ? fc.option(plain, { freq: 3 }) : plain
}

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array))
// Large enough to be kept by reference.
const large = fc.integer({ min: 1024, max: 3000 }).map((size) => Buffer.alloc(size, size))
const int64 = fc.oneof(fc.maxSafeInteger(), fc.constantFrom(Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, -1, 0))

function arbitraryValue(type: FieldType<unknown>, version: number): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'bool':
      return fc.boolean()
    case 'int8':
      return fc.integer({ min: -128, max: 127 })
    case 'int16':
      return fc.integer({ min: -32768, max: 32767 })
    case 'uint16':
      return fc.integer({ min: 0, max: 65535 })
    case 'int32':
      return fc.integer()
    case 'uint32':
      return fc.nat({ max: 0xffffffff })
    case 'int64':
      return int64
    case 'int64Exact':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    case 'float64':
      return fc.double()
    case 'string':
      return fc.string({ unit: 'binary', maxLength: 40 })
    case 'uuid':
      return fc.uint8Array({ minLength: 16, maxLength: 16 }).map((array) => Buffer.from(array).toString('base64url'))
    case 'bytes':
      return fc.oneof({ weight: 4, arbitrary: bytes }, large)
    case 'records':
      return fc.oneof(bytes, large).map((each) => (type.gathered ? [each] : each))
    case 'array':
      return fc.array(arbitraryValue(type.element as FieldType<unknown>, version), { maxLength: 3 })
    case 'struct':
      return arbitraryStruct(type.fields as Fields, version)
  }
}
