import type { HeartbeatRequest, HeartbeatResponse } from '../../../../protocol/apis/heartbeat.ts'
import { errorCode, type Rejection, reject } from '../../../../protocol/error-codes.ts'
import { answer, type Decision } from '../../shard.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { ClassicRebalance } from './classic-rebalance.ts'

const alive = answer<HeartbeatResponse>({ errorCode: 0 })
const rebalancing = answer<HeartbeatResponse>({ errorCode: errorCode('REBALANCE_IN_PROGRESS') })

/** Heartbeat to a classic group. Source: GroupMetadataManager.classicGroupHeartbeatToClassicGroup. */
export function classicHeartbeat(
  rebalance: ClassicRebalance,
  group: ClassicGroup,
  request: HeartbeatRequest,
): Decision<HeartbeatResponse> | Rejection {
  const { memberId, groupInstanceId, generationId } = request
  if (group.state === 'Dead') return reject('COORDINATOR_NOT_AVAILABLE')
  const refused = group.validateMember(memberId, groupInstanceId)
  if (refused !== undefined) return refused
  if (generationId !== group.generationId) return reject('ILLEGAL_GENERATION')
  const member = group.members.get(memberId)
  if (member === undefined || group.isEmpty) return reject('UNKNOWN_MEMBER_ID')
  rebalance.keepAlive(group, member)
  return group.state === 'PreparingRebalance' ? rebalancing : alive
}
