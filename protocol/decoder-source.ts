import { defaultSource } from './default-source.ts'
import type { Field, Fields, FieldType } from './schema.ts'
import {
  fixedSize,
  holdsArray,
  isNullable,
  isRun,
  joinFixed,
  leastBytes,
  type NamedField,
  type StructLayout,
  stepOf,
  structLayout,
} from './wire-layout.ts'

/**
 * Source text of the functions that decode a table of fields in one version; the outermost is called `decode`. Each
 * struct and each array has a function named after its path, so that a profile or a stack trace names the field.
 * inSteps: functions of arrays, and of structs that contain arrays, are generators that yield every STEP elements.
 */
export function decoderSource(fields: Fields, version: number, flexible: boolean, inSteps = false): string {
  const functions: string[] = []
  structFunction({ version, flexible, inSteps, functions }, 'decode', fields)
  return functions.join('\n')
}

interface Target {
  readonly version: number
  readonly flexible: boolean
  readonly inSteps: boolean
  /** Finished functions. */
  readonly functions: string[]
}

function structFunction(target: Target, name: string, fields: Fields): void {
  const layout = structLayout(fields, target.version)
  const isSteps = target.inSteps && (name === 'decode' || holdsArray({ kind: 'struct', fields }, target.version))
  const lines = [`function${isSteps ? '*' : ''} ${name}(r) {`, '  const b = r.bytes']
  joinFixed(layout.plain).forEach((part, index) => {
    if (!isRun(part)) {
      lines.push(`  const $${part[0]} = ${valueSource(target, `${name}_${part[0]}`, part)}`)
      return
    }
    lines.push(`  const p${index} = r.advance(${part.size})`)
    part.fields.forEach(([field, type], i) => {
      lines.push(`  const $${field} = ${fixedSource(type, `p${index} + ${part.offsets[i]}`)}`)
    })
  })
  if (target.flexible) lines.push(...taggedSection(target, name, layout))
  const absent = new Map(layout.absent)
  const members = Object.keys(fields).map((field) => {
    const missing = absent.get(field)
    return `    ${field}: ${missing === undefined ? `$${field}` : defaultSource(missing)},`
  })
  lines.push('  return {', ...members, '  }', '}')
  target.functions.push(lines.join('\n'))
}

function taggedSection(target: Target, name: string, { tagged }: StructLayout): string[] {
  if (tagged.length === 0) return ['  r.skipTaggedFields()']
  const lines = tagged.map(([field, type]) => `  let $${field} = ${defaultSource(type)}`)
  lines.push('  for (let count = r.readUnsignedVarint(); count > 0; count--) {')
  lines.push('    const tag = r.readUnsignedVarint(), end = r.readTagEnd()')
  lines.push('    switch (tag) {')
  for (const named of tagged) {
    const [field, type] = named
    const value = valueSource(target, `${name}_${field}`, named, TAGGED_NULL)
    lines.push(`      case ${type.tag}: $${field} = ${value}; break`)
  }
  lines.push('      default: r.position = end', '    }')
  lines.push(
    "    if (r.position !== end) malformed('tagged field ' + tag + ' does not have the size that it claims')",
    '  }',
  )
  return lines
}

// A nullable struct is preceded by -1 (null) or 1; inside a tagged field by 0 (null) or 1.
const PLAIN_NULL = 'r.readInt8() < 0'
const TAGGED_NULL = 'r.readUnsignedVarint() === 0'

/** Source of an expression that reads one value of any type. `path` names the functions that it needs. */
function valueSource(target: Target, path: string, [name, field]: NamedField, structIsNull = PLAIN_NULL): string {
  const fixed = fixedSize(field)
  if (fixed !== undefined) return `read_${field.kind}(r)`
  const isNull = `malformed('${path.replace('decode_', '').replaceAll('_', '.')} is null')`
  const nullable = isNullable(field, target.version)
  const call = target.inSteps && holdsArray(field, target.version) ? `(yield* ${path}(r))` : `${path}(r)`
  if (field.kind === 'struct') {
    structFunction(target, path, field.fields as Fields)
    return nullable ? `${structIsNull} ? null : ${call}` : call
  }
  if (field.kind === 'array') {
    arrayFunction(target, path, name, field.element as FieldType<unknown>)
    return nullable ? call : `${call} ?? ${isNull}`
  }
  const read = nullable ? lengthPrefixed(target, field) : `${lengthPrefixed(target, field)} ?? ${isNull}`
  return field.gathered ? `gathered(${read})` : read
}

function lengthPrefixed({ flexible }: Target, { kind }: FieldType<unknown>): string {
  const compact = flexible ? 'Compact' : ''
  return kind === 'string' ? `r.read${compact}String()` : `r.read${compact}Bytes()`
}

function arrayFunction(target: Target, path: string, name: string, element: FieldType<unknown>): void {
  const { version, flexible, inSteps } = target
  const compact = flexible ? 'Compact' : ''
  const size = fixedSize(element)
  const step = inSteps ? ` if (elements.length % ${stepOf(element)} === 0) yield` : ''
  const lines = [
    `function${inSteps ? '*' : ''} ${path}(r) {`,
    `  const length = r.read${compact}ArrayLength(${leastBytes(element, version, flexible)})`,
    '  if (length < 0) return null',
    '  const elements = []',
  ]
  if (size !== undefined) {
    lines.push(
      `  const b = r.bytes, end = r.advance(length * ${size}) + length * ${size}`,
      `  for (let p = end - length * ${size}; p < end; p += ${size}) { elements.push(${fixedSource(element, 'p')});${step} }`,
    )
  } else {
    // Elements are never null in Kafka's schemas.
    const field = { ...element, nullable: undefined } as Field<unknown>
    const read = valueSource(target, `${path}_element`, [name, field])
    lines.push(`  for (let i = 0; i < length; i++) { elements.push(${read});${step} }`)
  }
  lines.push('  return elements', '}')
  target.functions.push(lines.join('\n'))
}

function fixedSource({ kind }: FieldType<unknown>, at: string): string {
  switch (kind) {
    case 'bool':
      return `b[${at}] !== 0`
    case 'int8':
      return `b[${at}] << 24 >> 24`
    case 'int16':
      return `b[${at}] << 24 >> 16 | b[${at} + 1]`
    case 'uint16':
      return `b[${at}] << 8 | b[${at} + 1]`
    case 'int32':
      return `b[${at}] << 24 | b[${at} + 1] << 16 | b[${at} + 2] << 8 | b[${at} + 3]`
    case 'uint32':
      return `(b[${at}] << 24 | b[${at} + 1] << 16 | b[${at} + 2] << 8 | b[${at} + 3]) >>> 0`
    case 'int64':
      return `readInt64(b, ${at})`
    case 'int64Exact':
      return `b.readBigInt64BE(${at})`
    case 'float64':
      return `b.readDoubleBE(${at})`
    default:
      return `uuidText(b, ${at})`
  }
}

/** Functions that the generated text calls for fixed-size values inside tagged fields. */
export const fixedReaders = (
  ['bool', 'int8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'int64Exact', 'float64', 'uuid'] as const
)
  .map((kind) => {
    const size = fixedSize({ kind })
    return `function read_${kind}(r) { const b = r.bytes, p = r.advance(${size}); return ${fixedSource({ kind }, 'p')} }`
  })
  .join('\n')
