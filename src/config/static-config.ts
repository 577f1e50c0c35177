import { codecOf } from '../../protocol/compression/codecs.ts'
import { brokerConfigs } from './broker-configs.ts'
import { contradictionIn, retentionInForce } from './broker-value-rules.ts'
import { type ConfigEntry, defaultOf, entriesByName, parseSetting } from './config-entry.ts'
import { type ConfigValue, InvalidSetting } from './config-value.ts'
import { commentHint } from './server-properties.ts'
import { warningAboutUnknown } from './unknown-settings.ts'

/** The parsed settings of server.properties and --override. */
export interface StaticConfig {
  /** Settings by name. Listener overrides (`listener.name.x.y`) are under their full names. */
  readonly values: ReadonlyMap<string, ConfigValue>
  /** All names and texts that were given, known or not, like Kafka's originals(). */
  readonly originals: ReadonlyMap<string, string>
  /** Defaults by name that differ from those of their entries, because of the number of brokers. */
  readonly defaults: ReadonlyMap<string, ConfigValue>
  /** One line each, about unknown names and names that Kafka dropped. */
  readonly warnings: readonly string[]
}

const listenerOverride = /^listener\.name\.[^.]*\.(.*)$/
const mechanismSettings = [
  'sasl.jaas.config',
  'sasl.login.callback.handler.class',
  'sasl.login.class',
  'sasl.server.callback.handler.class',
  'connections.max.reauth.ms',
]
/**
 * The setting that a listener overrides: `listener.name.x.ssl.client.auth` overrides ssl.client.auth; undefined: none.
 */
export function listenerOverrideOf(name: string): string | undefined {
  const base = listenerOverride.exec(name)?.[1]
  return base === undefined ? undefined : (mechanismSettings.find((setting) => base.endsWith(setting)) ?? base)
}

/** The entry for a name in server.properties. */
export function brokerEntry(name: string): ConfigEntry | undefined {
  const entries = entriesByName(brokerConfigs)
  return entries.get(name) ?? entries.get(listenerOverrideOf(name) ?? '')
}

/** Reads the settings of a broker. Returns the first invalid value; warns about unknown names. defaults: by name. */
export function readStaticConfig(
  properties: ReadonlyMap<string, string>,
  defaults: ReadonlyMap<string, string> = new Map(),
): StaticConfig | InvalidSetting {
  const values = new Map<string, ConfigValue>()
  const warnings: string[] = []
  for (const [name, text] of [...properties, ...successors(properties)]) {
    const entry = brokerEntry(name)
    if (entry === undefined) {
      const warning = warningAboutUnknown(name)
      if (warning !== undefined) warnings.push(warning)
      continue
    }
    const parsed = parseSetting(entry, text)
    if (parsed instanceof InvalidSetting) return new InvalidSetting(parsed.message + commentHint(text))
    if (entry.type !== 'password' && commentHint(text) !== '')
      warnings.push(`${name}=${text}: the text after # is part of the value; put the comment on its own line`)
    values.set(name, parsed)
  }
  // node.id and broker.id mean the same. Like Kafka, fill in the one that is not set.
  const originals = new Map(properties)
  const number = originals.get('node.id') ?? originals.get('broker.id')
  if (number !== undefined && Number(number) >= 0) {
    originals.set('node.id', number)
    originals.set('broker.id', number)
  }
  return contradiction(values) ?? { values, originals, defaults: parsedDefaults(defaults), warnings }
}

function parsedDefaults(defaults: ReadonlyMap<string, string>): ReadonlyMap<string, ConfigValue> {
  return new Map(
    [...defaults].map(([name, defaultText]) => [name, defaultOf({ ...brokerEntry(name)!, defaultText })] as const),
  )
}

/** The settings with the node id that the broker has, where they do not name it. */
export function withNodeId(config: StaticConfig, nodeId: number): StaticConfig {
  const text = String(nodeId)
  const named = ['node.id', 'broker.id'] as const
  return {
    ...config,
    values: new Map([...config.values, ...named.map((name) => [name, { value: nodeId, text }] as const)]),
    originals: new Map([...config.originals, ...named.map((name) => [name, text] as const)]),
  }
}

/** Current names for settings that an old file gives only under their old names. */
function successors(properties: ReadonlyMap<string, string>): [string, string][] {
  const added: [string, string][] = []
  const add = (name: string, text: string | undefined) => {
    if (text !== undefined && !properties.has(name)) added.push([name, text])
  }
  if (Number(properties.get('broker.id') ?? '-1') >= 0) add('node.id', properties.get('broker.id'))
  add('broker.id', properties.get('node.id'))
  add('delegation.token.secret.key', properties.get('delegation.token.master.key'))
  add('listeners', plaintextAddress(properties.get('host.name'), properties.get('port')))
  const advertised = properties.get('advertised.host.name')
  const advertisedPort = properties.get('advertised.port') ?? properties.get('port')
  if (advertised !== undefined) add('advertised.listeners', plaintextAddress(advertised, advertisedPort))
  return added
}

function plaintextAddress(host: string | undefined, port: string | undefined): string | undefined {
  if (host === undefined && port === undefined) return undefined
  return `PLAINTEXT://${host ?? ''}:${port ?? '9092'}`
}

/** Values that are valid alone but not together. Source: KafkaConfig.validateValues. */
function contradiction(values: ReadonlyMap<string, ConfigValue>): InvalidSetting | undefined {
  const entries = entriesByName(brokerConfigs)
  const settingOf = (name: string) => (values.get(name) ?? defaultOf(entries.get(name)!)).value
  const retention = retentionInForce(settingOf)
  if (retention.ms === 0)
    return new InvalidSetting(`Invalid value 0 for ${retention.name}: it must be -1 (no limit) or at least 1`)
  if (values.get('log.cleaner.threads')?.value === 0)
    return new InvalidSetting('Invalid value 0 for log.cleaner.threads: it must be at least 1')
  const unmet = contradictionIn(settingOf)
  // Drop the prefix that Java puts before each of these messages.
  if (unmet !== undefined) return new InvalidSetting(unmet.message.replace('requirement failed: ', ''))
  const codec = values.get('offsets.topic.compression.codec')?.value as number | undefined
  if (codec !== undefined && codecOf(codec) === undefined)
    return new InvalidSetting(
      `Invalid value ${codec} for offsets.topic.compression.codec: Unknown compression type id: ${codec}`,
    )
  const [node, broker] = [values.get('node.id')?.value, values.get('broker.id')?.value]
  if (node !== undefined && broker !== undefined && broker !== -1 && node !== broker)
    return new InvalidSetting(`You must set \`node.id\` to the same value as \`broker.id\`.`)
  return undefined
}
