import { DescribeGroups } from '../../protocol/apis/describe-groups.ts'
import { ALL_GROUP_OPERATIONS } from './group-client.ts'
import { handler } from './handler.ts'

/** Describes classic groups. Source: KafkaApis.handleDescribeGroupsRequest. */
export const describeGroups = handler(DescribeGroups, async (request, { services, slices, apiVersion }) => {
  const groups = await services.groups.describe(request.groups, apiVersion, slices)
  if (!request.includeAuthorizedOperations) return { groups }
  return {
    groups: groups.map((group) =>
      group.errorCode === 0 ? { ...group, authorizedOperations: ALL_GROUP_OPERATIONS } : group,
    ),
  }
})
