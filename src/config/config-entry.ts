/**
 * The language in which settings are declared. Each setting has an entry with Kafka's name, type, default and check.
 * The value's static type is inferred from it. Parsing, DescribeConfigs, the checks of AlterConfigs and the settings
 * page all read the entry. Source of names, types, defaults and checks: Kafka's AbstractKafkaConfig, LogConfig,
 * GroupConfig.
 */
import type { Check } from './config-checks.ts'
import { type ConfigType, type ConfigValue, InvalidSetting, parseConfigValue } from './config-value.ts'
import type { WithoutEffect } from './without-effect.ts'

/** Long.MAX_VALUE: "never", "no limit". As a number it is Number.MAX_SAFE_INTEGER; the text is exact. */
export const longMax = '9223372036854775807'

/**
 * Where a setting may be changed while the broker runs: for a topic, a group, a client metrics subscription, the whole
 * cluster, or one broker. 'cluster-wide' settings may also be changed for one broker. 'read-only': only in
 * server.properties.
 */
export type Applies = 'per-topic' | 'per-group' | 'per-subscription' | 'cluster-wide' | 'per-broker' | 'read-only'

export type Shown = 'always' | 'when set' | 'never'

/**
 * A broker setting that provides the value of a topic's or group's setting. The first fallback that is set counts.
 * factor converts its value to the topic setting's unit.
 */
export interface Fallback {
  readonly name: string
  readonly factor: number
}

export interface ConfigEntry<T = unknown> {
  readonly name: string
  readonly type: ConfigType
  /** The default as text; null: the value is null. */
  readonly defaultText: string | null
  readonly check: Check | undefined
  readonly applies: Applies
  /**
   * When DescribeConfigs shows it. 'never': internal, as in Kafka. 'when set': dynamic only, or dropped by Kafka before
   * 4.4.
   */
  readonly shown: Shown
  readonly fallbacks: readonly Fallback[]
  /** Effect of the setting; documentationOf adds what follows from the rest of the entry. */
  readonly doc: string
  /** Why the setting has no effect; undefined if it has the effect that `doc` describes. */
  readonly withoutEffect: WithoutEffect | undefined
  /** Why the default differs from Kafka's; undefined if it does not. */
  readonly differs: string | undefined
  /** Carries the inferred value type; never present at run time. */
  readonly valueType?: T
}

interface EntryOptions<D, V> {
  default: D
  doc: string
  check?: Check<V>
  applies?: Applies
  broker?: readonly Fallback[]
  shown?: Shown
  withoutEffect?: WithoutEffect
  differs?: string
}

// biome-ignore lint/suspicious/noExplicitAny: a check of any value
type AnyOptions<D> = EntryOptions<D, any>

type Value<T, D> = D extends null ? T | null : T

function entry<T, D>(type: ConfigType, name: string, options: AnyOptions<D>): ConfigEntry<Value<T, D>> {
  return {
    name,
    type,
    defaultText: options.default === null ? null : String(options.default),
    check: options.check,
    applies: options.applies ?? 'read-only',
    shown: options.shown ?? 'always',
    fallbacks: options.broker ?? [],
    doc: options.doc,
    withoutEffect: options.withoutEffect,
    differs: options.differs,
  }
}

export function boolean<D extends boolean | null>(name: string, options: AnyOptions<D>) {
  return entry<boolean, D>('boolean', name, options)
}
export function int<D extends number | null>(name: string, options: AnyOptions<D>) {
  return entry<number, D>('int', name, options)
}
export function short<D extends number | null>(name: string, options: AnyOptions<D>) {
  return entry<number, D>('short', name, options)
}
/** 64 bits. Give the default as text if a number would not be exact. */
export function long<D extends number | string | null>(name: string, options: AnyOptions<D>) {
  return entry<number, D>('long', name, options)
}
export function double<D extends number | null>(name: string, options: AnyOptions<D>) {
  return entry<number, D>('double', name, options)
}
/** A check with oneOf narrows the value's type to its words. */
export function string<D extends string | null, V extends string = string>(name: string, options: EntryOptions<D, V>) {
  return entry<V, D>('string', name, options as AnyOptions<D>)
}
/** Write the default as in a properties file: words joined by commas. */
export function list<D extends string | null>(name: string, options: AnyOptions<D>) {
  return entry<readonly string[], D>('list', name, options)
}
/** Name of a Java class. It is stored and shown, but nothing is loaded. */
export function className<D extends string | null>(name: string, options: AnyOptions<D>) {
  return entry<string, D>('class', name, options)
}
/** Never shown, never logged. */
export function password<D extends string | null>(name: string, options: AnyOptions<D>) {
  return entry<string, D>('password', name, options)
}

/**
 * The broker settings behind a topic's or group's setting, first choice first; hours and minutes are converted to
 * milliseconds.
 */
export function alias(name: string, units: { ms?: string; minutes?: string; hours?: string } = {}): Fallback[] {
  const fallbacks: Fallback[] = [{ name, factor: 1 }]
  if (units.ms !== undefined) fallbacks.push({ name: units.ms, factor: 1 })
  if (units.minutes !== undefined) fallbacks.push({ name: units.minutes, factor: 60_000 })
  if (units.hours !== undefined) fallbacks.push({ name: units.hours, factor: 3_600_000 })
  return fallbacks
}

/** A table of entries, keyed by the property name used in code. */
export type ConfigTable = Readonly<Record<string, ConfigEntry>>

/** Resolved values of a table's settings. */
export type SettingsOf<D extends ConfigTable> = {
  readonly [K in keyof D]: D[K] extends ConfigEntry<infer T> ? T : never
}

/** Parses and checks. InvalidSetting has Kafka's words. */
export function parseSetting(config: ConfigEntry, text: string): ConfigValue | InvalidSetting {
  const parsed = parseConfigValue(config.type, config.name, text)
  if (parsed instanceof InvalidSetting) return parsed
  const value = config.check?.dropsDuplicates === true ? withoutDuplicates(parsed) : parsed
  return config.check?.test(config.name, value) ?? value
}

function withoutDuplicates({ value }: ConfigValue): ConfigValue {
  const items = [...new Set(value as string[])]
  return { value: items, text: items.join(',') }
}

const defaults = new WeakMap<ConfigEntry, ConfigValue>()

/** The value if nobody sets the setting. */
export function defaultOf(config: ConfigEntry): ConfigValue {
  let value = defaults.get(config)
  if (value === undefined) {
    const parsed =
      config.defaultText === null
        ? { value: null, text: null }
        : parseConfigValue(config.type, config.name, config.defaultText)
    if (parsed instanceof InvalidSetting) throw new Error(`default of ${config.name}: ${parsed.message}`)
    value = parsed
    defaults.set(config, value)
  }
  return value
}

const byName = new WeakMap<ConfigTable, ReadonlyMap<string, ConfigEntry>>()

/** The table's entries, keyed by Kafka's names. */
export function entriesByName(table: ConfigTable): ReadonlyMap<string, ConfigEntry> {
  let index = byName.get(table)
  if (index === undefined) {
    index = new Map(Object.values(table).map((each) => [each.name, each]))
    byName.set(table, index)
  }
  return index
}
