import type { ApiVersionsResponse } from '../../protocol/apis/api-versions.ts'
import { apiByKey } from '../../protocol/apis/index.ts'
import { oldestIn44, versionName } from './versions.ts'

/** APIs and versions that a broker advertises in ApiVersions. */
export type Served = Pick<ApiVersionsResponse, 'apiKeys'>

/**
 * Apache Kafka advertises Produce before v3 for librdkafka's sake (KAFKA-18659), but answers by closing the connection.
 */
function oldestAnswered(api: string, minVersion: number): number {
  return api === 'Produce' ? (oldestIn44.Produce ?? minVersion) : minVersion
}

/**
 * Versions without a comparison, for APIs that both brokers serve: the oldest common version, the newest, and any
 * between them. Empty if all are covered.
 */
export function uncovered(kafka: Served, ottla: Served, compared: ReadonlySet<string>): string[] {
  const own = new Map(ottla.apiKeys.map((each) => [each.apiKey, each]))
  return kafka.apiKeys.flatMap(({ apiKey, minVersion, maxVersion }) => {
    const other = own.get(apiKey)
    const api = apiByKey.get(apiKey)?.name ?? String(apiKey)
    if (other === undefined) return []
    const oldest = Math.max(oldestAnswered(api, minVersion), other.minVersion)
    const newest = Math.min(maxVersion, other.maxVersion)
    return uncoveredOf(api, oldest, newest, compared)
  })
}

function uncoveredOf(api: string, oldest: number, newest: number, compared: ReadonlySet<string>): string[] {
  const between = Array.from({ length: Math.max(0, newest - oldest - 1) }, (_, i) => versionName(api, oldest + 1 + i))
  const missing = [oldest, newest].map((version) => versionName(api, version)).filter((name) => !compared.has(name))
  if (between.length > 0 && !between.some((name) => compared.has(name))) missing.push(`${api} between the two`)
  return [...new Set(missing)]
}
