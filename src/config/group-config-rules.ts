import type { BrokerSettings } from './broker-configs.ts'
import { entriesByName } from './config-entry.ts'
import { InvalidSetting, parseConfigValue } from './config-value.ts'
import { type GroupSettings, groupConfigs } from './group-configs.ts'

interface Bound {
  readonly setting: keyof GroupSettings
  /** Names of broker settings; undefined: no bound. */
  readonly min?: keyof BrokerSettings
  readonly max?: keyof BrokerSettings
}

/** In Kafka's order of checks. Source: GroupConfig.validateValues. */
const bounds: readonly Bound[] = [
  range('consumerHeartbeatIntervalMs', 'groupConsumerMinHeartbeatIntervalMs', 'groupConsumerMaxHeartbeatIntervalMs'),
  range('consumerSessionTimeoutMs', 'groupConsumerMinSessionTimeoutMs', 'groupConsumerMaxSessionTimeoutMs'),
  range('consumerAssignmentIntervalMs', 'groupConsumerMinAssignmentIntervalMs', 'groupConsumerMaxAssignmentIntervalMs'),
  range('shareHeartbeatIntervalMs', 'groupShareMinHeartbeatIntervalMs', 'groupShareMaxHeartbeatIntervalMs'),
  range('shareSessionTimeoutMs', 'groupShareMinSessionTimeoutMs', 'groupShareMaxSessionTimeoutMs'),
  range('shareRecordLockDurationMs', 'groupShareMinRecordLockDurationMs', 'groupShareMaxRecordLockDurationMs'),
  range('shareDeliveryCountLimit', 'groupShareMinDeliveryCountLimit', 'groupShareMaxDeliveryCountLimit'),
  range('sharePartitionMaxRecordLocks', 'groupShareMinPartitionMaxRecordLocks', 'groupShareMaxPartitionMaxRecordLocks'),
  range('shareAssignmentIntervalMs', 'groupShareMinAssignmentIntervalMs', 'groupShareMaxAssignmentIntervalMs'),
  range('streamsHeartbeatIntervalMs', 'groupStreamsMinHeartbeatIntervalMs', 'groupStreamsMaxHeartbeatIntervalMs'),
  range('streamsSessionTimeoutMs', 'groupStreamsMinSessionTimeoutMs', 'groupStreamsMaxSessionTimeoutMs'),
  { setting: 'streamsNumStandbyReplicas', max: 'groupStreamsMaxStandbyReplicas' },
  range('streamsAssignmentIntervalMs', 'groupStreamsMinAssignmentIntervalMs', 'groupStreamsMaxAssignmentIntervalMs'),
  { setting: 'streamsTaskOffsetIntervalMs', min: 'groupStreamsMinTaskOffsetIntervalMs' },
  { setting: 'streamsNumWarmupReplicas', max: 'groupStreamsMaxWarmupReplicas' },
]

const sessions = [
  ['consumerSessionTimeoutMs', 'consumerHeartbeatIntervalMs', 'groupConsumer'],
  ['shareSessionTimeoutMs', 'shareHeartbeatIntervalMs', 'groupShare'],
  ['streamsSessionTimeoutMs', 'streamsHeartbeatIntervalMs', 'groupStreams'],
] as const

function range(setting: keyof GroupSettings, min: keyof BrokerSettings, max: keyof BrokerSettings): Bound {
  return { setting, min, max }
}

/**
 * Limits a group's settings to the broker's bounds, which may have changed since they were set. Source:
 * GroupConfig.evaluate.
 */
export function withinGroupBounds(settings: GroupSettings, broker: BrokerSettings): GroupSettings {
  const bounded: Record<string, unknown> = { ...settings }
  for (const { setting, min, max } of bounds) {
    const low = min === undefined ? Number.NEGATIVE_INFINITY : (broker[min] as number)
    const high = max === undefined ? Number.POSITIVE_INFINITY : (broker[max] as number)
    bounded[setting] = Math.min(Math.max(settings[setting] as number, low), high)
  }
  return bounded as GroupSettings
}

/** Checks all wanted settings of a group, in Kafka's order and words. Source: GroupConfig.validate. */
export function checkGroupConfig(
  config: ReadonlyMap<string, string>,
  broker: BrokerSettings,
): InvalidSetting | undefined {
  const entries = entriesByName(groupConfigs)
  const unknown = [...config.keys()].find((name) => !entries.has(name))
  if (unknown !== undefined) return new InvalidSetting(`Unknown group config name: ${unknown}`)
  const tags = groupConfigs.streamsRackAwareAssignmentTags.name
  const given = (config.get(tags) ?? '').trim().split(/\s*,\s*/)
  if (new Set(given).size !== given.length) return new InvalidSetting(`${tags} must not contain duplicate tag keys.`)
  const values = new Map<string, unknown>()
  for (const [name, text] of config) {
    const entry = entries.get(name)!
    const parsed = parseConfigValue(entry.type, name, text)
    if (parsed instanceof InvalidSetting) return parsed
    const fault = entry.check?.test(name, parsed)
    if (fault !== undefined) return fault
    values.set(name, parsed.value)
  }
  return outOfBounds(values, broker) ?? unknownAssignor(values, broker) ?? tooShort(values, broker) ?? badQueue(values)
}

function outOfBounds(values: ReadonlyMap<string, unknown>, broker: BrokerSettings): InvalidSetting | undefined {
  for (const { setting, min, max } of bounds) {
    const { name } = groupConfigs[setting]
    const value = values.get(name) as number | undefined
    if (value === undefined) continue
    const low = min === undefined ? undefined : (broker[min] as number)
    const high = max === undefined ? undefined : (broker[max] as number)
    if ((low === undefined || value >= low) && (high === undefined || value <= high)) continue
    if (low === undefined) return new InvalidSetting(`${name} must be less than or equal to ${high}`)
    if (high === undefined) return new InvalidSetting(`${name} must be greater than or equal to ${low}`)
    return new InvalidSetting(`${name} must be in the range ${low} to ${high} inclusive.`)
  }
  return undefined
}

function unknownAssignor(values: ReadonlyMap<string, unknown>, broker: BrokerSettings): InvalidSetting | undefined {
  const name = groupConfigs.streamsAssignorName.name
  const assignor = values.get(name) as string | undefined
  const known = broker.groupStreamsAssignors
  if (assignor === undefined || known.includes(assignor)) return undefined
  return new InvalidSetting(
    `${name} '${assignor}' is not a registered task assignor. Registered assignors are: [${known.join(', ')}].`,
  )
}

function tooShort(values: ReadonlyMap<string, unknown>, broker: BrokerSettings): InvalidSetting | undefined {
  for (const [session, heartbeat, prefix] of sessions) {
    const [sessionName, heartbeatName] = [groupConfigs[session].name, groupConfigs[heartbeat].name]
    if (!values.has(sessionName) && !values.has(heartbeatName)) continue
    const sessionMs = (values.get(sessionName) as number | undefined) ?? broker[`${prefix}SessionTimeoutMs`]
    const heartbeatMs = (values.get(heartbeatName) as number | undefined) ?? broker[`${prefix}HeartbeatIntervalMs`]
    if (sessionMs <= heartbeatMs) return new InvalidSetting(`${sessionName} must be greater than ${heartbeatName}`)
  }
  return undefined
}

function badQueue(values: ReadonlyMap<string, unknown>): InvalidSetting | undefined {
  const { name } = groupConfigs.errorsDeadletterqueueTopicName
  const topic = values.get(name) as string | undefined
  return topic?.startsWith('__') ? new InvalidSetting(`${name}: DLQ topic name must not start with '__'`) : undefined
}
