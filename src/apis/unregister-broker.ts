import { UnregisterBroker } from '../../protocol/apis/unregister-broker.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { handler } from './handler.ts'

/**
 * Removes a broker's registration. Refused for this broker: Kafka does it, and a cluster of one has then no broker until
 * it is started again. Source: ClusterControlManager.unregisterBroker.
 */
export const unregisterBroker = handler(UnregisterBroker, async ({ brokerId }, { services, nowMs, principal }) => {
  if (!services.metadata.image.brokers.has(brokerId))
    return {
      errorCode: errorCode('BROKER_ID_NOT_REGISTERED'),
      errorMessage: `Broker ID ${brokerId} is not currently registered`,
    }
  if (brokerId === services.nodeId)
    return { errorCode: errorCode('INVALID_REQUEST'), errorMessage: `Broker ID ${brokerId} is running` }
  await services.metadata.unregisterBroker(brokerId, { nowMs, principal })
  return { errorCode: 0, errorMessage: '' }
})
