import { brokerConfigs } from './broker-configs.ts'
import { contradictionIn, refusedChange } from './broker-value-rules.ts'
import { entriesByName, parseSetting } from './config-entry.ts'
import type { ConfigStore } from './config-store.ts'
import { InvalidSetting } from './config-value.ts'
import { missingProtection } from './start-notes.ts'
import { listenerOverrideOf } from './static-config.ts'

type Settings = ReadonlyMap<string, string>

/** Settings of a listener that apply to all brokers. Source: DynamicBrokerConfig.CLUSTER_LEVEL_LISTENER_CONFIGS. */
const clusterLevelListenerSettings = new Set(['max.connections', 'max.connection.creation.rate', 'num.network.threads'])

/** Kafka opens and closes listeners when these change. */
const notWhileRunning = new Set(['listeners', 'listener.security.protocol.map'])

/**
 * Checks all wanted dynamic settings of a broker, or of the cluster if perBroker is false. Unknown names are allowed:
 * plug-ins have settings too. Source: DynamicBrokerConfig.validateConfigs.
 */
export function checkDynamicBrokerConfig(settings: Settings, perBroker: boolean): InvalidSetting | undefined {
  const entries = entriesByName(brokerConfigs)
  const names = [...settings.keys()]
  const appliesTo = (name: string) => entries.get(name)?.applies
  const fixed = names.filter((name) => appliesTo(name) === 'read-only')
  if (fixed.length > 0) return listed('Cannot update these configs dynamically', fixed)
  const secured = names.filter((name) => name.startsWith('ssl.') && appliesTo(name) === 'per-broker')
  if (secured.length > 0)
    return listed(
      'These security configs can be dynamically updated only per-listener using the listener prefix',
      secured,
    )
  const kept = names.filter((name) => notWhileRunning.has(name))
  if (perBroker && kept.length > 0)
    return listed('Ottla cannot change these configs while it runs yet; set them in server.properties', kept)
  const missing = missingProtection(settings)
  if (missing !== undefined) return new InvalidSetting(missing.what)
  for (const [name, text] of settings) {
    const entry = entries.get(name) ?? entries.get(listenerOverrideOf(name) ?? '')
    const parsed = entry === undefined ? undefined : parseSetting(entry, text)
    if (parsed instanceof InvalidSetting) return parsed
  }
  const single = perBroker ? [] : names.filter((name) => isPerBroker(name))
  if (single.length === 0) return undefined
  return listed('Cannot update these configs at default cluster level, broker id must be specified', single)
}

/**
 * Checks the values that this broker would have with these settings. Source: DynamicBrokerConfig.validate,
 * processReconfiguration.
 */
export function checkBrokerValues(
  settings: Settings,
  perBroker: boolean,
  configs: ConfigStore,
): InvalidSetting | undefined {
  const entries = entriesByName(brokerConfigs)
  const own = perBroker ? settings : configs.dynamicBroker
  const shared = perBroker ? configs.dynamicDefault : settings
  const before = (name: string) => configs.brokerValue(entries.get(name)!).value
  const after = (name: string) => configs.brokerValue(entries.get(name)!, own, shared).value
  return contradictionIn(after) ?? refusedChange(before, after)
}

function isPerBroker(name: string): boolean {
  if (entriesByName(brokerConfigs).get(name)?.applies === 'per-broker') return true
  const base = listenerOverrideOf(name)
  return base !== undefined && !clusterLevelListenerSettings.has(base)
}

function listed(what: string, names: readonly string[]): InvalidSetting {
  return new InvalidSetting(`${what}: [${[...names].sort().join(', ')}]`)
}
