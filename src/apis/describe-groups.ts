import { DescribeGroups } from '../../protocol/apis/describe-groups.ts'
import { groupOperations } from './authorized-operations.ts'
import { handler } from './handler.ts'

/** Describes classic groups. Source: KafkaApis.handleDescribeGroupsRequest. */
export const describeGroups = handler(DescribeGroups, async (request, context) => {
  const { services, slices, apiVersion } = context
  const groups = await services.groups.describe(request.groups, apiVersion, slices)
  if (!request.includeAuthorizedOperations) return { groups }
  return {
    groups: groups.map((group) =>
      group.errorCode === 0 ? { ...group, authorizedOperations: groupOperations(context, group.groupId) } : group,
    ),
  }
})
