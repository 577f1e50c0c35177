import type { HeartbeatRequest, HeartbeatResponse } from '../../../../protocol/apis/heartbeat.ts'
import type { JoinGroupRequest } from '../../../../protocol/apis/join-group.ts'
import type { LeaveGroupRequest, LeaveGroupResponse } from '../../../../protocol/apis/leave-group.ts'
import type { SyncGroupRequest } from '../../../../protocol/apis/sync-group.ts'
import { MalformedError } from '../../../../protocol/byte-reader.ts'
import { type ErrorName, errorCode, isRejection, type Rejection, reject } from '../../../../protocol/error-codes.ts'
import type { ConsumerProtocolSubscriptionValue } from '../../../../protocol/internal-records/consumer-protocol.ts'
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import { answer, type Decision } from '../../shard.ts'
import { type Joining, MEMBER_ID_FIRST_VERSION, refuse } from '../classic/classic-join.ts'
import { leaveResponse } from '../classic/classic-leave.ts'
import { copyProtocols, noAssignment } from '../classic/classic-member.ts'
import type { Syncing } from '../classic/classic-sync.ts'
import { readSubscription } from '../classic/consumer-subscription.ts'
import { CONSUMER_PROTOCOL_TYPE } from '../common-group.ts'
import { encodeAssignment } from '../group-conversion.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerHeartbeatParts, full, isFull } from './consumer-heartbeat.ts'
import { type ConsumerMember, memberState } from './consumer-member.ts'
import { findMember, knownStaticMember } from './member-lookup.ts'
import type { MemberUpdate } from './member-update.ts'
import { type PartitionList, withoutEpochs } from './partition-epochs.ts'

/**
 * Members of consumer groups that still use the classic protocol. For them a group epoch is a generation, and each step
 * towards the target assignment is a join and a sync. Source:
 * GroupMetadataManager.classicGroup(Join|Sync|Heartbeat|Leave)ToConsumerGroup.
 */
export class ClassicMembers {
  readonly #parts: ConsumerHeartbeatParts

  constructor(parts: ConsumerHeartbeatParts) {
    this.#parts = parts
  }

  join(group: ConsumerGroup, joining: Joining): Decision<void> | Rejection {
    const { context, conversion } = this.#parts
    const { request, client } = joining
    const { groupInstanceId: instanceId } = request
    if (conversion.isDisabled) return reject('INCONSISTENT_GROUP_PROTOCOL')
    const isUnknown = request.memberId === ''
    const memberId = isUnknown ? context.newMemberId() : request.memberId
    if (isFull(group, { memberId, instanceId }, context.config.groupConsumerMaxSize)) {
      return full(context.config.groupConsumerMaxSize)
    }
    if (!group.supportsClassicProtocols(request.protocolType, request.protocols)) {
      return reject('INCONSISTENT_GROUP_PROTOCOL')
    }
    if (isUnknown && instanceId === null && client.apiVersion >= MEMBER_ID_FIRST_VERSION) {
      return refuse(joining, memberId, 'MEMBER_ID_REQUIRED')
    }
    const records: CoordinatorRecord[] = []
    const isJoining = instanceId === null || isUnknown
    const member = findMember(group, { memberId, instanceId, epoch: undefined, isJoining }, records)
    if (isRejection(member)) return member
    const subscription = subscriptionOf(request)
    if (isRejection(subscription)) return subscription
    const update: MemberUpdate = {
      group,
      member,
      updated: updatedBy(member, joining, subscription),
      owned: this.#ownedPartitions(subscription),
      records,
    }
    return this.#carryOut(update, joining)
  }

