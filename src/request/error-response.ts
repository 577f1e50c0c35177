import { type ApiSchema, defaultsOf, type Field, type Fields, includesVersion } from '../../protocol/schema.ts'

type Values = Record<string, unknown>

/** Names under which requests and responses know the same thing. */
const aliases: Readonly<Record<string, readonly string[]>> = {
  index: ['partitionIndex', 'partition', 'partitionId'],
  partitionIndex: ['index', 'partition', 'partitionId'],
  partition: ['partitionIndex', 'index', 'partitionId'],
  groupId: ['group'],
}

/**
 * A response in which everything has failed with one error: its own error code where this version has one, else that of
 * each element that the request named. Stands for Kafka's AbstractRequest.getErrorResponse of every class.
 */
export function errorResponse(
  api: ApiSchema,
  version: number,
  request: Values,
  code: number,
  message: string | null,
): Values {
  const failed = failedStruct(api.response.fields, version, request, code, message)
  return failed.value
}

interface Failed {
  readonly value: Values
  /** Whether an error code stands anywhere in it. */
  readonly tells: boolean
}

function failedStruct(fields: Fields, version: number, source: Values, code: number, message: string | null): Failed {
  const value: Values = defaultsOf(fields)
  const errorCode = fields.errorCode
  const tells = isTold(errorCode, version)
  if (tells) value.errorCode = code
  copyMatching(fields, version, source, value)
  if (tells && isTold(fields.errorMessage, version)) value.errorMessage = message
  if (tells && !isElement(fields)) return { value, tells }
  const inner = failedElements(fields, version, source, code, message)
  if (inner !== undefined) value[inner.name] = inner.elements
  return { value, tells: tells || inner !== undefined }
}

// A struct that carries a map key is an element of the request; a response as a whole has none, and its error code
// speaks for all, so Kafka leaves its arrays empty.
function isElement(fields: Fields): boolean {
  return Object.values(fields).some((field) => field.mapKey)
}

function isTold(field: Field<unknown> | undefined, version: number): boolean {
  return field !== undefined && includesVersion(field.versions, version)
}

function copyMatching(fields: Fields, version: number, source: Values, value: Values): void {
  for (const [name, field] of Object.entries(fields)) {
    if (name === 'errorCode' || !isTold(field, version)) continue
    const from = [name, ...(aliases[name] ?? [])].find((candidate) => isPrimitive(source[candidate]))
    if (from !== undefined) value[name] = source[from]
  }
}

function isPrimitive(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/** The first array of the response that can tell an error, one element for each of the request's array in its place. */
function failedElements(fields: Fields, version: number, source: Values, code: number, message: string | null) {
  const sources = Object.values(source).find((value): value is unknown[] => Array.isArray(value) && value.length > 0)
  if (sources === undefined) return undefined
  for (const [name, field] of Object.entries(fields)) {
    const elementFields = structFields(field, version)
    if (elementFields === undefined) continue
    const failed = sources.map((each) =>
      failedStruct(elementFields, version, asValues(each, elementFields), code, message),
    )
    if (failed.every(({ tells }) => tells)) return { name, elements: failed.map(({ value }) => value) }
  }
  return undefined
}

function structFields(field: Field<unknown>, version: number): Fields | undefined {
  return field.kind === 'array' && includesVersion(field.versions, version) ? field.element?.fields : undefined
}

/** An element that is a bare name or number becomes what the response names first. */
function asValues(element: unknown, fields: Fields): Values {
  if (typeof element === 'object' && element !== null) return element as Values
  const key = Object.entries(fields).find(([name, field]) => name !== 'errorCode' && matchesKind(field, element))
  return key === undefined ? {} : { [key[0]]: element }
}

function matchesKind(field: Field<unknown>, element: unknown): boolean {
  return typeof element === 'string' ? field.kind === 'string' : field.kind === 'int32'
}
