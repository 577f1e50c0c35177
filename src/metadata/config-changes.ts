/*
 * Decisions about dynamic settings: pure functions from the current settings and a request to the settings to write, or
 * to Kafka's error. Checks have Kafka's order and messages. Source: ConfigAdminManager (broker checks), then
 * ConfigurationControlManager and ControllerConfigurationValidator (controller checks).
 */
import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { checkBrokerValues, checkDynamicBrokerConfig } from '../config/broker-config-rules.ts'
import { brokerConfigs } from '../config/broker-configs.ts'
import { checkClientMetrics, clientMetricsConfigs } from '../config/client-metrics-rules.ts'
import { type ConfigTable, entriesByName } from '../config/config-entry.ts'
import type { ConfigStore } from '../config/config-store.ts'
import { checkGroupConfig } from '../config/group-config-rules.ts'
import { groupConfigs } from '../config/group-configs.ts'
import { checkTopicConfig } from '../config/topic-config-rules.ts'
import { topicConfigs } from '../config/topic-configs.ts'
import { isLogLevel, type NamedLoggers, ROOT_LOGGER, sortedLevels } from '../observe/named-loggers.ts'
import { configResourceKey, configResourceType, type MetadataImage } from './metadata-image.ts'
import { eligibleLeaderReplicas } from './record-versions.ts'
import { invalidTopicName } from './topic-names.ts'

/** Kafka's AlterConfigOp.OpType ids. */
const operations = ['SET', 'DELETE', 'APPEND', 'SUBTRACT'] as const
type Operation = (typeof operations)[number]
const LONGEST_VALUE = 32_767
const CORDONED = 'cordoned.log.dirs'

/** One changed setting. `operation` is the unchecked code; AlterConfigs has only SETs. */
export interface SettingChange {
  readonly name: string
  readonly operation: number
  readonly value: string | null
}

export interface AlteredResource {
  readonly type: number
  readonly name: string
  readonly changes: readonly SettingChange[]
  /** True for AlterConfigs: settings not listed are removed. */
  readonly replacesAll: boolean
}

type LoggerNames = Pick<NamedLoggers, 'has'>

/** State that decisions are based on. */
export interface ConfigChangeContext {
  readonly nodeId: number
  readonly image: MetadataImage
  readonly configs: ConfigStore
  /** Loggers whose levels may change; left out: none. */
  readonly loggers?: LoggerNames
}

type Settings = ReadonlyMap<string, string>
/** Settings to write; null removes one. */
export type SettingsToWrite = ReadonlyMap<string, string | null>

/** Settings to write for one resource, or Kafka's error. */
export function decideConfigChange(
  resource: AlteredResource,
  context: ConfigChangeContext,
): SettingsToWrite | Rejection {
  const malformed = malformedRequest(resource) ?? loggerRefusal(resource, context) ?? wrongBroker(resource, context)
  if (malformed !== undefined) return malformed
  if (resource.type === configResourceType.brokerLogger) return new Map()
  return decideAt('broker', resource, context)
}

/** Which of the two a request was sent to. */
type Endpoint = 'broker' | 'controller'

/** Checks of the controller, and those of the broker that need to know what is wanted. */
function decideAt(
  endpoint: Endpoint,
  resource: AlteredResource,
  context: ConfigChangeContext,
): SettingsToWrite | Rejection {
  const current =
    context.image.configs.get(configResourceKey(resource.type, resource.name)) ?? new Map<string, string>()
  const written = plan(resource, current, endpoint)
  if (isRejection(written)) return written
  const wanted = new Map(current)
  for (const [name, value] of written) {
    if (value === null) wanted.delete(name)
    else wanted.set(name, value)
  }
  return (
    (endpoint === 'broker' ? brokerRefusal(resource, wanted, context) : uncordonsOnly(resource, current, wanted)) ??
    transitionRefusal(resource, written, context) ??
    valueRefusal(resource, current, wanted, context) ??
    missing(resource, context) ??
    written
  )
}

/**
 * The same for a request to a controller listener, which makes fewer checks: values of broker settings are stored as
 * they are. Source: ControllerApis.handleIncrementalAlterConfigs, ConfigurationControlManager.
 */
export function decideControllerConfigChange(
  resource: AlteredResource,
  context: ConfigChangeContext,
): SettingsToWrite | Rejection {
  const { type } = resource
  if (!(Object.values(configResourceType) as number[]).includes(type))
    return reject('UNSUPPORTED_VERSION', `Unknown resource type ${type}.`)
  if (type === configResourceType.brokerLogger)
    return resource.replacesAll
      ? reject('INVALID_REQUEST', 'Unexpected resource type BROKER_LOGGER.')
      : (loggerRefusal(resource, context) ?? new Map())
  return decideAt('controller', resource, context)
}

