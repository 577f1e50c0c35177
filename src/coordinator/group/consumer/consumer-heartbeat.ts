import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../../../protocol/apis/consumer-group-heartbeat.ts'
import { isRejection, type Rejection, reject } from '../../../../protocol/error-codes.ts'
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import type { Decision } from '../../shard.ts'
import type { Assignor } from '../assignor/assignor.ts'
import type { GroupClient, GroupContext } from '../group-context.ts'
import type { GroupConversion } from '../group-conversion.ts'
import type { GroupTable } from '../group-table.ts'
import type { ConsumerDepartures } from './consumer-departures.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, LEAVE_GROUP_MEMBER_EPOCH, LEAVE_GROUP_STATIC_MEMBER_EPOCH } from './consumer-member.ts'
import type { ConsumerTimers } from './consumer-timers.ts'
import { findMember, knownStaticMember } from './member-lookup.ts'
import type { MemberUpdates } from './member-update.ts'
import { listOf, sameEpochs } from './partition-epochs.ts'

type Request = ConsumerGroupHeartbeatRequest
type Response = ConsumerGroupHeartbeatResponse

const JOINING_EPOCH = 0
const NO_TIMEOUT = -1

/** Parts that consumer heartbeats need. */
export interface ConsumerHeartbeatParts {
  readonly context: GroupContext
  readonly groups: GroupTable
  readonly timers: ConsumerTimers
  readonly updates: MemberUpdates
  readonly departures: ConsumerDepartures
  readonly conversion: GroupConversion
}

/** ConsumerGroupHeartbeat (KIP-848). Source: GroupMetadataManager.consumerGroupHeartbeat. */
export class ConsumerHeartbeat {
  readonly #parts: ConsumerHeartbeatParts

  constructor(parts: ConsumerHeartbeatParts) {
    this.#parts = parts
  }

  heartbeat(request: Request, client: GroupClient): Decision<Response> | Rejection {
    const { memberEpoch } = request
    const isLeaving = memberEpoch === LEAVE_GROUP_MEMBER_EPOCH || memberEpoch === LEAVE_GROUP_STATIC_MEMBER_EPOCH
    return isLeaving ? this.#leave(request) : this.#beat(request, client)
  }

  #beat(request: Request, client: GroupClient): Decision<Response> | Rejection {
    const { context, timers, updates } = this.#parts
    const { groupId, instanceId, memberEpoch } = request
    const records: CoordinatorRecord[] = []
    const isJoining = memberEpoch === JOINING_EPOCH
    const group = this.#group(groupId, isJoining, records)
    if (isRejection(group)) return group
    if (isFull(group, request, context.config.groupConsumerMaxSize)) return full(context.config.groupConsumerMaxSize)
    const memberId = request.memberId === '' ? context.newMemberId() : request.memberId
    const owned = request.topicPartitions
    const member = findMember(group, { memberId, instanceId, epoch: { memberEpoch, owned }, isJoining }, records)
    if (isRejection(member)) return member

    const update = { group, member, updated: updatedBy(member, request, client), owned, records }
    const change = updates.subscriptionChange(update)
    if (isRejection(change)) return change
    const isBumped = change.names || change.regex === 'resolved' || updates.prefersAnotherAssignor(update)
    const version = updates.groupVersion(update, isBumped)
    const target = updates.target(update, version)
    const reconciled = updates.reconcile(update, target, change.names || change.regex !== 'unchanged')
    if (isRejection(reconciled)) return reconciled
    timers.watch(groupId, memberId)
    return { records, response: this.#response(request, member, reconciled) }
  }

  /** The first member to join creates the group, or converts a classic one to the consumer protocol. */
  #group(groupId: string, isJoining: boolean, records: CoordinatorRecord[]): ConsumerGroup | Rejection {
    const known = this.#parts.groups.get(groupId)
    if (known?.kind === 'consumer') return known
    if (!isJoining) {
      const what =
        known === undefined ? `Consumer group ${groupId} not found.` : `Group ${groupId} is not a consumer group.`
      return reject('GROUP_ID_NOT_FOUND', what)
    }
    if (known === undefined) return new ConsumerGroup(groupId)
    if (!known.isEmpty) return this.#parts.conversion.upgrade(known, records)
    for (const record of known.tombstones()) records.push(record)
    return new ConsumerGroup(groupId)
  }

  #response(request: Request, before: ConsumerMember, { memberId, memberEpoch, assigned }: ConsumerMember): Response {
    const heartbeatIntervalMs = this.#parts.context.settingsOf(request.groupId).consumerHeartbeatIntervalMs
    const response = { errorCode: 0, memberId, memberEpoch, heartbeatIntervalMs }
    const sendsAssignment =
      request.memberEpoch === JOINING_EPOCH || isFullRequest(request) || !sameEpochs(before.assigned, assigned)
    return sendsAssignment ? { ...response, assignment: { topicPartitions: listOf(assigned) } } : response
  }

  #leave({ groupId, memberId, memberEpoch, instanceId }: Request): Decision<Response> | Rejection {
    const group = this.#parts.groups.get(groupId)
    if (group === undefined) return reject('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
    if (group.kind !== 'consumer') return reject('GROUP_ID_NOT_FOUND', `Group ${groupId} is not a consumer group.`)
    const { departures } = this.#parts
    const response = { errorCode: 0, memberId, memberEpoch, heartbeatIntervalMs: 0 }
    const member = instanceId === null ? group.member(memberId) : group.staticMember(instanceId)
    if (isRejection(member)) return member
    const refused = instanceId === null ? undefined : knownStaticMember(member, instanceId, memberId)
    if (refused !== undefined) return refused
    if (memberEpoch === LEAVE_GROUP_STATIC_MEMBER_EPOCH && instanceId !== null) {
      return { records: departures.leaveTemporarily(group, member!), response }
    }
    return departures.remove(group, [member!], response)
  }
}

