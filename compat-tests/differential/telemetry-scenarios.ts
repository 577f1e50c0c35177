import { GetTelemetrySubscriptions } from '../../protocol/apis/get-telemetry-subscriptions.ts'
import { IncrementalAlterConfigs } from '../../protocol/apis/incremental-alter-configs.ts'
import { PushTelemetry } from '../../protocol/apis/push-telemetry.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import type { Scenario } from './scenario.ts'
import { changesAreApplied } from './topic-scenarios.ts'
import type { Send } from './transcript.ts'

const ONE_UUID = 'AAAAAAAAAAAAAAAAAAAAAQ'
const ids = ['f4keAAAAAAAAAAAAAAAAAA', 'f4keBAAAAAAAAAAAAAAAAA', 'f4keCAAAAAAAAAAAAAAAAA', 'f4keDAAAAAAAAAAAAAAAAA']
const METRICS = 16

async function subscribe(send: Send, settings: Record<string, string | null>): Promise<void> {
  const configs = Object.entries(settings).map(([name, value]) => {
    return { name, value, configOperation: value === null ? 1 : 0 }
  })
  const resources = [{ resourceType: METRICS, resourceName: 'telemetry', configs }]
  await send(IncrementalAlterConfigs, 1, '~', { resources })
  await changesAreApplied(send)
}

/** Kafka answers these without a receiver too, and does not advertise them. */
const telemetry: Scenario = {
  name: 'GetTelemetrySubscriptions v0, PushTelemetry v0: with and without subscriptions',
  run: async (send) => {
    const ask = (what: string, clientInstanceId: string) =>
      send(GetTelemetrySubscriptions, 0, what, { clientInstanceId })
    const push = (what: string, clientInstanceId: string, subscriptionId: number, changes: object = {}) => {
      const metrics = Buffer.from('metrics')
      return send(PushTelemetry, 0, what, { clientInstanceId, subscriptionId, metrics, ...changes })
    }
    const [first, second, third, fourth] = ids as [string, string, string, string]
    await ask('of a client without an id', ZERO_UUID)
    const { subscriptionId } = await ask('of a client', first)
    await ask('too early', first)
    await push('of another subscription', first, subscriptionId + 1)
    await ask('after an unknown one', first)
    await push('too early', first, subscriptionId)
    for (const id of [ZERO_UUID, ONE_UUID]) await push(`of ${id}`, id, subscriptionId)
    await subscribe(send, { metrics: 'org.apache.kafka.producer.', 'interval.ms': '3600000' })
    const own = (await ask('of one subscription', second)).subscriptionId
    await push('well', second, own)
    await push('again', second, own)
    await push('the last', second, own, { terminating: true })
    await push('after the last', second, own, { terminating: true })
    const other = (await ask('of another client', third)).subscriptionId
    await push('of an unknown compression', third, other, { compressionType: 5 })
    await ask('after that', third)
    await push('as the first', fourth, 0)
    await subscribe(send, { metrics: '*', 'interval.ms': '100' })
    const large = (await ask('of all metrics', fourth)).subscriptionId
    await push('too large', fourth, large, { metrics: Buffer.alloc(1_048_577) })
    await subscribe(send, { metrics: '*', match: 'client_id=nobody' })
    await ask('of a subscription for others', fourth)
    await subscribe(send, { metrics: null, match: null, 'interval.ms': null })
    await ask('of none', third)
  },
}

export const telemetryScenarios: readonly Scenario[] = [telemetry]