  #carryOut(update: MemberUpdate, joining: Joining): Decision<void> | Rejection {
    const { updates, conversion } = this.#parts
    const { group, records } = update
    const change = updates.subscriptionChange(update)
    if (isRejection(change)) return change
    const isBumped = change.names || change.regex !== 'unchanged'
    const replaced = group.staticMember(joining.request.groupInstanceId)
    const isDowngrade = replaced !== undefined && conversion.canDowngradeByReplacing(group, replaced, update.updated)
    const version = updates.groupVersion(update, isBumped)
    const isStale = isDowngrade && group.assignmentEpoch < version.groupEpoch
    const target = isDowngrade
      ? { epoch: group.assignmentEpoch, partitions: group.targetOf(update.updated.memberId, update.updated.instanceId) }
      : updates.target(update, version)
    const reconciled = isStale ? update.updated : updates.reconcile(update, target, isBumped)
    if (isRejection(reconciled)) return reconciled
    if (isDowngrade) {
      const stale = `Downgrade group ${group.groupId} from consumer to classic with stale assignment.`
      conversion.downgrade(group, { leaving: [], joining: reconciled }, isStale ? stale : undefined, records)
    }
    return {
      records,
      response: undefined,
      replay: !isDowngrade,
      appended: () => this.#joined(joining, reconciled, isDowngrade),
    }
  }

  #joined({ request, answer: tell }: Joining, member: ConsumerMember, isDowngrade: boolean): void {
    const { timers } = this.#parts
    const { groupId, sessionTimeoutMs, rebalanceTimeoutMs } = request
    const { memberId, memberEpoch: generationId, classicMetadata } = member
    timers.joined(groupId, memberId)
    if (!isDowngrade) {
      timers.watch(groupId, memberId, sessionTimeoutMs)
      timers.awaitSync(groupId, memberId, rebalanceTimeoutMs)
    }
    const protocolName = classicMetadata?.supportedProtocols[0]?.name ?? ''
    const protocolType = CONSUMER_PROTOCOL_TYPE
    tell({ errorCode: 0, generationId, protocolType, protocolName, leader: '', memberId, members: [] })
  }

  #ownedPartitions({ ownedPartitions }: ConsumerProtocolSubscriptionValue): PartitionList {
    const { topicsByName } = this.#parts.context.image()
    return ownedPartitions.flatMap(({ topic, partitions }) => {
      const topicId = topicsByName.get(topic)?.id
      return topicId === undefined ? [] : [{ topicId, partitions }]
    })
  }

  sync(group: ConsumerGroup, { request, answer: tell }: Syncing): Decision<void> | Rejection {
    const { timers, context } = this.#parts
    const member = classicMember(group, request)
    if (isRejection(member)) return member
    const { memberId, classicMetadata, memberEpoch } = member
    if (classicMetadata === null) return reject('UNKNOWN_MEMBER_ID')
    if (memberEpoch !== request.generationId) return reject('ILLEGAL_GENERATION')
    const [protocol] = classicMetadata.supportedProtocols
    if (!agrees(request, protocol?.name)) return reject('INCONSISTENT_GROUP_PROTOCOL')
    if (group.assignmentEpoch > memberEpoch && member.state !== memberState.unrevokedPartitions) {
      timers.awaitJoin(group.groupId, memberId, member.rebalanceTimeoutMs)
      return reject('REBALANCE_IN_PROGRESS')
    }
    const { protocolType, protocolName } = request
    const assigned = withoutEpochs(member.assigned)
    const assignment = encodeAssignment(assigned, context.image(), protocol?.metadata ?? noAssignment)
    return {
      ...answer(undefined),
      appended: () => {
        timers.synced(group.groupId, memberId)
        timers.watch(group.groupId, memberId, classicMetadata.sessionTimeoutMs)
        tell({ errorCode: 0, protocolType, protocolName, assignment })
      },
    }
  }

  heartbeat(group: ConsumerGroup, request: HeartbeatRequest): Decision<HeartbeatResponse> | Rejection {
    const { timers } = this.#parts
    const member = classicMember(group, request)
    if (isRejection(member)) return member
    const { memberId, memberEpoch, state, classicMetadata } = member
    if (classicMetadata === null) return reject('UNKNOWN_MEMBER_ID')
    if (memberEpoch !== request.generationId) return reject('ILLEGAL_GENERATION')
    timers.watch(group.groupId, memberId, classicMetadata.sessionTimeoutMs)
    const canGetMore = state === memberState.unreleasedPartitions && !group.isWaitingForRelease(member)
    const isCurrent = memberEpoch >= group.assignmentEpoch && state !== memberState.unrevokedPartitions && !canGetMore
    if (isCurrent) return answer({ errorCode: 0 })
    timers.awaitJoin(group.groupId, memberId, member.rebalanceTimeoutMs)
    return answer({ errorCode: errorCode('REBALANCE_IN_PROGRESS') })
  }

  leave(group: ConsumerGroup, request: LeaveGroupRequest): Decision<LeaveGroupResponse> {
    const gone = new Set<ConsumerMember>()
    const members = request.members.map((leaving) => {
      const member = leavingMember(group, leaving)
      if (!isRejection(member)) gone.add(member)
      const error: ErrorName = isRejection(member) ? member.error : 'NONE'
      return leaveResponse(leaving, error)
    })
    return this.#parts.departures.remove(group, [...gone], { errorCode: 0, members })
  }
}

type Claim = Pick<SyncGroupRequest, 'memberId' | 'groupInstanceId'>

function classicMember(group: ConsumerGroup, { memberId, groupInstanceId }: Claim): ConsumerMember | Rejection {
  if (groupInstanceId === null) return group.member(memberId)
  const member = group.staticMember(groupInstanceId)
  return knownStaticMember(member, groupInstanceId, memberId) ?? member!
}

/** The request may identify the member by its instance id alone. */
function leavingMember(group: ConsumerGroup, { memberId, groupInstanceId }: Claim): ConsumerMember | Rejection {
  if (groupInstanceId === null) return group.member(memberId)
  const member = group.staticMember(groupInstanceId)
  return knownStaticMember(member, groupInstanceId, memberId === '' ? (member?.memberId ?? '') : memberId) ?? member!
}

function agrees({ protocolType, protocolName }: SyncGroupRequest, name: string | undefined): boolean {
  const isType = protocolType === null || protocolType === CONSUMER_PROTOCOL_TYPE
  return isType && (protocolName === null || protocolName === name)
}

function subscriptionOf({ protocols }: JoinGroupRequest): ConsumerProtocolSubscriptionValue | Rejection {
  try {
    return readSubscription(protocols[0]?.metadata ?? noAssignment)
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    return reject('INCONSISTENT_GROUP_PROTOCOL')
  }
}

function updatedBy(
  member: ConsumerMember,
  { request, client }: Joining,
  { topics, rackId }: ConsumerProtocolSubscriptionValue,
): ConsumerMember {
  const { groupInstanceId, rebalanceTimeoutMs, sessionTimeoutMs, protocols } = request
  return {
    ...member,
    instanceId: groupInstanceId ?? member.instanceId,
    rackId: rackId === null || rackId === '' ? member.rackId : rackId,
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : rebalanceTimeoutMs,
    subscribedTopicNames: new Set(topics),
    subscribedTopicRegex: '',
    clientId: client.clientId,
    clientHost: client.clientHost,
    classicMetadata: { sessionTimeoutMs, supportedProtocols: copyProtocols(protocols) },
  }
}
