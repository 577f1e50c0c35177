import { ConsumerGroupDescribe } from '../../protocol/apis/consumer-group-describe.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { failedConsumerDescription } from '../coordinator/group/consumer/consumer-descriptions.ts'
import { groupOperations } from './authorized-operations.ts'
import { handler } from './handler.ts'

/** Describes groups of the consumer protocol. Source: KafkaApis.handleConsumerGroupDescribe. */
export const consumerGroupDescribe = handler(ConsumerGroupDescribe, async (request, context) => {
  const { services, slices } = context
  const { groupIds, includeAuthorizedOperations } = request
  if (!services.configs.broker.groupCoordinatorRebalanceProtocols.includes('consumer')) {
    const code = errorCode('UNSUPPORTED_VERSION')
    return { groups: groupIds.map((groupId) => failedConsumerDescription(groupId, code)) }
  }
  const groups = await services.groups.describeConsumerGroups(groupIds, slices)
  if (!includeAuthorizedOperations) return { groups }
  return {
    groups: groups.map((group) =>
      group.errorCode === 0 ? { ...group, authorizedOperations: groupOperations(context, group.groupId) } : group,
    ),
  }
})
