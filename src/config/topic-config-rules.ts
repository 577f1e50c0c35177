import { entriesByName, parseSetting } from './config-entry.ts'
import type { ConfigStore } from './config-store.ts'
import { InvalidSetting, invalidValue } from './config-value.ts'
import { topicConfigs } from './topic-configs.ts'

type Overrides = ReadonlyMap<string, string>

/**
 * Checks all wanted settings of a topic, in Kafka's order and words; `existing` are its current ones. Undefined if
 * valid. Source: LogConfig.validate.
 */
export function checkTopicConfig(
  existing: Overrides,
  wanted: Overrides,
  configs: ConfigStore,
): InvalidSetting | undefined {
  const entries = entriesByName(topicConfigs)
  for (const name of wanted.keys())
    if (!entries.has(name)) return new InvalidSetting(`Unknown topic config name: ${name}`)
  for (const entry of entries.values()) {
    const text = wanted.get(entry.name)
    const parsed = text === undefined ? undefined : parseSetting(entry, text)
    if (parsed instanceof InvalidSetting) return parsed
  }
  const values = configs.topicValues(wanted)
  return compactionLags(values) ?? remoteStorage(existing, values, configs)
}

type Values = ReturnType<ConfigStore['topicValues']>

function textOf(values: Values, name: string): string {
  return String(values.get(name)?.text)
}

// Compare as bigints: both may be beyond 2^53.
function longOf(values: Values, name: string): bigint {
  return BigInt(textOf(values, name))
}

function compactionLags(values: Values): InvalidSetting | undefined {
  const [min, max] = [longOf(values, 'min.compaction.lag.ms'), longOf(values, 'max.compaction.lag.ms')]
  if (min <= max) return undefined
  return new InvalidSetting(
    `conflict topic config setting min.compaction.lag.ms (${min}) > max.compaction.lag.ms (${max})`,
  )
}

function remoteStorage(existing: Overrides, values: Values, configs: ConfigStore): InvalidSetting | undefined {
  const enabled = values.get('remote.storage.enable')?.value === true
  if (!enabled) return remoteTurnedOff(existing, values)
  if (!configs.broker.remoteLogStorageSystemEnable)
    return new InvalidSetting(
      'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
    )
  const policy = values.get('cleanup.policy')?.value as readonly string[]
  if (policy.length > 0 && policy.join() !== 'delete')
    return new InvalidSetting(
      'Remote log storage only supports topics with cleanup.policy=delete or cleanup.policy being an empty list.',
    )
  return (
    localRetention(values, 'retention.bytes', 'local.retention.bytes') ??
    localRetention(values, 'retention.ms', 'local.retention.ms') ??
    copyLag(values, 'remote.copy.lag.bytes', 'retention.bytes', 'local.retention.bytes') ??
    copyLag(values, 'remote.copy.lag.ms', 'retention.ms', 'local.retention.ms') ??
    copyDisabled(values, 'local.retention.bytes', 'retention.bytes') ??
    copyDisabled(values, 'local.retention.ms', 'retention.ms')
  )
}

function remoteTurnedOff(existing: Overrides, values: Values): InvalidSetting | undefined {
  const was = existing.get('remote.storage.enable')?.toLowerCase() === 'true'
  if (!was || values.get('remote.log.delete.on.disable')?.value === true) return undefined
  return new InvalidSetting(
    'It is invalid to disable remote storage without deleting remote data. If you want to keep the remote data and turn to read only, please set `remote.storage.enable=true,remote.log.copy.disable=true`. If you want to disable remote storage and delete all remote data, please set `remote.storage.enable=false,remote.log.delete.on.disable=true`.',
  )
}

function localRetention(values: Values, total: string, local: string): InvalidSetting | undefined {
  const [totalValue, localValue] = [longOf(values, total), longOf(values, local)]
  if (totalValue === -1n || localValue === -2n) return undefined
  if (localValue === -1n)
    return invalidValue(local, '-1', `Value must not be -1 as ${total} value is set as ${totalValue}.`)
  if (localValue <= totalValue) return undefined
  return invalidValue(local, String(localValue), `Value must not be more than ${total} property value: ${totalValue}`)
}

function copyLag(values: Values, lag: string, total: string, local: string): InvalidSetting | undefined {
  const lagValue = longOf(values, lag)
  const localValue = longOf(values, local)
  const effective = localValue === -2n ? longOf(values, total) : localValue
  if (lagValue <= 0n || effective < 0n || lagValue <= effective) return undefined
  return invalidValue(lag, String(lagValue), `Value must not exceed ${local} (effective value: ${effective})`)
}

function copyDisabled(values: Values, local: string, total: string): InvalidSetting | undefined {
  if (values.get('remote.log.copy.disable')?.value !== true) return undefined
  const localValue = longOf(values, local)
  if (localValue === -2n || localValue === longOf(values, total)) return undefined
  return new InvalidSetting(
    `When \`remote.log.copy.disable\` is set to true, the \`${local}\` and \`${total}\` must be set to the identical value because there will be no more logs copied to the remote storage.`,
  )
}