function malformedRequest({ type, changes, replacesAll }: AlteredResource): Rejection | undefined {
  const names = changes.map(({ name }) => name)
  if (new Set(names).size !== names.length) return reject('INVALID_REQUEST', 'Error due to duplicate config keys')
  const nulls = changes.filter(({ operation, value }) => value === null && operations[operation] !== 'DELETE')
  if (nulls.length > 0)
    return reject('INVALID_REQUEST', `Null value not supported for : ${nulls.map(({ name }) => name).join(', ')}`)
  const { topic, broker, clientMetrics, group } = configResourceType
  if (!replacesAll && type === configResourceType.brokerLogger) return undefined
  if ([topic, broker, clientMetrics, group].some((known) => known === type)) return undefined
  return reject('INVALID_REQUEST', `Unknown resource type ${type}`)
}

function wrongBroker({ type, name }: AlteredResource, { nodeId }: ConfigChangeContext): Rejection | undefined {
  if (type !== configResourceType.broker || name === '') return undefined
  if (!/^[+-]?\d+$/.test(name)) return reject('INVALID_REQUEST', `Node id must be an integer, but it is: ${name}`)
  if (Number(name) === nodeId) return undefined
  return reject('INVALID_REQUEST', `Unexpected broker id, expected ${nodeId}, but received ${name}`)
}

