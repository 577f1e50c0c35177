import { invariant } from '../../protocol/invariant.ts'
import { InvalidSetting } from './config-value.ts'
import { fallbackInForce } from './fallbacks.ts'
import { topicConfigs } from './topic-configs.ts'

/** Value of a broker setting by its name. */
export type ValueOf = (name: string) => unknown

const SMALLEST_DEDUPE_BYTES = 1024 * 1024

/** Sizes of Kafka's thread pools: one change may at most double or halve them. */
const THREAD_POOLS = [
  'num.io.threads',
  'num.network.threads',
  'num.replica.fetchers',
  'num.recovery.threads.per.data.dir',
  'background.threads',
]

/** Values that are valid alone but not together. In Kafka's words. Source: KafkaConfig.validateValues. */
export function contradictionIn(settingOf: ValueOf): InvalidSetting | undefined {
  const number = (name: string) => settingOf(name) as number | null
  if ((number('log.roll.ms') ?? 1) < 1) return unmet('log.roll.ms must be greater than or equal to 1')
  if ((number('log.roll.jitter.ms') ?? 0) < 0) return unmet('log.roll.jitter.ms must be greater than or equal to 0')
  if (retentionInForce(settingOf).ms === 0)
    return unmet('log.retention.ms must be unlimited (-1) or, greater than or equal to 1')
  if (number('max.connections.per.ip') === 0 && settingOf('max.connections.per.ip.overrides') === '')
    return unmet('max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.')
  if (!(settingOf('group.coordinator.rebalance.protocols') as readonly string[]).includes('classic'))
    return new InvalidSetting("Disabling the 'classic' protocol is not supported.")
  const threads = number('log.cleaner.threads') as number
  if (threads === 0) return new InvalidSetting('/ by zero')
  if (Math.floor((number('log.cleaner.dedupe.buffer.size') as number) / threads) <= SMALLEST_DEDUPE_BYTES)
    return unmet('log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.')
  return misplacedCordon(settingOf)
}

/** Log retention in milliseconds, and the setting that determines it. Source: KafkaConfig.logRetentionTimeMillis. */
export function retentionInForce(settingOf: ValueOf): { readonly name: string; readonly ms: number } {
  const inForce = fallbackInForce(topicConfigs.retentionMs.fallbacks, (name) => ({ value: settingOf(name) }))
  invariant(inForce !== undefined, 'log.retention.hours has a default')
  const { fallback, found } = inForce
  return { name: fallback.name, ms: (found.value as number) * fallback.factor }
}

function misplacedCordon(settingOf: ValueOf): InvalidSetting | undefined {
  const cordoned = settingOf('cordoned.log.dirs') as readonly string[]
  if (cordoned.includes('*')) {
    const others = cordoned.length > 1
    return others ? unmet('When cordoned.log.dirs is set to *, it must not contain other values') : undefined
  }
  const directories = (settingOf('log.dirs') ?? settingOf('log.dir')) as readonly string[]
  const missing = cordoned.filter((each) => !directories.includes(each))
  if (missing.length === 0) return undefined
  return unmet(
    `All entries in cordoned.log.dirs must be present in log.dirs or log.dir. Missing entries : ${missing.join(', ')}`,
  )
}

function unmet(requirement: string): InvalidSetting {
  return new InvalidSetting(`requirement failed: ${requirement}`)
}

/**
 * Changes that a running broker does not allow in one step. In Kafka's words. Source: the validateReconfiguration of
 * DynamicThreadPool, SocketServer, LogCleaner and DynamicLogConfig.
 */
export function refusedChange(before: ValueOf, after: ValueOf): InvalidSetting | undefined {
  const fault = tooManyOrFewThreads(before, after) ?? tooManyOrFewCleaners(before, after) ?? localRetention(after)
  if (fault === undefined) return undefined
  return new InvalidSetting(
    `Invalid value org.apache.kafka.common.config.ConfigException: ${fault} for configuration Invalid dynamic configuration`,
  )
}

function tooManyOrFewThreads(before: ValueOf, after: ValueOf): string | undefined {
  for (const name of THREAD_POOLS) {
    const [old, wanted] = [before(name) as number, after(name) as number]
    const failed = `Dynamic thread count update validation failed for ${name}=${wanted}, value should`
    if (wanted < Math.floor(old / 2)) return `${failed} be at least half the current value ${old}`
    if (wanted > old * 2) return `${failed} not be greater than double the current value ${old}`
  }
  return undefined
}

function tooManyOrFewCleaners(before: ValueOf, after: ValueOf): string | undefined {
  const [old, wanted] = [before('log.cleaner.threads') as number, after('log.cleaner.threads') as number]
  if (wanted < Math.floor(old / 2))
    return `Log cleaner threads cannot be reduced to less than half the current value ${old}`
  if (wanted > old * 2) return `Log cleaner threads cannot be increased to more than double the current value ${old}`
  return undefined
}

function localRetention(after: ValueOf): string | undefined {
  const totalMs = retentionInForce(after).ms
  return (
    moreThanAll('log.local.retention.ms', 'log.retention.ms', totalMs, after) ??
    moreThanAll('log.local.retention.bytes', 'log.retention.bytes', after('log.retention.bytes') as number, after)
  )
}

/** -1: no limit. -2: same as for the whole log. */
function moreThanAll(name: string, totalName: string, total: number, after: ValueOf): string | undefined {
  const local = after(name) as number
  if (total < 0 || local === -2) return undefined
  const invalid = `Invalid value ${local} for configuration ${name}: Value must not be`
  if (local === -1) return `${invalid} -1 as ${totalName} value is set as ${total}.`
  return local > total ? `${invalid} more than ${totalName} property value: ${total}` : undefined
}
