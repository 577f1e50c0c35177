import { LeaveGroup, type LeaveGroupRequest, type LeaveGroupResponse } from '../../protocol/apis/leave-group.ts'
import { handler } from './handler.ts'

/** First version with several members, each with its own error. */
const BATCHED_VERSION = 3

/** Removes members from a group. Source: KafkaApis.handleLeaveGroupRequest, LeaveGroupResponse. */
export const leaveGroup = handler(LeaveGroup, async (request, { services, apiVersion }) => {
  if (apiVersion >= BATCHED_VERSION) return services.groups.leave(request)
  return withOneError(await services.groups.leave(withOneMember(request)))
})

function withOneMember(request: LeaveGroupRequest): LeaveGroupRequest {
  return { ...request, members: [{ memberId: request.memberId, groupInstanceId: null, reason: null }] }
}

function withOneError({ errorCode, members }: LeaveGroupResponse): LeaveGroupResponse {
  const ofMember = members.find((member) => member.errorCode !== 0)?.errorCode ?? 0
  return { errorCode: errorCode === 0 ? ofMember : errorCode, members: [] }
}
