import { Produce } from '../../protocol/apis/produce.ts'
import { type ApiSchema, defaultsOf } from '../../protocol/schema.ts'
import { handlers } from '../../src/apis/index.ts'
import { coordinatorReady } from './group-scenarios.ts'
import type { Scenario } from './scenario.ts'
import { newestIn44, oldestIn44 } from './versions.ts'

/** These APIs answer an empty request with everything, including resources of other scenarios. */
const listings = new Set([
  'Metadata',
  'ListGroups',
  'ListConfigResources',
  'DescribeTopicPartitions',
  'DescribeLogDirs',
  'ListTransactions',
])

/** Versions from which on Kafka never answers an empty request, so that a client waits until it gives up. */
const neverAnswered: Readonly<Record<string, number>> = { AddPartitionsToTxn: 4 }

function emptyRequest(api: ApiSchema): Record<string, unknown> {
  const request: Record<string, unknown> = defaultsOf(api.request.fields)
  // With the default, 0, there would be no response.
  return api === (Produce as unknown) ? { ...request, acks: 1 } : request
}

/** Empties all lists. */
function withoutElements(answer: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(answer).filter(([, value]) => !Array.isArray(value)))
}

/** A request with zero values in all fields, in each version that both brokers serve. */
export const emptyScenarios: readonly Scenario[] = handlers.map(({ api }: { api: ApiSchema }) => ({
  name: `${api.name}: empty requests in all versions`,
  isTrivial: true,
  run: async (send, opener) => {
    await coordinatorReady(send)
    const part = listings.has(api.name) ? withoutElements : undefined
    const answered = (neverAnswered[api.name] ?? Number.POSITIVE_INFINITY) - 1
    const newest = Math.min(answered, newestIn44[api.name] ?? api.versions.newest)
    for (let version = oldestIn44[api.name] ?? api.versions.oldest; version <= newest; version++) {
      // Some of these requests end the connection.
      const ask = await opener()
      await ask(api, version, 'empty', emptyRequest(api) as never, part as never).catch(() => {})
    }
  },
}))