/** Fields omitted from a heartbeat keep their value. */
function updatedBy(member: ConsumerMember, request: Request, client: GroupClient): ConsumerMember {
  const { rebalanceTimeoutMs, subscribedTopicNames } = request
  if (saysNothingNew(member, request, client)) return member
  return {
    ...member,
    instanceId: request.instanceId ?? member.instanceId,
    rackId: request.rackId ?? member.rackId,
    rebalanceTimeoutMs: rebalanceTimeoutMs === NO_TIMEOUT ? member.rebalanceTimeoutMs : rebalanceTimeoutMs,
    serverAssignor: request.serverAssignor ?? member.serverAssignor,
    subscribedTopicNames: subscribedTopicNames === null ? member.subscribedTopicNames : new Set(subscribedTopicNames),
    subscribedTopicRegex: request.subscribedTopicRegex ?? member.subscribedTopicRegex,
    clientId: client.clientId,
    clientHost: client.clientHost,
    classicMetadata: null,
  }
}

/** Most heartbeats only keep the member alive. */
function saysNothingNew(member: ConsumerMember, request: Request, client: GroupClient): boolean {
  const { rebalanceTimeoutMs, subscribedTopicNames, subscribedTopicRegex, serverAssignor, rackId, instanceId } = request
  if (rebalanceTimeoutMs !== NO_TIMEOUT || subscribedTopicNames !== null || subscribedTopicRegex !== null) return false
  if (serverAssignor !== null || rackId !== null || member.classicMetadata !== null) return false
  const isSame = client.clientId === member.clientId && client.clientHost === member.clientHost
  return isSame && (instanceId === null || instanceId === member.instanceId)
}

/** The client sends all fields if it does not know the outcome of its last request. */
function isFullRequest(request: Request): boolean {
  const { rebalanceTimeoutMs, subscribedTopicNames, subscribedTopicRegex, topicPartitions } = request
  const hasSubscription = subscribedTopicNames !== null || subscribedTopicRegex !== null
  return rebalanceTimeoutMs !== NO_TIMEOUT && hasSubscription && topicPartitions !== null
}

/** Whether the group is full, unless the member is already in it or replaces one that is. */
export function isFull(
  group: ConsumerGroup,
  { memberId, instanceId }: { readonly memberId: string; readonly instanceId: string | null },
  maxSize: number,
): boolean {
  return !group.hasStaticMember(instanceId) && group.members.size >= maxSize && !group.members.has(memberId)
}

export function full(maxSize: number): Rejection {
  return reject('GROUP_MAX_SIZE_REACHED', `The consumer group has reached its maximum capacity of ${maxSize} members.`)
}

/** Validates a heartbeat. Source: GroupCoordinatorService.throwIfConsumerGroupHeartbeatRequestIsInvalid. */
export function heartbeatRefusal(
  request: Request,
  apiVersion: number,
  assignors: readonly Assignor[],
): Rejection | undefined {
  const { memberEpoch, memberId, groupId, instanceId, rackId, serverAssignor } = request
  const needsMemberId = apiVersion >= 1 || memberEpoch > 0 || memberEpoch === LEAVE_GROUP_MEMBER_EPOCH
  if (needsMemberId && isBlank(memberId)) return invalid("MemberId can't be empty.")
  if (isBlank(groupId)) return invalid("GroupId can't be empty.")
  if (isBlank(instanceId)) return invalid("InstanceId can't be empty.")
  if (isBlank(rackId)) return invalid("RackId can't be empty.")
  const refused = epochRefusal(request)
  if (refused !== undefined) return refused
  if (serverAssignor === null || assignors.some(({ name }) => name === serverAssignor)) return undefined
  const supported = assignors.map(({ name }) => name).join(', ')
  return reject(
    'UNSUPPORTED_ASSIGNOR',
    `ServerAssignor ${serverAssignor} is not supported. Supported assignors: ${supported}.`,
  )
}

function epochRefusal(request: Request): Rejection | undefined {
  const { memberEpoch, rebalanceTimeoutMs, topicPartitions, instanceId } = request
  if (memberEpoch < LEAVE_GROUP_STATIC_MEMBER_EPOCH) return invalid('MemberEpoch is invalid.')
  if (memberEpoch === LEAVE_GROUP_STATIC_MEMBER_EPOCH && instanceId === null)
    return invalid("InstanceId can't be null.")
  if (memberEpoch !== JOINING_EPOCH) return undefined
  if (rebalanceTimeoutMs === NO_TIMEOUT) return invalid('RebalanceTimeoutMs must be provided in first request.')
  if (topicPartitions === null || topicPartitions.length > 0) {
    return invalid('TopicPartitions must be empty when (re-)joining.')
  }
  if (request.subscribedTopicNames !== null || request.subscribedTopicRegex !== null) return undefined
  return invalid('Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.')
}

function isBlank(text: string | null): boolean {
  // Kafka trims like Java: all characters up to and including the space.
  return text !== null && [...text].every((each) => each <= ' ')
}

function invalid(message: string): Rejection {
  return reject('INVALID_REQUEST', message)
}
