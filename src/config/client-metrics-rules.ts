import { type Rejection, reject } from '../../protocol/error-codes.ts'
import { entriesByName, int, list, parseSetting } from './config-entry.ts'
import { InvalidSetting } from './config-value.ts'
import { compileRe2 } from './re2.ts'

const perSubscription = { applies: 'per-subscription' } as const

/** Settings of a client metrics subscription (KIP-714). Source: ClientMetricsConfigs. */
export const clientMetricsConfigs = {
  subscriptionIntervalMs: int('interval.ms', {
    ...perSubscription,
    default: 300_000,
    doc: 'How often clients push their metrics, in milliseconds.',
  }),
  subscriptionMetrics: list('metrics', {
    ...perSubscription,
    default: '',
    doc: 'Prefixes of the metrics that clients push.',
  }),
  subscriptionMatch: list('match', {
    ...perSubscription,
    default: '',
    doc: 'Clients that the subscription is for, as `what=pattern` pairs with regular expressions of RE2.',
  }),
} as const

const matchable = new Set([
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
])

/** Checks all settings of a subscription. Source: ClientMetricsConfigs.validate. */
export function checkClientMetrics(name: string, settings: ReadonlyMap<string, string>): Rejection | undefined {
  if (name === '') return reject('INVALID_REQUEST', "Subscription name can't be empty")
  for (const [setting, text] of settings) {
    const entry = entriesByName(clientMetricsConfigs).get(setting)
    if (entry === undefined) return reject('INVALID_REQUEST', `Unknown client metrics configuration: ${setting}`)
    const parsed = parseSetting(entry, text)
    if (parsed instanceof InvalidSetting) return reject('INVALID_CONFIG', parsed.message)
  }
  const interval = Number(settings.get('interval.ms') ?? 300_000)
  if (interval < 100 || interval > 3_600_000)
    return reject(
      'INVALID_REQUEST',
      `Invalid value ${interval} for interval.ms, interval must be between 100 and 3600000 (1 hour)`,
    )
  const patterns = (settings.get('match') ?? '').split(',').filter((pattern) => pattern.trim() !== '')
  const illegal = patterns.find((pattern) => !isPattern(pattern))
  return illegal === undefined
    ? undefined
    : reject('INVALID_CONFIG', `Illegal client matching pattern: ${illegal.trim()}`)
}

function isPattern(text: string): boolean {
  const [parameter, pattern, ...rest] = text.split('=')
  if (parameter === undefined || pattern === undefined || rest.length > 0) return false
  if (!matchable.has(parameter.trim())) return false
  return typeof compileRe2(pattern.trim()) !== 'string'
}
