import type { Field, Fields, FieldType, PrimitiveKind } from './schema.ts'
import { includesVersion } from './schema.ts'

/** The wire layout of a struct in one version, shared by decoder and encoder source. */
export interface StructLayout {
  /** In schema order, which is the wire order. */
  readonly plain: readonly NamedField[]
  /** In the order of their tags, in which Kafka writes them. */
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

/** Whether a value of this type contains an array, whose length the sender chooses. */
export function holdsArray(type: FieldType<unknown>, version: number): boolean {
  if (type.kind !== 'struct') return type.kind === 'array'
  const { plain, tagged } = structLayout(type.fields as Fields, version)
  return [...plain, ...tagged].some(([, field]) => holdsArray(field, version))
}

export function isNullable(field: Field<unknown>, version: number): boolean {
  return field.nullable !== undefined && includesVersion(field.nullable, version)
}

/** Minimum size of a value in bytes. Claimed array lengths are checked against it. */
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

/** Elements that decoders and encoders in steps process at once: some tens of microseconds. */
export function stepOf(element: FieldType<unknown>): number {
  return fixedSize(element) === undefined ? 16 : 4096
}

export interface FixedRun {
  readonly size: number
  readonly fields: readonly (NamedField & readonly [string, Field<unknown>])[]
  readonly offsets: readonly number[]
}

/** The plain fields, with adjacent fixed-size fields joined so that one bounds check serves the run. */
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
