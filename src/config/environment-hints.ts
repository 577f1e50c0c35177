import { listed } from './listed.ts'
import { retiredSetting } from './retired-settings.ts'
import { brokerEntry } from './static-config.ts'
import { authorizerSettings } from './without-effect.ts'

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Container images of Kafka read settings from variables such as KAFKA_NUM_PARTITIONS; Ottla does not. Returns one line
 * about such variables, undefined if there are none. Ignores KAFKA_PORT=tcp://... and the like, which Kubernetes sets
 * for a service called kafka, and variables of start scripts (KAFKA_HEAP_OPTS).
 */
export function warningAboutEnvironment(
  environment: Environment,
  properties: ReadonlyMap<string, string>,
): string | undefined {
  const found = Object.entries(environment).flatMap(([variable, value]) => {
    const setting = settingOf(variable, value ?? '')
    return setting === undefined || properties.has(setting) ? [] : [{ variable, setting }]
  })
  if (found.length === 0) return undefined
  const variables = listed(found.map(({ variable }) => variable))
  const settings = listed(found.map(({ setting }) => setting))
  const [have, them] = found.length === 1 ? ['has', 'it'] : ['have', 'them']
  return `${variables} in the environment ${have} no effect: Ottla does not read settings from the environment yet; set ${settings} in server.properties, or pass ${them} with --override`
}

/** The setting that Kafka's images read from a variable; undefined: none. `__` stands for `_`, `___` for `-`. */
function settingOf(variable: string, value: string): string | undefined {
  const words = /^KAFKA_(?:CFG_)?([A-Z][A-Z0-9_]*)$/.exec(variable)?.[1]
  if (words === undefined || /^(tcp|udp|sctp):\/\//.test(value)) return undefined
  const separators: Readonly<Record<string, string>> = { _: '.', __: '_', ___: '-' }
  const setting = words.toLowerCase().replace(/_+/g, (run) => separators[run] ?? run)
  const isKnown = brokerEntry(setting) !== undefined || retiredSetting(setting) !== undefined
  return isKnown || setting in authorizerSettings ? setting : undefined
}