/** Checks of changed log levels. Source: RuntimeLoggerManager. */
function loggerRefusal(
  { type, name, changes }: AlteredResource,
  { nodeId, loggers }: ConfigChangeContext,
): Rejection | undefined {
  if (type !== configResourceType.brokerLogger) return undefined
  if (!/^[+-]?\d+$/.test(name)) return reject('INVALID_REQUEST', `Node id must be an integer, but it is: ${name}`)
  if (Number(name) !== nodeId)
    return reject('INVALID_REQUEST', `Unexpected node id. Expected ${nodeId}, but received ${Number(name)}`)
  for (const change of changes) {
    const refusal = levelRefusal(change, loggers)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

function levelRefusal(
  { name, operation, value }: SettingChange,
  loggers: LoggerNames | undefined,
): Rejection | undefined {
  const kind = operations[operation]
  if (kind !== 'SET' && kind !== 'DELETE') {
    const what = kind === undefined ? `Unknown operation type ${operation}` : `${kind} operation`
    return reject('INVALID_REQUEST', `${what} is not allowed for the BROKER_LOGGER resource`)
  }
  if (loggers?.has(name) !== true) return reject('INVALID_CONFIG', `Logger ${name} does not exist!`)
  if (kind === 'DELETE')
    return name === ROOT_LOGGER
      ? reject('INVALID_REQUEST', 'Removing the log level of the root logger is not allowed')
      : undefined
  if (isLogLevel(value)) return undefined
  // Only a controller gets so far without a level, and fails on it.
  if (value === null) return reject('UNKNOWN_SERVER_ERROR')
  return reject(
    'INVALID_CONFIG',
    `Cannot set the log level of ${name} to ${value} as it is not a supported log level. Valid log levels are ${sortedLevels.join(', ')}`,
  )
}

/** Settings to write for the changes. Unchanged values are left out, except for brokers: Kafka writes those again. */
function plan(
  resource: AlteredResource,
  current: Settings,
  endpoint: Endpoint,
): Map<string, string | null> | Rejection {
  const written = new Map<string, string | null>()
  const isBroker = resource.type === configResourceType.broker
  const isBrokersOwn = isBroker && endpoint === 'broker'
  for (const { name, operation, value } of resource.changes) {
    const kind = operations[operation]
    // Kafka's broker rejects an unknown operation; its controller fails on it.
    if (kind === undefined)
      return isBrokersOwn
        ? reject('INVALID_REQUEST', `Unknown operations type ${operation}`)
        : reject('UNKNOWN_SERVER_ERROR', null)
    const next =
      kind === 'DELETE'
        ? null
        : kind === 'SET'
          ? value
          : editedList(resource, kind, name, value ?? '', { current, isBrokersOwn })
    if (isRejection(next)) return next
    if (isBroker || next !== (current.get(name) ?? null)) written.set(name, next)
  }
  if (resource.replacesAll) {
    const named = new Set(resource.changes.map(({ name }) => name))
    for (const name of current.keys()) if (!named.has(name)) written.set(name, null)
  }
  return written
}

function editedList(
  resource: AlteredResource,
  kind: Operation,
  name: string,
  value: string,
  { current, isBrokersOwn }: { readonly current: Settings; readonly isBrokersOwn: boolean },
): string | Rejection {
  const schema = listDefault(resource.type, name)
  if (schema === undefined) {
    if (isBrokersOwn)
      return reject('INVALID_CONFIG', `Config value ${kind.toLowerCase()} is not allowed for config key: ${name}`)
    return reject('INVALID_CONFIG', `Can't ${kind} to key ${name} because its type is not LIST.`)
  }
  const old = (current.get(name) ?? schema).split(',').filter((item) => item !== '')
  const items = value.split(',')
  if (kind === 'APPEND') return [...new Set([...old, ...items])].join(',')
  return old.filter((item) => !items.includes(item)).join(',')
}

const tables: Readonly<Record<number, ConfigTable>> = {
  [configResourceType.topic]: topicConfigs,
  [configResourceType.broker]: brokerConfigs,
  [configResourceType.group]: groupConfigs,
  [configResourceType.clientMetrics]: clientMetricsConfigs,
}

/** Default of a list setting; undefined if the setting is not a list. */
function listDefault(type: number, name: string): string | undefined {
  const entry = entriesByName(tables[type] ?? {}).get(name)
  return entry?.type === 'list' ? (entry.defaultText ?? '') : undefined
}

function brokerRefusal(
  { type, name }: AlteredResource,
  wanted: Settings,
  { configs }: ConfigChangeContext,
): Rejection | undefined {
  if (type !== configResourceType.broker) return undefined
  const perBroker = name !== ''
  const fault = checkDynamicBrokerConfig(wanted, perBroker) ?? checkBrokerValues(wanted, perBroker, configs)
  return fault === undefined ? undefined : reject('INVALID_REQUEST', fault.message)
}

/** Only the broker can check new directories. Source: ConfigurationControlManager.isCordonedLogDirsInvalid. */
function uncordonsOnly({ type }: AlteredResource, current: Settings, wanted: Settings): Rejection | undefined {
  if (type !== configResourceType.broker) return undefined
  const directories = (text = '') =>
    text
      .trim()
      .split(/\s*,\s*/)
      .filter((each) => each !== '')
  const cordoned = new Set(directories(current.get(CORDONED)))
  if (directories(wanted.get(CORDONED)).every((each) => cordoned.has(each))) return undefined
  return reject(
    'INVALID_CONFIG',
    'When updating cordoned.log.dirs via controllers,  the new value must be a subset of the current configuration value.',
  )
}

function transitionRefusal(
  { type, name }: AlteredResource,
  written: SettingsToWrite,
  { image }: ConfigChangeContext,
): Rejection | undefined {
  const isBroker = type === configResourceType.broker
  for (const [setting, value] of written) {
    if (isBroker && setting === 'min.insync.replicas' && eligibleLeaderReplicas(image.features)) {
      if (name !== '')
        return reject('INVALID_CONFIG', 'Broker-level min.insync.replicas cannot be altered while ELR is enabled.')
      if (value === null)
        return reject('INVALID_CONFIG', 'Cluster-level min.insync.replicas cannot be removed while ELR is enabled.')
    }
    if (value !== null && value.length > LONGEST_VALUE)
      return reject(
        'INVALID_CONFIG',
        `The configuration value cannot be added because it exceeds the maximum value size of ${LONGEST_VALUE} bytes.`,
      )
  }
  return undefined
}

function valueRefusal(
  { type, name }: AlteredResource,
  current: Settings,
  wanted: Settings,
  { configs }: ConfigChangeContext,
): Rejection | undefined {
  switch (type) {
    case configResourceType.topic: {
      if (name === '') return reject('INVALID_REQUEST', 'Default topic resources are not allowed.')
      const invalidName = invalidTopicName(name)
      if (invalidName !== undefined) return reject('INVALID_TOPIC_EXCEPTION', invalidName)
      return invalidConfig(checkTopicConfig(current, wanted, configs))
    }
    case configResourceType.group:
      if (name === '') return reject('INVALID_REQUEST', 'Default group resources are not allowed.')
      return invalidConfig(checkGroupConfig(wanted, configs.broker))
    case configResourceType.clientMetrics:
      return checkClientMetrics(name, wanted)
    case configResourceType.broker:
      return brokerNameFault(name)
    default:
      return undefined
  }
}

function brokerNameFault(name: string): Rejection | undefined {
  if (name === '') return undefined
  if (!/^[+-]?\d+$/.test(name)) return reject('INVALID_REQUEST', 'Unable to parse broker name as a base 10 number.')
  return Number(name) < 0 ? reject('INVALID_REQUEST', 'Invalid negative broker ID.') : undefined
}

function invalidConfig(fault: { readonly message: string } | undefined): Rejection | undefined {
  return fault === undefined ? undefined : reject('INVALID_CONFIG', fault.message)
}

function missing({ type, name }: AlteredResource, { image }: ConfigChangeContext): Rejection | undefined {
  if (type === configResourceType.topic && !image.topicsByName.has(name))
    return reject('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${name}' does not exist.`)
  if (type === configResourceType.broker && name !== '' && !image.brokers.has(Number(name)))
    return reject('BROKER_ID_NOT_REGISTERED', `No node with id ${name} found.`)
  return undefined
}
