/**
 * The language in which messages are described. Each field has an entry: type, versions, and differences from Kafka's
 * defaults. Value types are inferred from it (`RequestOf`, `ResponseOf`, `ValueOf`), codecs are generated from it per
 * version (codegen.ts). It contains what `common/message/*.json` of Apache Kafka contains, in the same order.
 *
 * Versions are written as in Kafka: `'3'`, `'3+'`, `'0-12'`; omitted: all versions of the message.
 */

/** A range of versions, both ends included; `newest` is Infinity for an open range. */
export interface VersionRange {
  readonly oldest: number
  readonly newest: number
}

/** Kafka's entityType of a field: what kind of name it holds. The value is a plain string. */
export type EntityType = 'topicName' | 'groupId' | 'transactionalId' | 'brokerId' | 'producerId'

export type PrimitiveKind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'int64Exact'
  | 'float64'
  | 'string'
  | 'uuid'
  | 'bytes'
  | 'records'

/** The wire type of a field, without its name. `element` is set for arrays, `fields` for structs. */
export interface FieldType<T> {
  readonly kind: PrimitiveKind | 'array' | 'struct'
  readonly element?: FieldType<unknown>
  readonly fields?: Fields
  /** records only: true if the value is a list of slices, written one after the other without copying. */
  readonly gathered?: boolean
  /** Carries the inferred value type; never present at run time. */
  readonly valueType?: T
}

/** A field of a message. `T`: type of the decoded value. `O`: whether an encoder may omit it. */
export interface Field<T, O extends boolean = boolean> extends FieldType<T> {
  /** Versions in which the field is on the wire; undefined: all. */
  readonly versions: VersionRange
  /** Versions in which null may be written; undefined: never. */
  readonly nullable?: VersionRange
  /** Value if the field is absent from the wire: Kafka's zero value (0, '', empty, false) unless declared. */
  readonly default: T
  /** True: dropped silently if the version lacks it. Otherwise the value must then equal its default. */
  readonly ignorable: boolean
  /** Number of the tagged field, with the versions in which it is tagged. */
  readonly tag?: number
  readonly taggedVersions?: VersionRange
  readonly entity?: EntityType
  /** Part of the key of its array of structs (Kafka's mapKey). No meaning on the wire. */
  readonly mapKey: boolean
  /** True if an encoder may omit the field; it then takes the default. */
  readonly optional: O
}

// biome-ignore lint/suspicious/noExplicitAny: fields of every value type stand in one table
export type Fields = Readonly<Record<string, Field<any>>>

export interface FieldOptions<T> {
  nullable?: string
  default?: T
  ignorable?: boolean
  /** The field is tagged from its first version on, unless `tagged` says otherwise. */
  tag?: number
  tagged?: string
  entity?: EntityType
  mapKey?: boolean
}

type Nullable<T, P> = P extends { nullable: string } ? T | null : T
type Optional<P> = P extends { default: unknown } ? true : P extends { tag: number } ? true : false

/** Decoded value of a table of fields: every field is present. */
export type ValueOf<F extends Fields> = { -readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never }

type RequiredKeys<F extends Fields> = { [K in keyof F]: F[K] extends Field<unknown, false> ? K : never }[keyof F]
type OptionalKeys<F extends Fields> = Exclude<keyof F, RequiredKeys<F>>

/** Value of a table of fields for an encoder: fields that declare a default or a tag may be omitted. */
export type InputValue<F extends Fields> = {
  [K in RequiredKeys<F>]: FieldInput<F[K]>
} & { [K in OptionalKeys<F>]?: FieldInput<F[K]> | undefined }

type FieldInput<X> = X extends { inputType?: infer I } ? Exclude<I, undefined> : X extends Field<infer T> ? T : never

/** Adds the type that an encoder accepts if it differs from the decoded one (structs, arrays of structs). */
export interface WithInput<I> {
  readonly inputType?: I
}

const everyVersion: VersionRange = { oldest: 0, newest: Number.POSITIVE_INFINITY }

const knownRanges = new Map<string, VersionRange>([['none', { oldest: 1, newest: 0 }]])

/** Parses `'3'`, `'3+'`, `'0-12'` or `'none'`. Throws on anything else: the schema is wrong, not the input. */
export function versionRange(text: string): VersionRange {
  const known = knownRanges.get(text)
  if (known !== undefined) return known
  const match = /^(\d+)(\+|-(\d+))?$/.exec(text)
  if (match === null) throw new Error(`not a version range: ${text}`)
  const oldest = Number(match[1])
  const newest = match[3] !== undefined ? Number(match[3]) : match[2] === '+' ? Number.POSITIVE_INFINITY : oldest
  const range = { oldest, newest }
  knownRanges.set(text, range)
  return range
}

export function includesVersion(range: VersionRange, version: number): boolean {
  return version >= range.oldest && version <= range.newest
}

