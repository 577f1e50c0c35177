import { type Field, type Fields, includesVersion, type MessageSchema, versionRange } from '../../protocol/schema.ts'
import { structLayout } from '../../protocol/wire-layout.ts'
import type { DefinedField, Definition } from './kafka-definitions.ts'

export interface Difference {
  /** Message and path of the field: `FetchRequest.topics.partitions`. */
  readonly field: string
  /** What differs: `default`, `ignorable`, `fields`, ... */
  readonly what: string
  readonly kafka: unknown
  readonly ours: unknown
}

/**
 * All differences between a schema and Kafka's definition, version by version: the fields and their order, their types,
 * nulls, tags, defaults, entities; and which versions are flexible.
 */
export function differences(definition: Definition, schema: MessageSchema): Difference[] {
  const found = new Map<string, Difference>()
  const structs = new Map(definition.commonStructs?.map((struct) => [struct.name, struct.fields]))
  const valid = versionRange(definition.validVersions)
  for (let version = valid.oldest; version <= valid.newest; version++) {
    const report = (field: string, what: string, kafka: unknown, ours: unknown) => {
      const same = JSON.stringify([kafka]) === JSON.stringify([ours])
      if (!same) found.set(`${field} ${what}`, { field, what: `${what} in v${version}`, kafka, ours })
    }
    report(schema.name, 'served', true, includesVersion(schema.versions, version))
    const flexible = includesVersion(versionRange(definition.flexibleVersions ?? 'none'), version)
    report(schema.name, 'flexible', flexible, includesVersion(schema.flexible, version))
    compareFields({ structs, version, report }, schema.name, definition.fields ?? [], schema.fields)
  }
  return [...found.values()]
}

interface Comparison {
  readonly structs: ReadonlyMap<string, readonly DefinedField[]>
  readonly version: number
  readonly report: (field: string, what: string, kafka: unknown, ours: unknown) => void
}

function compareFields(at: Comparison, path: string, defined: readonly DefinedField[], fields: Fields): void {
  const { plain, tagged } = structLayout(fields, at.version)
  // Kafka's FieldSpec: a field with only taggedVersions exists in those versions.
  const present = defined.filter((field) => within(field.versions ?? field.taggedVersions, at.version, true))
  const isTagged = (field: DefinedField) => within(field.taggedVersions, at.version, false)
  const names = (list: readonly DefinedField[]) => list.map((field) => camelCase(field.name))
  at.report(
    path,
    'fields',
    names(present.filter((field) => !isTagged(field))),
    plain.map(([name]) => name),
  )
  const byTag = present.filter(isTagged).map((field) => [Number(field.tag), camelCase(field.name)])
  byTag.sort(([a], [b]) => Number(a) - Number(b))
  at.report(
    path,
    'tagged fields',
    byTag,
    tagged.map(([name, field]) => [field.tag, name]),
  )
  for (const field of present) {
    const ours = fields[camelCase(field.name)]
    if (ours !== undefined) compareField(at, `${path}.${camelCase(field.name)}`, field, ours)
  }
}

function compareField(at: Comparison, path: string, field: DefinedField, ours: Field<unknown>): void {
  const isArray = field.type.startsWith('[]')
  const typeName = field.type.replace('[]', '')
  const members = field.fields ?? at.structs.get(typeName)
  const element = isArray ? ours.element : ours
  at.report(path, 'array', isArray, ours.kind === 'array')
  at.report(path, 'type', members === undefined ? typeName : 'struct', typeOf(element?.kind))
  at.report(path, 'nullable', within(field.nullableVersions, at.version, false), nullableIn(ours, at.version))
  at.report(path, 'default', definedDefault(field, members), plainDefault(ours))
  at.report(path, 'ignorable', String(field.ignorable ?? false), String(ours.ignorable))
  at.report(path, 'entity', field.entityType, ours.entity)
  at.report(path, 'map key', String(field.mapKey ?? false), String(ours.mapKey))
  if (members !== undefined && element?.fields !== undefined) compareFields(at, path, members, element.fields)
}

function within(versions: string | undefined, version: number, otherwise: boolean): boolean {
  return versions === undefined ? otherwise : includesVersion(versionRange(versions), version)
}

function nullableIn(field: Field<unknown>, version: number): boolean {
  return field.nullable !== undefined && includesVersion(field.nullable, version)
}

// int64Exact is int64 on the wire.
function typeOf(kind: string | undefined): string | undefined {
  return kind === 'int64Exact' ? 'int64' : kind
}

/** Kafka's default in the form that `plainDefault` gives ours. */
function definedDefault(field: DefinedField, members: readonly DefinedField[] | undefined): unknown {
  // A JSON null means no default; only the text 'null' means null (FieldSpec).
  const text = field.default === undefined || field.default === null ? undefined : String(field.default)
  if (text === 'null' || (text === undefined && field.type === 'records')) return null
  if (field.type.startsWith('[]') || field.type === 'bytes') return 'empty'
  if (members !== undefined) return 'struct of defaults'
  switch (field.type) {
    case 'string':
      return text ?? ''
    case 'bool':
      return (text ?? 'false').toLowerCase() === 'true'
    case 'uuid':
      return 'AAAAAAAAAAAAAAAAAAAAAA'
    default:
      // Long.MAX_VALUE is Number.MAX_SAFE_INTEGER here.
      return Math.min(Number(text ?? 0), Number.MAX_SAFE_INTEGER)
  }
}

function plainDefault(field: Field<unknown>): unknown {
  const value = field.default
  if (value === null) return null
  if (field.kind === 'array' || field.kind === 'bytes' || field.kind === 'records') return 'empty'
  if (field.kind === 'struct') return 'struct of defaults'
  return typeof value === 'bigint' ? Number(value) : value
}

function camelCase(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1)
}
