import { crc32c } from '../../protocol/records/crc32c.ts'
import { writeUuidText } from '../../protocol/uuid-text.ts'
import { clientMetricsConfigs } from '../config/client-metrics-rules.ts'
import { parseSetting } from '../config/config-entry.ts'
import { InvalidSetting } from '../config/config-value.ts'
import { compileRe2 } from '../config/re2.ts'

/** Matches whole texts. */
interface Pattern {
  matches(text: string): boolean
}

/** One client metrics subscription, as it is set. */
export interface Subscription {
  /** Prefixes of metric names; '*': all metrics. */
  readonly metrics: readonly string[]
  readonly intervalMs: number
  /** Patterns by client attribute, which all must match. */
  readonly match: ReadonlyMap<string, Pattern>
}

/** What a subscription can match: client_id and so on, under the names of KIP-714. */
export type ClientAttributes = Readonly<Record<string, string | null>>

/** What one client is asked for. */
export interface Wanted {
  readonly metrics: readonly string[]
  readonly pushIntervalMs: number
  /** Changes with the other two. */
  readonly subscriptionId: number
}

const EVERYTHING = '*'
const DEFAULT_INTERVAL_MS = 300_000

/** Reads the settings of a subscription; a value that another version of Kafka wrote, and that is invalid here, is left out. */
export function subscriptionOf(settings: ReadonlyMap<string, string>): Subscription {
  const { subscriptionIntervalMs, subscriptionMatch, subscriptionMetrics } = clientMetricsConfigs
  const read = (entry: Parameters<typeof parseSetting>[0]): unknown => {
    const text = settings.get(entry.name)
    const parsed = text === undefined ? undefined : parseSetting(entry, text)
    return parsed instanceof InvalidSetting ? undefined : parsed?.value
  }
  return {
    metrics: (read(subscriptionMetrics) as readonly string[] | undefined) ?? [],
    intervalMs: (read(subscriptionIntervalMs) as number | undefined) ?? DEFAULT_INTERVAL_MS,
    match: new Map(((read(subscriptionMatch) as readonly string[] | undefined) ?? []).map(patternOf)),
  }
}

function patternOf(pair: string): [string, Pattern] {
  const [name = '', regex = ''] = pair.split('=')
  const pattern = compileRe2(regex.trim())
  return [name.trim(), typeof pattern === 'string' ? nothing : pattern]
}

/** For a pattern that another version of Kafka wrote, and that is invalid here. */
const nothing: Pattern = { matches: () => false }

/**
 * What the subscriptions that match a client ask it for: their metrics together, as often as the most frequent. Source:
 * ClientMetricsManager.createClientInstance.
 */
export function wantedFrom(
  subscriptions: Iterable<Subscription>,
  attributes: ClientAttributes,
  clientInstanceId: string,
): Wanted {
  const names = new Set<string>()
  let pushIntervalMs = DEFAULT_INTERVAL_MS
  for (const { metrics, intervalMs, match } of subscriptions) {
    if (!matches(match, attributes)) continue
    for (const name of metrics) names.add(name)
    pushIntervalMs = Math.min(pushIntervalMs, intervalMs)
  }
  const metrics = names.has(EVERYTHING) ? [EVERYTHING] : [...names].sort()
  const subscriptionId = crc32c(Buffer.from(`[${metrics.join(', ')}]${pushIntervalMs}`)) ^ hashOf(clientInstanceId)
  return { metrics, pushIntervalMs, subscriptionId }
}

/** A client does not match by an attribute that it does not have. Source: ClientMetricsInstanceMetadata.isMatch. */
function matches(match: ReadonlyMap<string, Pattern>, attributes: ClientAttributes): boolean {
  return [...match].every(([name, pattern]) => {
    const attribute = attributes[name] ?? null
    return attribute !== null && pattern.matches(attribute)
  })
}

/** Source: Uuid.hashCode. */
function hashOf(uuid: string): number {
  const bytes = Buffer.alloc(16)
  writeUuidText(bytes, 0, uuid)
  return bytes.readInt32BE(0) ^ bytes.readInt32BE(4) ^ bytes.readInt32BE(8) ^ bytes.readInt32BE(12)
}
