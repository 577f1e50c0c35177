import { type BrokerSettings, brokerConfigs } from './broker-configs.ts'
import {
  type ConfigEntry,
  type ConfigTable,
  defaultOf,
  entriesByName,
  parseSetting,
  type SettingsOf,
} from './config-entry.ts'
import { type ConfigValue, InvalidSetting } from './config-value.ts'
import { fallbackInForce } from './fallbacks.ts'
import { withinGroupBounds } from './group-config-rules.ts'
import { type GroupSettings, groupConfigs } from './group-configs.ts'
import { type DynamicSettings, type IgnoredSetting, ignoredSettings, without } from './ignored-settings.ts'
import type { StaticConfig } from './static-config.ts'
import { type TopicSettings, topicConfigs } from './topic-configs.ts'

/** Dynamic settings by resource key (`configResourceKey` of metadata-image.ts), then by name. */
export type DynamicConfigs = ReadonlyMap<string, ReadonlyMap<string, string>>

const none: ReadonlyMap<string, string> = new Map()
const key = { topic: '2:', broker: '4:', group: '32:' } as const

/**
 * The current value of every setting: from server.properties, the metadata log, or its default. The resolved objects
 * are immutable. Read them once per request; do not keep them longer.
 */
export class ConfigStore {
  readonly nodeId: number
  readonly static: StaticConfig
  #dynamic: DynamicConfigs = new Map()
  /** Dynamic broker settings in force. */
  #inForce: DynamicSettings = { own: none, shared: none }
  #ignored: readonly IgnoredSetting[] = []
  #broker: BrokerSettings
  #topicDefaults: TopicSettings
  #groupDefaults: GroupSettings | undefined
  readonly #topics = new Map<
    string,
    { readonly source: ReadonlyMap<string, string>; readonly settings: TopicSettings }
  >()
  readonly #groups = new Map<
    string,
    { readonly source: ReadonlyMap<string, string>; readonly settings: GroupSettings }
  >()
  readonly #brokerListeners: ((settings: BrokerSettings) => void)[] = []
  /** The broker's settings for long-lived parts: each property returns the value in force when it is read. */
  readonly live: BrokerSettings = liveSettings(() => this.#broker)

  constructor(staticConfig: StaticConfig, nodeId: number) {
    this.static = staticConfig
    this.nodeId = nodeId
    this.#broker = this.#resolveBroker()
    this.#topicDefaults = this.#resolve(topicConfigs, none)
  }

  /** This broker's settings: its own dynamic ones, the cluster's, server.properties, defaults. */
  get broker(): BrokerSettings {
    return this.#broker
  }

  /** A topic's settings. For a topic that does not exist: those that it would start with. Satisfies LogConfig. */
  topic(name: string): TopicSettings {
    const source = this.#dynamic.get(key.topic + name)
    if (source === undefined || source.size === 0) return this.#topicDefaults
    return this.#cached(this.#topics, name, source, () => {
      const settings = this.#resolve(topicConfigs, source)
      // For tests, internal.segment.bytes may be below the minimum of segment.bytes (LogConfig.segmentSize).
      return { ...settings, segmentBytes: settings.internalSegmentBytes ?? settings.segmentBytes }
    })
  }

  /** A group's settings, limited to the broker's bounds for groups. */
  group(id: string): GroupSettings {
    const source = this.#dynamic.get(key.group + id)
    // Every heartbeat asks this, and nearly no group has its own settings.
    if (source === undefined || source.size === 0) {
      this.#groupDefaults ??= this.#resolveGroup(none)
      return this.#groupDefaults
    }
    return this.#cached(this.#groups, id, source, () => this.#resolveGroup(source))
  }

  #resolveGroup(source: ReadonlyMap<string, string>): GroupSettings {
    return withinGroupBounds(this.#resolve(groupConfigs, source), this.#broker)
  }

  /** All effective values of a topic as text, for checks that compare several. */
  topicValues(overrides: ReadonlyMap<string, string>): ReadonlyMap<string, ConfigValue> {
    return new Map(Object.values(topicConfigs).map((entry) => [entry.name, this.#valueOf(entry, overrides)]))
  }

  /** The dynamic settings of a resource, unresolved. */
  dynamic(resourceKey: string): ReadonlyMap<string, string> {
    return this.#dynamic.get(resourceKey) ?? none
  }

  /** True if the data directory at this index of log.dirs gets no new logs (KIP-1066). */
  isCordoned(directoryIndex: number): boolean {
    const { cordonedLogDirs, logDirs, logDir } = this.#broker
    const name = (logDirs ?? logDir)[directoryIndex]
    return cordonedLogDirs.includes('*') || (name !== undefined && cordonedLogDirs.includes(name))
  }

  /** Dynamic broker settings that are set, but not in force. */
  get ignored(): readonly IgnoredSetting[] {
    return this.#ignored
  }

  /** Dynamic settings of this broker, and of all brokers, as they are set. */
  get dynamicBroker(): ReadonlyMap<string, string> {
    return this.dynamic(key.broker + this.nodeId)
  }
  get dynamicDefault(): ReadonlyMap<string, string> {
    return this.dynamic(key.broker)
  }

  /** An entry's value for a topic, group or broker with these overrides. */
  valueOf(entry: ConfigEntry, overrides: ReadonlyMap<string, string> = none): ConfigValue {
    return this.#valueOf(entry, overrides)
  }

  /** The listener is called with the current settings when a broker setting may have changed. */
  onBrokerChange(listener: (settings: BrokerSettings) => void): void {
    this.#brokerListeners.push(listener)
  }

  /** Applies the metadata image's settings; `changed` are the keys that differ from the last image. */
  apply(dynamic: DynamicConfigs, changed: readonly string[]): void {
    this.#dynamic = dynamic
    for (const each of changed) this.#forget(each)
    if (!changed.some((each) => each === key.broker || each === key.broker + this.nodeId)) return
    this.#applyBrokerSettings()
    this.#broker = this.#resolveBroker()
    this.#topics.clear()
    this.#groups.clear()
    this.#groupDefaults = undefined
    this.#topicDefaults = this.#resolve(topicConfigs, none)
    for (const listener of this.#brokerListeners) listener(this.#broker)
  }

  #applyBrokerSettings(): void {
    const all = { own: this.dynamicBroker, shared: this.dynamicDefault }
    const valuesWith = (settings: DynamicSettings) => (name: string) =>
      this.brokerValue(brokerSetting(name), settings.own, settings.shared).value
    this.#ignored = ignoredSettings(all, valuesWith)
    this.#inForce = without(all, this.#ignored)
  }

  /** Drops cached settings of a topic or group that were changed or deleted. */
  #forget(resourceKey: string): void {
    if (resourceKey.startsWith(key.topic)) this.#topics.delete(resourceKey.slice(key.topic.length))
    else if (resourceKey.startsWith(key.group)) this.#groups.delete(resourceKey.slice(key.group.length))
  }

  #cached<T>(
    cache: Map<string, { readonly source: ReadonlyMap<string, string>; readonly settings: T }>,
    name: string,
    source: ReadonlyMap<string, string>,
    resolve: () => T,
  ): T {
    const known = cache.get(name)
    if (known?.source === source) return known.settings
    const settings = resolve()
    // Clients can invent group ids at no cost, so cache only groups with their own settings.
    if (source.size > 0) cache.set(name, { source, settings })
    else cache.delete(name)
    return settings
  }

  #resolve<D extends ConfigTable>(table: D, overrides: ReadonlyMap<string, string>): SettingsOf<D> {
    const settings: Record<string, unknown> = {}
    for (const [property, entry] of Object.entries(table)) settings[property] = this.#valueOf(entry, overrides).value
    return settings as SettingsOf<D>
  }

  #valueOf(entry: ConfigEntry, overrides: ReadonlyMap<string, string>): ConfigValue {
    return parsedOrUndefined(entry, overrides.get(entry.name)) ?? this.#fallback(entry) ?? defaultOf(entry)
  }

  /** The value of the broker setting that the entry falls back to, in the entry's unit. */
  #fallback(entry: ConfigEntry): ConfigValue | undefined {
    const inForce = fallbackInForce(entry.fallbacks, (name) => this.brokerValue(brokerSetting(name)))
    if (inForce === undefined) return undefined
    const { fallback, found } = inForce
    if (brokerSetting(fallback.name).type === 'list' && entry.type !== 'list')
      return first(found.value as readonly string[])
    return asNoLimit(entry, fallback.factor === 1 ? found : multiplied(found, fallback.factor))
  }

  /** A broker setting's value for this broker, with `own` and `shared` as its dynamic settings; left out: those in force. */
  brokerValue(entry: ConfigEntry, own = this.#inForce.own, shared = this.#inForce.shared): ConfigValue {
    return (
      parsedOrUndefined(entry, own.get(entry.name)) ??
      parsedOrUndefined(entry, shared.get(entry.name)) ??
      this.static.values.get(entry.name) ??
      this.brokerDefault(entry)
    )
  }

  /** A broker setting's value if nobody sets it. */
  brokerDefault(entry: ConfigEntry): ConfigValue {
    return this.static.defaults.get(entry.name) ?? defaultOf(entry)
  }

  /**
   * The settings of a listener: its own (`listener.name.x.y`) if set, else the broker's. Source:
   * AbstractConfig.valuesWithPrefixOverride.
   */
  listener(name: string): Pick<BrokerSettings, 'maxConnections' | 'maxConnectionCreationRate'> {
    const of = (entry: ConfigEntry) => this.#listenerValue(name, entry) ?? this.brokerValue(entry)
    return {
      maxConnections: of(brokerConfigs.maxConnections).value as number,
      maxConnectionCreationRate: of(brokerConfigs.maxConnectionCreationRate).value as number,
    }
  }

  #listenerValue(listener: string, entry: ConfigEntry): ConfigValue | undefined {
    const name = `listener.name.${listener.toLowerCase()}.${entry.name}`
    const dynamic = this.#inForce.own.get(name) ?? this.#inForce.shared.get(name)
    return parsedOrUndefined(entry, dynamic) ?? this.static.values.get(name)
  }

  #resolveBroker(): BrokerSettings {
    const settings: Record<string, unknown> = {}
    for (const [property, entry] of Object.entries(brokerConfigs)) settings[property] = this.brokerValue(entry).value
    return settings as BrokerSettings
  }
}

