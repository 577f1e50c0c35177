import { UnregisterBroker } from '../../protocol/apis/unregister-broker.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { handler } from './handler.ts'

/** Removes a broker's registration; refused for this broker, which is running. Source: ClusterControlManager. */
export const unregisterBroker = handler(UnregisterBroker, async ({ brokerId }, { services, nowMs, principal }) => {
  if (!services.metadata.image.brokers.has(brokerId))
    return {
      errorCode: errorCode('BROKER_ID_NOT_REGISTERED'),
      errorMessage: `Broker ID ${brokerId} is not currently registered`,
    }
  if (brokerId === services.nodeId)
    return { errorCode: errorCode('INVALID_REQUEST'), errorMessage: `Broker ID ${brokerId} is running` }
  await services.metadata.unregisterBroker(brokerId, { nowMs, principal })
  return { errorCode: 0, errorMessage: null }
})