function field<T, P extends FieldOptions<unknown>>(
  type: FieldType<T>,
  zero: unknown,
  versions: string | undefined,
  options: P | undefined,
): Field<Nullable<T, P>, Optional<P>> {
  const given: FieldOptions<unknown> = options ?? noOptions
  const declaresDefault = 'default' in given
  const tagged = given.tagged ?? (given.tag === undefined ? undefined : (versions ?? '0+'))
  // Listed one by one because spreading doubles the time: a start makes some thousand fields.
  return {
    kind: type.kind,
    element: type.element,
    fields: type.fields,
    gathered: type.gathered,
    versions: versions === undefined ? everyVersion : versionRange(versions),
    nullable: given.nullable === undefined ? undefined : versionRange(given.nullable),
    default: declaresDefault ? given.default : zero,
    ignorable: given.ignorable === true,
    tag: given.tag,
    taggedVersions: tagged === undefined ? undefined : versionRange(tagged),
    entity: given.entity,
    mapKey: given.mapKey === true,
    optional: declaresDefault || given.tag !== undefined,
  } as unknown as Field<Nullable<T, P>, Optional<P>>
}

const noOptions: FieldOptions<unknown> = {}

type PrimitiveFactory<T> = <const P extends FieldOptions<T | null> = Record<never, never>>(
  versions?: string | P,
  options?: P,
) => Field<Nullable<T, P>, Optional<P>>

function primitive<T>(kind: PrimitiveKind, zero: T): PrimitiveFactory<T> {
  return (versions, options) =>
    typeof versions === 'object'
      ? field<T, typeof versions>({ kind }, zero, undefined, versions)
      : (field<T, NonNullable<typeof options>>({ kind }, zero, versions, options) as never)
}

/** The uuid of all zero bits, in Kafka's text form. Kafka writes it for "no id". */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'

const noBytes = Buffer.alloc(0)

export const bool = primitive<boolean>('bool', false)
export const int8 = primitive<number>('int8', 0)
export const int16 = primitive<number>('int16', 0)
export const uint16 = primitive<number>('uint16', 0)
export const int32 = primitive<number>('int32', 0)
export const uint32 = primitive<number>('uint32', 0)
/** 64 bits as a number, saturating at +-(2^53 - 1). Offsets and times never get there; Long.MAX_VALUE stays "huge". */
export const int64 = primitive<number>('int64', 0)
/** 64 bits as a bigint, for the few values that must be echoed exactly. */
export const int64Exact = primitive<bigint>('int64Exact', 0n)
export const float64 = primitive<number>('float64', 0)
export const string = primitive<string>('string', '')
/** A uuid in Kafka's text form: 22 characters of base64url, as Uuid.toString prints it. Usable as a map key. */
export const uuid = primitive<string>('uuid', ZERO_UUID)
/** A view into the decoded frame. Copy it to keep it beyond the request. */
export const bytes = primitive<Buffer>('bytes', noBytes)
/** Record batches as one view into the frame. */
export const records = <const P extends FieldOptions<Buffer | null> = { nullable: '0+' }>(
  versions?: string,
  options?: P,
) => field<Buffer, P>({ kind: 'records' }, null, versions, options ?? ({ nullable: '0+' } as unknown as P))
/** Record batches as slices from anywhere, written one after the other by reference. Decodes to one slice. */
export const gatheredRecords = <const P extends FieldOptions<readonly Buffer[] | null> = { nullable: '0+' }>(
  versions?: string,
  options?: P,
) =>
  field<readonly Buffer[], P>(
    { kind: 'records', gathered: true },
    null,
    versions,
    options ?? ({ nullable: '0+' } as unknown as P),
  )

// biome-ignore lint/suspicious/noExplicitAny: an element of any value type
type Element = Field<any> | Fields
type ElementValue<E> = E extends Field<infer T> ? T : E extends Fields ? ValueOf<E> : never
// biome-ignore lint/suspicious/noExplicitAny: as above
type ElementInput<E> = E extends Field<any> ? FieldInput<E> : E extends Fields ? InputValue<E> : never

// In a field `kind` is a string. In a table of fields, `kind` can only be a field, which is an object.
function elementType(element: Element): FieldType<unknown> {
  const single = element as FieldType<unknown>
  return typeof single.kind === 'string' ? single : { kind: 'struct', fields: element as Fields }
}

/** An array of structs (a table of fields) or of primitives (a field). */
export function array<E extends Element, const P extends FieldOptions<null | readonly []> = Record<never, never>>(
  element: E,
  versions?: string | P,
  options?: P,
): Field<Nullable<ElementValue<E>[], P>, Optional<P>> & WithInput<Nullable<readonly ElementInput<E>[], P>> {
  const type: FieldType<ElementValue<E>[]> = { kind: 'array', element: elementType(element) }
  const [range, rest] = typeof versions === 'object' ? [undefined, versions] : [versions, options]
  return field(type, [], range, rest) as never
}

