import { UnregisterBroker } from '../../protocol/apis/unregister-broker.ts'
import { handler } from './handler.ts'

/**
 * Removes a broker's registration. Refused for brokers that run: Kafka does it, and such a broker does nothing until it
 * is started again. Source: ClusterControlManager.unregisterBroker.
 */
export const unregisterBroker = handler(UnregisterBroker, async ({ brokerId }, { services, nowMs, principal }) => {
  const refusal = await services.metadata.unregisterBroker(brokerId, { nowMs, principal })
  return { errorCode: refusal?.code ?? 0, errorMessage: refusal === undefined ? '' : refusal.message }
})
