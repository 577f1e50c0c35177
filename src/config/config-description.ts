/*
 * The answers of DescribeConfigs: value, source, and synonyms. Source: ConfigHelper and
 * DynamicBrokerConfig.brokerConfigSynonyms of Kafka 4.4.
 */
import type { NamedLoggers } from '../observe/named-loggers.ts'
import { brokerConfigs } from './broker-configs.ts'
import { clientMetricsConfigs } from './client-metrics-rules.ts'
import { type ConfigEntry, defaultOf, entriesByName } from './config-entry.ts'
import type { ConfigStore } from './config-store.ts'
import { type ConfigType, configTypes } from './config-value.ts'
import { documentationOf } from './documentation.ts'
import { alternativesOf } from './fallbacks.ts'
import { groupConfigs } from './group-configs.ts'
import { brokerEntry, listenerOverrideOf } from './static-config.ts'
import { topicConfigs } from './topic-configs.ts'

/** Kafka's DescribeConfigsResponse.ConfigSource ids. */
export const configSource = {
  topic: 1,
  dynamicBroker: 2,
  dynamicDefaultBroker: 3,
  staticBroker: 4,
  default: 5,
  brokerLogger: 6,
  clientMetrics: 7,
  group: 8,
} as const

export interface ConfigSynonym {
  readonly name: string
  /** Null if secret. */
  readonly value: string | null
  readonly source: number
}

export interface DescribedConfig {
  readonly name: string
  /** Null if secret or not set. */
  readonly value: string | null
  readonly readOnly: boolean
  readonly isSensitive: boolean
  readonly source: number
  readonly synonyms: readonly ConfigSynonym[]
  /** Kafka's DescribeConfigsResponse.ConfigType ids; 0: unknown. */
  readonly type: number
  /** Null for an unknown setting. */
  readonly documentation: string | null
}

type Overrides = ReadonlyMap<string, string>

/** Settings of a topic; `own` are the topic's overrides. */
export function describeTopicConfigs(configs: ConfigStore, own: Overrides): DescribedConfig[] {
  return shown(Object.values(topicConfigs), own).map((entry) => {
    const { text } = configs.valueOf(entry, own)
    const first = entry.fallbacks[0]?.name
    const inherited = first === undefined ? [] : brokerSynonyms(configs, first)
    const synonyms = own.has(entry.name)
      ? [{ name: entry.name, value: text, source: configSource.topic }, ...inherited]
      : inherited
    return described(entry, text, synonyms, false)
  })
}

/** Settings of a group; a group that does not exist has the defaults. */
export function describeGroupConfigs(configs: ConfigStore, own: Overrides): DescribedConfig[] {
  return shown(Object.values(groupConfigs), own).map((entry) => {
    const { text } = configs.valueOf(entry, own)
    const first = entry.fallbacks[0]?.name
    const inherited =
      first === undefined
        ? [{ name: entry.name, value: defaultOf(entry).text, source: configSource.default }]
        : brokerSynonyms(configs, first)
    const synonyms = own.has(entry.name)
      ? [{ name: entry.name, value: text, source: configSource.group }, ...inherited]
      : inherited
    return described(entry, text, synonyms, false)
  })
}

/** A client metrics subscription; one that does not exist has the defaults. */
export function describeClientMetrics(own: Overrides): DescribedConfig[] {
  return Object.values<ConfigEntry>(clientMetricsConfigs).map((entry) => {
    const { name } = entry
    const value = own.get(name) ?? entry.defaultText
    const synonyms = own.has(name) ? [{ name, value, source: configSource.clientMetrics }] : []
    return described(entry, value, synonyms, false)
  })
}

/** Levels of the loggers. Kafka never documents them. */
export function describeLoggers(loggers: NamedLoggers): DescribedConfig[] {
  return loggers.names.map((name) => ({
    name,
    value: loggers.levelOf(name),
    readOnly: false,
    isSensitive: false,
    source: configSource.brokerLogger,
    synonyms: [],
    type: 0,
    documentation: '',
  }))
}