/** A struct inside a message. Its default is a struct of its fields' defaults. */
export function struct<F extends Fields, const P extends FieldOptions<null> = Record<never, never>>(
  fields: F,
  versions?: string | P,
  options?: P,
): Field<Nullable<ValueOf<F>, P>, Optional<P>> & WithInput<Nullable<InputValue<F>, P>> {
  const [range, rest] = typeof versions === 'object' ? [undefined, versions] : [versions, options]
  return field({ kind: 'struct', fields }, defaultsOf(fields), range, rest) as never
}

/** A fresh value of a table of fields with every field at its default. */
export function defaultsOf<F extends Fields>(fields: F): ValueOf<F> {
  const value: Record<string, unknown> = {}
  for (const [name, each] of Object.entries(fields)) {
    value[name] = Array.isArray(each.default)
      ? []
      : each.kind === 'struct' && each.default !== null
        ? defaultsOf(each.fields as Fields)
        : each.default
  }
  return value as ValueOf<F>
}

/**
 * A message that is not a request or response: a record's key or value, a header. `versions` and `flexible` as for an
 * api.
 */
export interface MessageSchema<F extends Fields = Fields> {
  readonly name: string
  readonly versions: VersionRange
  /** Versions that use compact lengths and tagged fields. */
  readonly flexible: VersionRange
  readonly fields: F
}

/** A request and its response. */
export interface ApiSchema<Q extends Fields = Fields, S extends Fields = Fields> {
  readonly key: number
  readonly name: string
  /** Every version that can be encoded and decoded. */
  readonly versions: VersionRange
  readonly flexible: VersionRange
  readonly request: MessageSchema<Q>
  readonly response: MessageSchema<S>
}

/** Describes a request and its response. `flexible` is `'none'` if no version is flexible. */
export function api<const Q extends Fields, const S extends Fields>(description: {
  key: number
  name: string
  versions: string
  flexible: string
  request: Q
  response: S
}): ApiSchema<Q, S> {
  const versions = versionRange(description.versions)
  const flexible = versionRange(description.flexible)
  const { key, name } = description
  return {
    key,
    name,
    versions,
    flexible,
    request: { name: `${name}Request`, versions, flexible, fields: description.request },
    response: { name: `${name}Response`, versions, flexible, fields: description.response },
  }
}

/** Describes a message that is not a request or response: a record of an internal topic, a header, an embedded blob. */
export function message<const F extends Fields>(description: {
  name: string
  versions: string
  flexible: string
  fields: F
}): MessageSchema<F> {
  return {
    name: description.name,
    versions: versionRange(description.versions),
    flexible: versionRange(description.flexible),
    fields: description.fields,
  }
}

/**
 * A record of a coordinator's topic. The key names the subject, the value its new state (null: none). Keys have one
 * version and are preceded by `type`; values are preceded by their own version.
 */
export interface CoordinatorRecordSchema<K extends Fields = Fields, V extends Fields = Fields> {
  readonly type: number
  readonly name: string
  readonly key: MessageSchema<K>
  readonly value: MessageSchema<V>
}

/** Describes a record of a coordinator's topic; `versions` and `flexible` are the value's. */
export function coordinatorRecord<const K extends Fields, const V extends Fields>(description: {
  type: number
  name: string
  versions: string
  flexible: string
  key: K
  value: V
}): CoordinatorRecordSchema<K, V> {
  const { type, name, versions, flexible, key, value } = description
  return {
    type,
    name,
    key: message({ name: `${name}Key`, versions: '0', flexible: 'none', fields: key }),
    value: message({ name: `${name}Value`, versions, flexible, fields: value }),
  }
}

/** A record of the cluster metadata log, identified by its apiKey. */
export interface MetadataRecordSchema<F extends Fields = Fields> extends MessageSchema<F> {
  readonly apiKey: number
}

/** Describes a record of the cluster metadata log. */
export function metadataRecord<const F extends Fields>(description: {
  apiKey: number
  name: string
  versions: string
  flexible: string
  fields: F
}): MetadataRecordSchema<F> {
  return { apiKey: description.apiKey, ...message(description) }
}

// biome-ignore lint/suspicious/noExplicitAny: any api
type AnyApi = ApiSchema<any, any>
export type RequestOf<A extends AnyApi> = A extends ApiSchema<infer Q, Fields> ? ValueOf<Q> : never
/** A decoded response: every field is present. */
export type ResponseOf<A extends AnyApi> = A extends ApiSchema<Fields, infer S> ? ValueOf<S> : never
/** A response as a handler returns it: fields with a declared default may be omitted. */
export type ResponseInputOf<A extends AnyApi> = A extends ApiSchema<Fields, infer S> ? InputValue<S> : never
/** A request as a client builds it: fields with a declared default may be omitted. */
export type RequestInputOf<A extends AnyApi> = A extends ApiSchema<infer Q, Fields> ? InputValue<Q> : never
export type MessageOf<M extends MessageSchema> = M extends MessageSchema<infer F> ? ValueOf<F> : never
export type MessageInputOf<M extends MessageSchema> = M extends MessageSchema<infer F> ? InputValue<F> : never
