import { type ApiSchema, defaultsOf, type Field, type Fields, includesVersion } from '../../protocol/schema.ts'

type Values = Record<string, unknown>

/** Field names with the same meaning in requests and responses. */
const aliases: Readonly<Record<string, readonly string[]>> = {
  index: ['partitionIndex', 'partition', 'partitionId'],
  partitionIndex: ['index', 'partition', 'partitionId'],
  partition: ['partitionIndex', 'index', 'partitionId'],
  groupId: ['group'],
}

/**
 * The response to a request that failed as a whole. The error is its own error code if this version has one, else the
 * error code of each element that the request named. Source: AbstractRequest.getErrorResponse of every class.
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
  /** Whether the value has an error code, or its elements have one. */
  readonly hasError: boolean
}

function failedStruct(fields: Fields, version: number, source: Values, code: number, message: string | null): Failed {
  const value: Values = defaultsOf(fields)
  const errorCode = fields.errorCode
  const hasError = isInVersion(errorCode, version)
  if (hasError) value.errorCode = code
  copyMatching(fields, version, source, value)
  if (hasError && isInVersion(fields.errorMessage, version)) value.errorMessage = message
  if (hasError && !isElement(fields)) return { value, hasError }
  const inner = failedElements(fields, version, source, code, message)
  if (inner !== undefined) value[inner.name] = inner.elements
  return { value, hasError: hasError || inner !== undefined }
}

// A struct with a map key is an element. A response has no map key: its own error code covers everything, so Kafka
// leaves its arrays empty.
function isElement(fields: Fields): boolean {
  return Object.values(fields).some((field) => field.mapKey)
}

function isInVersion(field: Field<unknown> | undefined, version: number): boolean {
  return field !== undefined && includesVersion(field.versions, version)
}

function copyMatching(fields: Fields, version: number, source: Values, value: Values): void {
  for (const [name, field] of Object.entries(fields)) {
    if (name === 'errorCode' || !isInVersion(field, version)) continue
    const from = [name, ...(aliases[name] ?? [])].find((candidate) => isPrimitive(source[candidate]))
    if (from !== undefined) value[name] = source[from]
  }
}

function isPrimitive(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/**
 * Fills the first array of the response that has error codes, with one element for each element of the request's array.
 */
function failedElements(fields: Fields, version: number, source: Values, code: number, message: string | null) {
  const sources = Object.values(source).find((value): value is unknown[] => Array.isArray(value) && value.length > 0)
  if (sources === undefined) return undefined
  for (const [name, field] of Object.entries(fields)) {
    const elementFields = structFields(field, version)
    if (elementFields === undefined) continue
    const failed = sources.map((each) =>
      failedStruct(elementFields, version, asValues(each, elementFields), code, message),
    )
    if (failed.every(({ hasError }) => hasError)) return { name, elements: failed.map(({ value }) => value) }
  }
  return undefined
}

function structFields(field: Field<unknown>, version: number): Fields | undefined {
  return field.kind === 'array' && includesVersion(field.versions, version) ? field.element?.fields : undefined
}

/** A bare name or number becomes the first field of the response element with the same type. */
function asValues(element: unknown, fields: Fields): Values {
  if (typeof element === 'object' && element !== null) return element as Values
  const key = Object.entries(fields).find(([name, field]) => name !== 'errorCode' && matchesKind(field, element))
  return key === undefined ? {} : { [key[0]]: element }
}

function matchesKind(field: Field<unknown>, element: unknown): boolean {
  return typeof element === 'string' ? field.kind === 'string' : field.kind === 'int32'
}
