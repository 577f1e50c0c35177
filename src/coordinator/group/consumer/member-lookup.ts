import { isRejection, type Rejection, reject } from '../../../../protocol/error-codes.ts'
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, LEAVE_GROUP_STATIC_MEMBER_EPOCH, newMember } from './consumer-member.ts'
import {
  currentAssignmentRecord,
  currentAssignmentTombstone,
  memberRecord,
  memberTombstone,
  targetAssignmentRecord,
  targetAssignmentTombstone,
} from './consumer-records.ts'
import { areAllIn, type PartitionList } from './partition-epochs.ts'

/** Identity of the member as the request states it. */
export interface MemberClaim {
  readonly memberId: string
  readonly instanceId: string | null
  /** Undefined for a classic member: its generation is checked elsewhere. */
  readonly epoch: { readonly memberEpoch: number; readonly owned: PartitionList | null } | undefined
  /** The request joins: an unknown member is new. */
  readonly isJoining: boolean
}

/**
 * Finds the member of a request, or creates a new one. A static member that rejoins with a new id replaces the old one
 * at once, with records. Errors: UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, FENCED_INSTANCE_ID, UNRELEASED_INSTANCE_ID.
 * Source: GroupMetadataManager.getOrMaybeSubscribe(Dynamic|Static)ConsumerGroupMember.
 */
export function findMember(
  group: ConsumerGroup,
  claim: MemberClaim,
  records: CoordinatorRecord[],
): ConsumerMember | Rejection {
  if (claim.instanceId !== null) return findStatic(group, claim.instanceId, claim, records)
  const known = group.members.get(claim.memberId)
  const member = known ?? (claim.isJoining ? newMember(claim.memberId) : group.member(claim.memberId))
  return isRejection(member) ? member : (refuseEpoch(member, claim.epoch) ?? member)
}

function findStatic(
  group: ConsumerGroup,
  instanceId: string,
  claim: MemberClaim,
  records: CoordinatorRecord[],
): ConsumerMember | Rejection {
  const known = group.staticMember(instanceId)
  if (claim.isJoining) {
    return known === undefined
      ? (group.members.get(claim.memberId) ?? newMember(claim.memberId))
      : takeOver(group, instanceId, known, claim, records)
  }
  return knownStaticMember(known, instanceId, claim.memberId) ?? refuseEpoch(known!, claim.epoch) ?? known!
}

/** A member that has not left keeps its instance id, unless the old or the new member is classic. */
function takeOver(
  group: ConsumerGroup,
  instanceId: string,
  known: ConsumerMember,
  { memberId, epoch }: MemberClaim,
  records: CoordinatorRecord[],
): ConsumerMember | Rejection {
  const isOfConsumerProtocol = epoch !== undefined && known.classicMetadata === null
  if (isOfConsumerProtocol && known.memberEpoch !== LEAVE_GROUP_STATIC_MEMBER_EPOCH) {
    return reject(
      'UNRELEASED_INSTANCE_ID',
      `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned by ${known.memberId} member.`,
    )
  }
  const successor = { ...known, memberId, memberEpoch: 0, previousMemberEpoch: 0 }
  const { groupId } = group
  records.push(
    ...removalRecords(groupId, known.memberId),
    memberRecord(groupId, successor),
    targetAssignmentRecord(groupId, memberId, group.targetOf(known.memberId)),
    currentAssignmentRecord(groupId, successor),
  )
  return successor
}

/** Errors: UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID. */
export function knownStaticMember(
  known: ConsumerMember | undefined,
  instanceId: string,
  memberId: string,
): Rejection | undefined {
  if (known === undefined) return reject('UNKNOWN_MEMBER_ID', `Instance id ${instanceId} is unknown.`)
  if (known.memberId === memberId) return undefined
  return reject(
    'FENCED_INSTANCE_ID',
    `Static member ${memberId} with instance id ${instanceId} was fenced by member ${known.memberId}.`,
  )
}

/** A member may be one epoch behind if the response to its last heartbeat was lost. */
function refuseEpoch(member: ConsumerMember, claim: MemberClaim['epoch']): Rejection | undefined {
  if (claim === undefined || claim.memberEpoch === 0 || claim.memberEpoch === member.memberEpoch) return undefined
  const { memberEpoch, owned } = claim
  const isBehind = memberEpoch < member.memberEpoch
  const isOneBehind = isBehind && memberEpoch === member.previousMemberEpoch
  if (isOneBehind && owned !== null && areAllIn(owned, member.assigned)) return undefined
  return reject(
    'FENCED_MEMBER_EPOCH',
    `The consumer group member has a ${isBehind ? 'smaller' : 'greater'} member epoch (${memberEpoch}) than the one known by the group coordinator (${member.memberEpoch}). The member must abandon all its partitions and rejoin.`,
  )
}

/** Records that delete a member. */
export function removalRecords(groupId: string, memberId: string): CoordinatorRecord[] {
  return [
    currentAssignmentTombstone(groupId, memberId),
    targetAssignmentTombstone(groupId, memberId),
    memberTombstone(groupId, memberId),
  ]
}
