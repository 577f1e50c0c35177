import type { Field, Fields, FieldType, PrimitiveKind } from './schema.ts'
import { includesVersion } from './schema.ts'

/** How the fields of one struct lie on the wire in one version: what decoder and encoder source have in common. */
export interface StructLayout {
  /** In the order of the schema, which is the order of the wire. */
  readonly plain: readonly NamedField[]
  /** In the order of their tags, which is the order in which Kafka writes them. */
  readonly tagged: readonly NamedField[]
  readonly absent: readonly NamedField[]
}

// biome-ignore lint/suspicious/noExplicitAny: a field of any value type
export type NamedField = readonly [name: string, field: Field<any>]

export function structLayout(fields: Fields, version: number): StructLayout {
  const plain: NamedField[] = []
  const tagged: NamedField[] = []
  const absent: NamedField[] = []
  for (const [name, field] of Object.entries(fields)) {
    if (!includesVersion(field.versions, version)) absent.push([name, field])
    else if (field.taggedVersions !== undefined && includesVersion(field.taggedVersions, version)) {
      tagged.push([name, field])
    } else plain.push([name, field])
  }
  tagged.sort(([, a], [, b]) => (a.tag as number) - (b.tag as number))
  return { plain, tagged, absent }
}

const fixedBytes: Partial<Record<FieldType<unknown>['kind'], number>> = {
  bool: 1,
  int8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  int64Exact: 8,
  float64: 8,
  uuid: 16,
} satisfies Partial<Record<PrimitiveKind, number>>

/** Bytes of a value whose size does not depend on it; undefined for all others. */
export function fixedSize(type: FieldType<unknown>): number | undefined {
  return fixedBytes[type.kind]
}

/** Whether a value of this type may be as long as somebody likes to make it, bytes and text aside. */
export function holdsArray(type: FieldType<unknown>, version: number): boolean {
  if (type.kind !== 'struct') return type.kind === 'array'
  const { plain, tagged } = structLayout(type.fields as Fields, version)
  return [...plain, ...tagged].some(([, field]) => holdsArray(field, version))
}

export function isNullable(field: Field<unknown>, version: number): boolean {
  return field.nullable !== undefined && includesVersion(field.nullable, version)
}

/** The fewest bytes that a value takes: what a claimed number of elements is checked against. */
export function leastBytes(type: FieldType<unknown>, version: number, flexible: boolean): number {
  const fixed = fixedSize(type)
  if (fixed !== undefined) return fixed
  if (type.kind !== 'struct') return flexible ? 1 : type.kind === 'string' ? 2 : 4
  let total = flexible ? 1 : 0
  for (const [, field] of structLayout(type.fields as Fields, version).plain) {
    const small = field.kind === 'struct' && isNullable(field, version)
    total += small ? 1 : leastBytes(field, version, flexible)
  }
  return total
}

/** Elements of an array that decoders and encoders in steps take at once: some tens of microseconds. */
export function stepOf(element: FieldType<unknown>): number {
  return fixedSize(element) === undefined ? 16 : 4096
}

export interface FixedRun {
  readonly size: number
  readonly fields: readonly (NamedField & readonly [string, Field<unknown>])[]
  readonly offsets: readonly number[]
}

/** The plain fields with neighbours of fixed size joined: one bounds check serves a whole run. */
export function joinFixed(plain: readonly NamedField[]): readonly (FixedRun | NamedField)[] {
  const parts: (FixedRun | NamedField)[] = []
  let run: { size: number; fields: NamedField[]; offsets: number[] } | undefined
  for (const named of plain) {
    const size = fixedSize(named[1])
    if (size === undefined) {
      run = undefined
      parts.push(named)
      continue
    }
    if (run === undefined) {
      run = { size: 0, fields: [], offsets: [] }
      parts.push(run)
    }
    run.fields.push(named)
    run.offsets.push(run.size)
    run.size += size
  }
  return parts
}

export function isRun(part: FixedRun | NamedField): part is FixedRun {
  return !Array.isArray(part)
}
