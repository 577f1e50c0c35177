import type { Field, Fields } from './schema.ts'

/** Source text of a fresh default value. Must equal what `defaultsOf` makes. */
export function defaultSource(field: Field<unknown>): string {
  const value = field.default
  if (value === null) return 'null'
  if (Array.isArray(value)) return '[]'
  if (field.kind === 'struct') return defaultStructSource(field.fields as Fields)
  if (typeof value === 'bigint') return `${value}n`
  if (Buffer.isBuffer(value)) return 'noBytes'
  return JSON.stringify(value)
}

export function defaultStructSource(fields: Fields): string {
  const entries = Object.entries(fields).map(([name, field]) => `${name}: ${defaultSource(field)}`)
  return `{ ${entries.join(', ')} }`
}

/** Source text of a condition: the value of `expression`, which is not undefined, equals the field's default. */
export function isDefaultSource(field: Field<unknown>, expression: string): string {
  if (field.default === null) return `${expression} === null`
  switch (field.kind) {
    case 'array':
    case 'bytes':
    case 'records':
      return `${expression} !== null && ${expression}.length === 0`
    case 'struct':
      return `${expression} !== null && ${isDefaultStructSource(field.fields as Fields, expression)}`
    case 'uuid':
      return `${expression} === ${JSON.stringify(field.default)}`
    default:
      return `${expression} === ${defaultSource(field)}`
  }
}

function isDefaultStructSource(fields: Fields, expression: string): string {
  const conditions = Object.entries(fields).map(([name, field]) => {
    const member = `${expression}.${name}`
    return `(${member} === undefined || (${isDefaultSource(field, member)}))`
  })
  return `(${conditions.join(' && ')})`
}
