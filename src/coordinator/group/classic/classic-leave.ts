import type { LeaveGroupRequest, LeaveGroupResponse } from '../../../../protocol/apis/leave-group.ts'
import { type ErrorName, errorCode, type Rejection, reject } from '../../../../protocol/error-codes.ts'
import { answer, type Decision, noChange } from '../../shard.ts'
import type { ClassicGroup } from './classic-group.ts'
import { type ClassicRebalance, refuseWaiting } from './classic-rebalance.ts'

export type LeavingMember = LeaveGroupRequest['members'][number]

/** LeaveGroup to a classic group. Source: GroupMetadataManager.classicGroupLeaveToClassicGroup. */
export function classicLeave(
  rebalance: ClassicRebalance,
  group: ClassicGroup,
  leaving: readonly LeavingMember[],
): Decision<LeaveGroupResponse> | Rejection {
  if (group.state === 'Dead') return answer({ errorCode: errorCode('COORDINATOR_NOT_AVAILABLE'), members: [] })
  const members = leaving.map((member) => leaveResponse(member, leave(rebalance, group, member)))
  const gone = members.filter((member) => member.errorCode === 0).map(({ memberId }) => memberId)
  const follows = gone.length === 0 ? noChange : afterLeave(rebalance, group, gone)
  return { ...follows, response: { errorCode: 0, members } }
}

function afterLeave(rebalance: ClassicRebalance, group: ClassicGroup, gone: readonly string[]): Decision<void> {
  if (group.isIn('Stable', 'CompletingRebalance')) {
    return rebalance.startOrContinue(group, `explicit \`LeaveGroup\` request for (${gone.join(', ')}) members.`)
  }
  return group.state === 'PreparingRebalance' ? rebalance.completeIfAllJoined(group) : noChange
}

function leave(rebalance: ClassicRebalance, group: ClassicGroup, leaving: LeavingMember): ErrorName {
  const { memberId, groupInstanceId } = leaving
  if (memberId === '') {
    const staticId = groupInstanceId === null ? undefined : group.staticMemberId(groupInstanceId)
    return staticId === undefined ? 'UNKNOWN_MEMBER_ID' : remove(rebalance, group, staticId)
  }
  if (group.pendingJoinMembers.has(memberId)) {
    group.remove(memberId)
    rebalance.unwatch(group.groupId, memberId)
    return 'NONE'
  }
  return group.validateMember(memberId, groupInstanceId)?.error ?? remove(rebalance, group, memberId)
}

function remove(rebalance: ClassicRebalance, group: ClassicGroup, memberId: string): ErrorName {
  const member = group.members.get(memberId)
  if (member === undefined) return reject('UNKNOWN_MEMBER_ID').error
  rebalance.unwatch(group.groupId, memberId)
  refuseWaiting(group, member)
  group.remove(memberId)
  return 'NONE'
}

/** Response for one leaving member. */
export function leaveResponse(leaving: LeavingMember, error: ErrorName): LeaveGroupResponse['members'][number] {
  return { memberId: leaving.memberId, groupInstanceId: leaving.groupInstanceId, errorCode: errorCode(error) }
}
