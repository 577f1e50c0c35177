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
import type { StaticConfig } from './static-config.ts'
import { type TopicSettings, topicConfigs } from './topic-configs.ts'

/** Dynamic settings by resource key (`configResourceKey` of metadata-image.ts), then by name. */
export type DynamicConfigs = ReadonlyMap<string, ReadonlyMap<string, string>>

const none: ReadonlyMap<string, string> = new Map()
const key = { topic: '2:', broker: '4:', group: '32:' } as const

/**
 * What every setting is at the moment: from server.properties, the metadata log, or its default. The resolved objects
 * are immutable: read them anew for each request, keep them for one.
 */
export class ConfigStore {
  readonly nodeId: number
  readonly static: StaticConfig
  #dynamic: DynamicConfigs = new Map()
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
  /** The broker's settings for whoever keeps them: each is what it is at the moment at which it is read. */
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

  /** A topic's settings; those of a topic that does not exist are what it would start with. Satisfies LogConfig. */
  topic(name: string): TopicSettings {
    const source = this.#dynamic.get(key.topic + name)
    if (source === undefined || source.size === 0) return this.#topicDefaults
    return this.#cached(this.#topics, name, source, () => {
      const settings = this.#resolve(topicConfigs, source)
      // internal.segment.bytes goes below the lower bound of segment.bytes, for tests (LogConfig.segmentSize).
      return { ...settings, segmentBytes: settings.internalSegmentBytes ?? settings.segmentBytes }
    })
  }

  /** A group's settings, held within the broker's bounds for groups. */
  group(id: string): GroupSettings {
    const source = this.#dynamic.get(key.group + id)
    // Asked with each heartbeat, and nearly always of a group without settings of its own.
    if (source === undefined || source.size === 0) {
      this.#groupDefaults ??= this.#resolveGroup(none)
      return this.#groupDefaults
    }
    return this.#cached(this.#groups, id, source, () => this.#resolveGroup(source))
  }

  #resolveGroup(source: ReadonlyMap<string, string>): GroupSettings {
    return withinGroupBounds(this.#resolve(groupConfigs, source), this.#broker)
  }

  /** Every effective value of a topic as text, for checks that look at several at once. */
  topicValues(overrides: ReadonlyMap<string, string>): ReadonlyMap<string, ConfigValue> {
    return new Map(Object.values(topicConfigs).map((entry) => [entry.name, this.#valueOf(entry, overrides)]))
  }

  /** The dynamic settings of a resource as they were set. */
  dynamic(resourceKey: string): ReadonlyMap<string, string> {
    return this.#dynamic.get(resourceKey) ?? none
  }

  /** True where the data directory at that place of log.dirs gets no new logs (KIP-1066). */
  isCordoned(directoryIndex: number): boolean {
    const { cordonedLogDirs, logDirs, logDir } = this.#broker
    const name = (logDirs ?? logDir)[directoryIndex]
    return cordonedLogDirs.includes('*') || (name !== undefined && cordonedLogDirs.includes(name))
  }

  /** Dynamic settings of this broker, and of all of them. */
  get dynamicBroker(): ReadonlyMap<string, string> {
    return this.dynamic(key.broker + this.nodeId)
  }
  get dynamicDefault(): ReadonlyMap<string, string> {
    return this.dynamic(key.broker)
  }

  /** An entry's value for a topic, group or broker with these overrides of its own. */
  valueOf(entry: ConfigEntry, overrides: ReadonlyMap<string, string> = none): ConfigValue {
    return this.#valueOf(entry, overrides)
  }

  /** Called when a broker setting may have changed, with the settings as they are now. */
  onBrokerChange(listener: (settings: BrokerSettings) => void): void {
    this.#brokerListeners.push(listener)
  }

  /** Takes the metadata image's settings; `changed` are the keys that differ from the last image's. */
  apply(dynamic: DynamicConfigs, changed: readonly string[]): void {
    this.#dynamic = dynamic
    for (const each of changed) this.#forget(each)
    if (!changed.some((each) => each === key.broker || each === key.broker + this.nodeId)) return
    this.#broker = this.#resolveBroker()
    this.#topics.clear()
    this.#groups.clear()
    this.#groupDefaults = undefined
    this.#topicDefaults = this.#resolve(topicConfigs, none)
    for (const listener of this.#brokerListeners) listener(this.#broker)
  }

  /** Settings that were resolved for a topic or a group are of no use once others are set, or it is gone. */
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
    // A group id costs a client nothing: without settings of its own it is not worth an entry.
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

  /** The value of the entry's broker setting that counts, in the entry's own unit. */
  #fallback(entry: ConfigEntry): ConfigValue | undefined {
    const inForce = fallbackInForce(entry.fallbacks, (name) => this.brokerValue(brokerSetting(name)))
    if (inForce === undefined) return undefined
    const { fallback, found } = inForce
    if (brokerSetting(fallback.name).type === 'list' && entry.type !== 'list')
      return first(found.value as readonly string[])
    return asNoLimit(entry, fallback.factor === 1 ? found : multiplied(found, fallback.factor))
  }

  /** A broker setting's value for this broker; `own` and `shared`: as if these were the dynamic ones. */
  brokerValue(entry: ConfigEntry, own = this.dynamicBroker, shared = this.dynamicDefault): ConfigValue {
    return (
      parsedOrUndefined(entry, own.get(entry.name)) ??
      parsedOrUndefined(entry, shared.get(entry.name)) ??
      this.static.values.get(entry.name) ??
      defaultOf(entry)
    )
  }

  /**
   * The settings of a listener: its own (`listener.name.x.y`) where it has them, else the broker's. Source:
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
    const dynamic = this.dynamicBroker.get(name) ?? this.dynamicDefault.get(name)
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

// What is in the metadata log was checked when it came; another version's value that is none here counts as not set.
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