/** Settings of this broker, including unknown ones of server.properties (their values may be secrets). */
export function describeBrokerConfigs(configs: ConfigStore): DescribedConfig[] {
  const given = new Set([
    ...configs.static.originals.keys(),
    ...configs.dynamicDefault.keys(),
    ...configs.dynamicBroker.keys(),
  ])
  const entries = Object.values(brokerConfigs).filter((entry) => isShown(entry, given))
  const named = new Set(entries.map((entry) => entry.name))
  const others = [...given].filter((name) => !named.has(name))
  return [
    ...entries.map((entry) => brokerConfig(configs, entry.name, configs.brokerValue(entry).text)),
    ...others.map((name) => brokerConfig(configs, name, givenText(configs, name))),
  ]
}

/** Dynamic settings that apply to all brokers. */
export function describeDefaultBrokerConfigs(configs: ConfigStore): DescribedConfig[] {
  return [...configs.dynamicDefault].map(([name, value]) => {
    const { synonyms, ...rest } = brokerConfig(configs, name, value)
    const own = synonyms.filter(({ source }) => source === configSource.dynamicDefaultBroker)
    return { ...rest, synonyms: own, source: own[0]?.source ?? configSource.default }
  })
}

/** A topic's settings for CreateTopics responses: sorted, without synonyms, overrides as the client wrote them. */
export function effectiveTopicConfigs(configs: ConfigStore, own: Overrides) {
  return describeTopicConfigs(configs, own)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, value, readOnly, source, isSensitive }) => ({
      name,
      value: own.get(name) ?? value,
      readOnly,
      configSource: source,
      isSensitive,
    }))
}

function shown(entries: readonly ConfigEntry[], own: Overrides): ConfigEntry[] {
  return entries.filter((entry) => isShown(entry, own))
}

function isShown(entry: ConfigEntry, given: { has(name: string): boolean }): boolean {
  return entry.shown === 'always' || (entry.shown === 'when set' && given.has(entry.name))
}

function brokerConfig(configs: ConfigStore, name: string, text: string | null): DescribedConfig {
  const entry = brokerEntry(name)
  const synonyms = brokerSynonyms(configs, name)
  if (entry === undefined) {
    const source = synonyms[0]?.source ?? configSource.default
    return { name, value: null, readOnly: true, isSensitive: true, source, synonyms, type: 0, documentation: null }
  }
  const own = entriesByName(brokerConfigs).get(name)
  return { ...described(entry, text, synonyms, own === undefined || own.applies === 'read-only'), name }
}

function givenText(configs: ConfigStore, name: string): string | null {
  return (
    configs.dynamicBroker.get(name) ?? configs.dynamicDefault.get(name) ?? configs.static.originals.get(name) ?? null
  )
}

function described(
  entry: ConfigEntry,
  text: string | null,
  synonyms: readonly ConfigSynonym[],
  readOnly: boolean,
): DescribedConfig {
  const isSensitive = entry.type === 'password'
  return {
    name: entry.name,
    value: isSensitive ? null : text,
    readOnly,
    isSensitive,
    source: synonyms[0]?.source ?? configSource.default,
    synonyms,
    type: typeId(entry.type),
    documentation: documentationOf(entry),
  }
}

function typeId(type: ConfigType): number {
  return configTypes.indexOf(type) + 1
}

function namesFor(name: string): readonly string[] {
  const override = listenerOverrideOf(name)
  return override === undefined ? alternativesOf(name) : [name, override]
}

/**
 * All values of a broker setting with their sources, by priority. Like Kafka, leaves out values under other names that
 * come before the first value under its own name.
 */
function brokerSynonyms(configs: ConfigStore, name: string): ConfigSynonym[] {
  const names = namesFor(name)
  const secret = (brokerEntry(name)?.type ?? 'password') === 'password'
  const from = (textOf: (name: string) => string | null | undefined, source: number) =>
    names.flatMap((each) => {
      const text = textOf(each)
      return text === undefined || text === null ? [] : [{ name: each, value: secret ? null : text, source }]
    })
  const all = [
    ...from((each) => configs.dynamicBroker.get(each), configSource.dynamicBroker),
    ...from((each) => configs.dynamicDefault.get(each), configSource.dynamicDefaultBroker),
    ...from((each) => configs.static.originals.get(each), configSource.staticBroker),
    ...from((each) => {
      const entry = entriesByName(brokerConfigs).get(each)
      // Kafka has no entries for those that it shows only when they are set.
      return entry === undefined || entry.shown === 'when set' ? undefined : configs.brokerDefault(entry).text
    }, configSource.default),
  ]
  const start = all.findIndex((synonym) => synonym.name === name)
  return start === -1 ? [] : all.slice(start)
}
