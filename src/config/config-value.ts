/** Kafka's ConfigDef.Type, in the order of DescribeConfigs' type ids (1 boolean ... 9 password). */
export const configTypes = ['boolean', 'string', 'int', 'short', 'long', 'double', 'list', 'class', 'password'] as const
export type ConfigType = (typeof configTypes)[number]

/** A setting's value: `value` for the code, `text` for DescribeConfigs. A null text means null. */
export interface ConfigValue<T = unknown> {
  readonly value: T
  /** Canonical and exact, even for a long beyond 2^53 - 1, where `value` is not exact. */
  readonly text: string | null
}

/** Why a text is not a valid value, in the words of Kafka's ConfigException. */
export class InvalidSetting {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

/** Kafka's text: "Invalid value x for configuration y: because". Source: ConfigException. */
export function invalidValue(name: string, value: string | null, because: string): InvalidSetting {
  return new InvalidSetting(`Invalid value ${value} for configuration ${name}: ${because}`)
}

const integerRanges = {
  int: { name: 'INT', min: -(2n ** 31n), max: 2n ** 31n - 1n },
  short: { name: 'SHORT', min: -(2n ** 15n), max: 2n ** 15n - 1n },
  long: { name: 'LONG', min: -(2n ** 63n), max: 2n ** 63n - 1n },
} as const

/**
 * Parses a text like ConfigDef.parseType: trims it, reads numbers like Java, splits lists at commas. Longs keep their
 * exact text; their number saturates at +-(2^53 - 1). A class may have any name: none is loaded.
 */
export function parseConfigValue(type: ConfigType, name: string, text: string): ConfigValue | InvalidSetting {
  const trimmed = text.trim()
  switch (type) {
    case 'boolean':
      return parseBoolean(name, text, trimmed)
    case 'int':
    case 'short':
    case 'long':
      return parseInteger(type, name, text, trimmed)
    case 'double':
      return parseDouble(name, text, trimmed)
    case 'list': {
      const items = trimmed === '' ? [] : trimmed.split(/\s*,\s*/)
      return { value: items, text: items.join(',') }
    }
    default:
      return { value: trimmed, text: trimmed }
  }
}

function parseBoolean(name: string, text: string, trimmed: string): ConfigValue | InvalidSetting {
  const lower = trimmed.toLowerCase()
  if (lower === 'true' || lower === 'false') return { value: lower === 'true', text: lower }
  return invalidValue(name, text, 'Expected value to be either true or false')
}

function parseInteger(
  type: 'int' | 'short' | 'long',
  name: string,
  text: string,
  trimmed: string,
): ConfigValue | InvalidSetting {
  const range = integerRanges[type]
  const exact = /^[+-]?\d+$/.test(trimmed) ? BigInt(trimmed.replace('+', '')) : undefined
  if (exact === undefined || exact < range.min || exact > range.max)
    return invalidValue(name, text, `Not a number of type ${range.name}`)
  return { value: saturated(exact), text: exact.toString() }
}

function saturated(exact: bigint): number {
  const limit = BigInt(Number.MAX_SAFE_INTEGER)
  return Number(exact > limit ? limit : exact < -limit ? -limit : exact)
}

function parseDouble(name: string, text: string, trimmed: string): ConfigValue | InvalidSetting {
  // Double.parseDouble: an optional f or d at the end; NaN and Infinity are written out.
  const plain = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fFdD]?$/.test(trimmed)
  const special = /^[+-]?(NaN|Infinity)$/.test(trimmed)
  if (!plain && !special) return invalidValue(name, text, 'Not a number of type DOUBLE')
  const value = Number(plain ? trimmed.replace(/[fFdD]$/, '') : trimmed.replace(/^[+-](?=NaN)/, ''))
  return { value, text: javaDoubleText(value) }
}

/** A double as printed by Double.toString: at least one digit after the point, `E` outside [10^-3, 10^7). */
export function javaDoubleText(value: number): string {
  const size = Math.abs(value)
  if (!Number.isFinite(value) || value === 0) return Object.is(value, -0) ? '-0.0' : value === 0 ? '0.0' : String(value)
  if (size >= 1e-3 && size < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value)
  const [digits, exponent] = value.toExponential().split('e') as [string, string]
  return `${digits.includes('.') ? digits : `${digits}.0`}E${exponent.replace('+', '')}`
}

/** A parsed value as Java's string concatenation prints it in an error: lists in brackets. */
export function shownInErrors(parsed: ConfigValue): string {
  return Array.isArray(parsed.value) ? `[${parsed.value.join(', ')}]` : String(parsed.text)
}
