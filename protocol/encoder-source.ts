import { defaultSource, isDefaultSource } from './default-source.ts'
import type { Field, Fields, FieldType } from './schema.ts'
import {
  fixedSize,
  holdsArray,
  isNullable,
  isRun,
  joinFixed,
  type NamedField,
  stepOf,
  structLayout,
} from './wire-layout.ts'

/**
 * Source text of the functions that encode a table of fields in one version; the outermost is called `encode`. inSteps:
 * functions of arrays, and of structs that contain arrays, are generators that yield every STEP elements.
 */
export function encoderSource(fields: Fields, version: number, flexible: boolean, inSteps = false): string {
  const functions: string[] = []
  structFunction({ version, flexible, inSteps, functions }, 'encode', fields)
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
  const { plain, tagged, absent } = structLayout(fields, target.version)
  const isSteps = target.inSteps && (name === 'encode' || holdsArray({ kind: 'struct', fields }, target.version))
  const lines = [`function${isSteps ? '*' : ''} ${name}(w, m) {`]
  for (const named of absent) lines.push(...refusalIfLost(target, name, named))
  joinFixed(plain).forEach((part, index) => {
    if (!isRun(part)) {
      lines.push(...plainField(target, name, part))
      return
    }
    // Read the buffer after reserve, which may replace it.
    lines.push(`  const p${index} = w.reserve(${part.size}), b${index} = w.bytes`)
    part.fields.forEach(([field, type], i) => {
      lines.push(`  const $${field} = m.${field} ?? ${defaultSource(type)}`)
      lines.push(`  ${storeSource(type, `b${index}`, `p${index} + ${part.offsets[i]}`, `$${field}`)}`)
    })
  })
  if (target.flexible) lines.push(...taggedSection(target, name, tagged))
  lines.push('}')
  target.functions.push(lines.join('\n'))
}

/** A field that the version lacks may be dropped only if it is ignorable or has its default. */
function refusalIfLost({ version }: Target, name: string, [field, type]: NamedField): string[] {
  if (type.ignorable) return []
  const lost = `m.${field} !== undefined && !(${isDefaultSource(type, `m.${field}`)})`
  return [`  if (${lost}) unsupportedField('${dotted(name, field)}', ${version})`]
}

function plainField(target: Target, name: string, named: NamedField): string[] {
  const [field, type] = named
  const value = `  const $${field} = m.${field} === undefined ? ${defaultSource(type)} : m.${field}`
  return [value, ...writeLines(target, `${name}_${field}`, type, `$${field}`).map((line) => `  ${line}`)]
}

function taggedSection(target: Target, name: string, tagged: readonly NamedField[]): string[] {
  if (tagged.length === 0) return ['  w.writeInt8(0)']
  const lines = ['  let tags = 0']
  for (const [field, type] of tagged) {
    const present = `$${field} !== undefined && !(${isDefaultSource(type, `$${field}`)})`
    lines.push(`  const $${field} = m.${field}, has_${field} = ${present}`, `  if (has_${field}) tags++`)
  }
  lines.push('  w.writeUnsignedVarint(tags)')
  for (const [field, type] of tagged) {
    lines.push(`  if (has_${field}) {`, `    const start = w.beginTag(${type.tag})`)
    const write = writeLines(target, `${name}_${field}`, type, `$${field}`, TAGGED_NULL)
    lines.push(...write.map((line) => `    ${line}`))
    lines.push('    w.endTag(start)', '  }')
  }
  return lines
}

// A nullable struct is preceded by -1 (null) or 1; inside a tagged field by 0 (null) or 1.
const PLAIN_NULL = -1
const TAGGED_NULL = 0

/** Statements that write one value of any type. `path` names the functions that they need. */
function writeLines(
  target: Target,
  path: string,
  field: Field<unknown>,
  value: string,
  nullStruct = PLAIN_NULL,
): string[] {
  if (fixedSize(field) !== undefined) {
    return [`{ const p = w.reserve(${fixedSize(field)}), b = w.bytes; ${storeSource(field, 'b', 'p', value)} }`]
  }
  const lines = []
  const nullable = isNullable(field, target.version)
  if (!nullable) lines.push(`if (${value} === null) nullValue('${dotted(path)}')`)
  const compact = target.flexible ? 'Compact' : ''
  const call = `${target.inSteps && holdsArray(field, target.version) ? 'yield* ' : ''}${path}(w, ${value})`
  switch (field.kind) {
    case 'struct':
      structFunction(target, path, field.fields as Fields)
      if (!nullable) lines.push(call)
      else lines.push(`if (${value} === null) w.writeInt8(${nullStruct})`, `else { w.writeInt8(1); ${call} }`)
      break
    case 'array':
      arrayFunction(target, path, field.element as FieldType<unknown>)
      lines.push(call)
      break
    case 'string':
      lines.push(`w.write${compact}String(${value})`)
      break
    default:
      lines.push(`w.write${compact}${field.gathered ? 'Slices' : 'Bytes'}(${value})`)
  }
  return lines
}

function arrayFunction(target: Target, path: string, element: FieldType<unknown>): void {
  const begin = `w.begin${target.flexible ? 'Compact' : ''}Array`
  const size = fixedSize(element)
  const star = target.inSteps ? '*' : ''
  const step = target.inSteps ? `; if (i % ${stepOf(element)} === ${stepOf(element) - 1}) yield` : ''
  const lines = [`function${star} ${path}(w, elements) {`, `  if (elements === null) return ${begin}(-1, 0)`]
  if (size !== undefined) {
    const store = storeSource(element, 'b', 'p', 'elements[i]')
    lines.push(`  let p = ${begin}(elements.length, ${size})`, '  const b = w.bytes')
    lines.push(`  for (let i = 0; i < elements.length; i++, p += ${size}) { ${store}${step} }`)
  } else {
    const field = { ...element, nullable: undefined } as Field<unknown>
    const write = writeLines(target, `${path}_element`, field, 'element')
    lines.push(`  ${begin}(elements.length, 0)`, '  for (let i = 0; i < elements.length; i++) {')
    lines.push('    const element = elements[i]', ...write.map((line) => `    ${line}`), `    ${step}`, '  }')
  }
  lines.push('}')
  target.functions.push(lines.join('\n'))
}

function storeSource({ kind }: FieldType<unknown>, b: string, p: string, value: string): string {
  switch (kind) {
    case 'bool':
      return `${b}[${p}] = ${value} ? 1 : 0`
    case 'int8':
      return `${b}[${p}] = ${value}`
    case 'int16':
    case 'uint16':
      return `${b}[${p}] = ${value} >> 8; ${b}[${p} + 1] = ${value}`
    case 'int32':
    case 'uint32':
      return (
        `${b}[${p}] = ${value} >> 24; ${b}[${p} + 1] = ${value} >> 16; ` +
        `${b}[${p} + 2] = ${value} >> 8; ${b}[${p} + 3] = ${value}`
      )
    case 'int64':
      return `writeInt64(${b}, ${p}, ${value})`
    case 'int64Exact':
      return `${b}.writeBigInt64BE(${value}, ${p})`
    case 'float64':
      return `${b}.writeDoubleBE(${value}, ${p})`
    default:
      return `writeUuidText(${b}, ${p}, ${value})`
  }
}

function dotted(path: string, field?: string): string {
  const parts = path.split('_').filter((part) => part !== 'encode' && part !== 'element')
  return (field === undefined ? parts : [...parts, field]).join('.')
}
