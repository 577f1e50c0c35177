import { type ConfigValue, InvalidSetting, invalidValue, shownInErrors } from './config-value.ts'

/**
 * A condition on a parsed value, beyond its type. `V` narrows the value's static type (oneOf). `description` is printed
 * on the settings page, in the words of Kafka's validators.
 */
export interface Check<V = unknown> {
  readonly description: string
  test(name: string, parsed: ConfigValue): InvalidSetting | undefined
  readonly narrows?: V
  /** A word that is listed twice counts once and is valid (ConfigDef.parseValue). */
  readonly dropsDuplicates?: boolean
}

function range(min: number | undefined, max: number | undefined, description: string): Check<number> {
  return {
    description,
    test(name, parsed) {
      if (parsed.value === null) return invalidValue(name, null, 'Value must be non-null')
      const value = parsed.value as number
      if (min !== undefined && value < min) return invalidValue(name, parsed.text, `Value must be at least ${min}`)
      if (max !== undefined && value > max) return invalidValue(name, parsed.text, `Value must be no more than ${max}`)
      return undefined
    },
  }
}

/** Source: ConfigDef.Range. */
export function atLeast(min: number): Check<number> {
  return range(min, undefined, `[${min},...]`)
}

/** Both ends included. Source: ConfigDef.Range. */
export function between(min: number, max: number): Check<number> {
  return range(min, max, `[${min},...,${max}]`)
}

/** One of these words, case-sensitive. Source: ConfigDef.ValidString. */
export function oneOf<const V extends string>(...words: V[]): Check<V> {
  return {
    description: `[${words.join(', ')}]`,
    test: (name, parsed) =>
      words.includes(parsed.value as V)
        ? undefined
        : invalidValue(name, parsed.text, `String must be one of: ${words.join(', ')}`),
  }
}

/** One of these words, ignoring case. Source: ConfigDef.CaseInsensitiveValidString. */
export function oneOfAnyCase(...words: string[]): Check<string> {
  return {
    description: `(case insensitive) [${words.join(', ')}]`,
    test: (name, parsed) =>
      parsed.value !== null && words.includes((parsed.value as string).toUpperCase())
        ? undefined
        : invalidValue(name, parsed.text, `String must be one of (case insensitive): ${words.join(', ')}`),
  }
}

/** Null is valid, empty is not. Source: ConfigDef.NonEmptyString. */
export const notEmpty: Check<string> = {
  description: 'non-empty string',
  test: (name, parsed) =>
    parsed.value === '' ? invalidValue(name, parsed.text, 'String must be non-empty') : undefined,
}

/** A list without empty words. If `words` is not empty, each item is one of them. Source: ConfigDef.ValidList. */
export function listOf(words: readonly string[], options: { mayBeEmpty: boolean } = { mayBeEmpty: true }): Check {
  const valid = `[${words.join(', ')}]`
  return {
    description: words.length === 0 ? '' : valid,
    dropsDuplicates: true,
    test(name, parsed) {
      if (parsed.value === null) return undefined
      const items = parsed.value as string[]
      const fault = (what: string) => new InvalidSetting(`Configuration '${name}' ${what}`)
      if (items.length === 0 && !options.mayBeEmpty)
        return fault(`must not be empty. Valid values include: ${words.length === 0 ? 'any non-empty value' : valid}`)
      if (items.includes('')) return fault('values must not be empty.')
      const stranger = words.length === 0 ? undefined : items.find((item) => !words.includes(item))
      if (stranger === undefined) return undefined
      return invalidValue(name, stranger, `String must be one of: ${words.join(', ')}`)
    },
  }
}

/** Level of gzip: 1 to 9, or -1 for zlib's own default. Source: CompressionType.GZIP's level validator. */
export const gzipLevel: Check<number> = {
  description: '[1,...,9] or -1',
  test(name, parsed) {
    const level = parsed.value as number
    return level === -1 || (level >= 1 && level <= 9)
      ? undefined
      : invalidValue(name, parsed.text, `Value must be between 1 and 9 or equal to -1`)
  },
}

/** `partition:broker,...`, `*`, or empty. Source: ThrottledReplicaListValidator. */
export const throttledReplicas: Check = {
  description: '[partitionId]:[brokerId],[partitionId]:[brokerId],...',
  test(name, parsed) {
    const items = (parsed.value as string[]).map((item) => item.trim())
    return items.every((item) => /^(\d+:\d+)?$/.test(item)) || items.join('') === '*'
      ? undefined
      : invalidValue(
          name,
          shownInErrors(parsed),
          `${name} must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...`,
        )
  },
}

/** `host:count,...`: the count follows the last colon. Source: KafkaConfig.maxConnectionsPerIpOverrides. */
export const hostCounts: Check<string> = {
  description: '',
  test(name, parsed) {
    const pairs = String(parsed.value).split(',')
    const stranger = pairs.find((pair) => pair.trim() !== '' && !/^\s*\S+:\s*\d+\s*$/.test(pair))
    if (stranger === undefined) return undefined
    return invalidValue(name, parsed.text, `${stranger.trim()} must be host:count`)
  },
}