function brokerSetting(name: string): ConfigEntry {
  const entry = entriesByName(brokerConfigs).get(name)
  if (entry === undefined) throw new Error(`${name} is no broker setting`)
  return entry
}

function liveSettings(current: () => BrokerSettings): BrokerSettings {
  const settings = {}
  for (const property of Object.keys(brokerConfigs) as (keyof BrokerSettings)[]) {
    Object.defineProperty(settings, property, { enumerable: true, get: () => current()[property] })
  }
  return settings as BrokerSettings
}

// Values in the metadata log were checked when they were written. A value of another version that is invalid here
// counts as not set.
function parsedOrUndefined(entry: ConfigEntry, text: string | undefined): ConfigValue | undefined {
  if (text === undefined) return undefined
  const parsed = parseSetting(entry, text)
  return parsed instanceof InvalidSetting ? undefined : parsed
}

function first(items: readonly string[]): ConfigValue {
  const text = items[0] ?? null
  return { value: text, text }
}

function multiplied(value: ConfigValue, factor: number): ConfigValue {
  const product = (value.value as number) * factor
  return { value: product, text: String(product) }
}

// Any negative log.retention.* means no limit. Source: KafkaConfig.logRetentionTimeMillis.
function asNoLimit(entry: ConfigEntry, value: ConfigValue): ConfigValue {
  return entry.name === 'retention.ms' && (value.value as number) < 0 ? { value: -1, text: '-1' } : value
}
