import { ConsumerGroupHeartbeat } from '../../protocol/apis/consumer-group-heartbeat.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { groupClient } from './group-client.ts'
import { handler } from './handler.ts'

/** Joins, keeps alive, reconciles and leaves (KIP-848). Source: KafkaApis.handleConsumerGroupHeartbeat. */
export const consumerGroupHeartbeat = handler(ConsumerGroupHeartbeat, (request, context) => {
  const { groups, configs } = context.services
  if (!configs.broker.groupCoordinatorRebalanceProtocols.includes('consumer')) {
    return { errorCode: errorCode('UNSUPPORTED_VERSION'), memberEpoch: 0, heartbeatIntervalMs: 0 }
  }
  return groups.consumerHeartbeat(request, groupClient(context), context.slices)
})
