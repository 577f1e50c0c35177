import type { JoinGroupRequest, JoinGroupResponse } from '../../../../protocol/apis/join-group.ts'
import { type ErrorName, errorCode } from '../../../../protocol/error-codes.ts'
import { invariant } from '../../../../protocol/invariant.ts'
import { type Decision, noChange } from '../../shard.ts'
import type { GroupClient, GroupContext } from '../group-context.ts'
import type { ClassicGroup } from './classic-group.ts'
import { type ClassicMember, copyProtocols, noAssignment, sameProtocols } from './classic-member.ts'
import type { ClassicRebalance } from './classic-rebalance.ts'

/** From this version on, JoinGroup first returns the member id (KIP-394). */
export const MEMBER_ID_FIRST_VERSION = 4
/** From this version on, the response can say that the assignment does not change (KIP-814). */
const SKIP_ASSIGNMENT_VERSION = 9

/** A JoinGroup request and its callback, called at once or when a generation has formed. */
export interface Joining {
  readonly request: JoinGroupRequest
  readonly client: GroupClient
  readonly answer: (response: JoinGroupResponse) => void
}

/** JoinGroup to a classic group. Source: GroupMetadataManager.classicGroupJoinToClassicGroup. */
export class ClassicJoin {
  readonly #context: GroupContext
  readonly #rebalance: ClassicRebalance

  constructor(context: GroupContext, rebalance: ClassicRebalance) {
    this.#context = context
    this.#rebalance = rebalance
  }

  join(group: ClassicGroup, joining: Joining): Decision<void> {
    const { memberId } = joining.request
    if (!this.#hasRoomFor(group, memberId)) {
      group.remove(memberId)
      return refuse(joining, '', 'GROUP_MAX_SIZE_REACHED')
    }
    return memberId === '' ? this.#newMember(group, joining) : this.#knownMember(group, joining)
  }

  #hasRoomFor(group: ClassicGroup, memberId: string): boolean {
    const { groupMaxSize } = this.#context.config
    const member = group.members.get(memberId)
    switch (group.state) {
      case 'Empty':
      case 'Dead':
        return true
      case 'PreparingRebalance':
        return member?.awaitingJoin !== undefined || group.awaitingJoinCount < groupMaxSize
      default:
        return member !== undefined || group.members.size < groupMaxSize
    }
  }

  #newMember(group: ClassicGroup, joining: Joining): Decision<void> {
    const { request, client } = joining
    if (group.state === 'Dead') return refuse(joining, '', 'COORDINATOR_NOT_AVAILABLE')
    if (!group.supports(request.protocolType, request.protocols)) {
      return refuse(joining, '', 'INCONSISTENT_GROUP_PROTOCOL')
    }
    const { groupInstanceId } = request
    const newMemberId = `${groupInstanceId ?? client.clientId}-${this.#context.newId()}`
    if (groupInstanceId !== null) {
      const oldMemberId = group.staticMemberId(groupInstanceId)
      if (oldMemberId !== undefined) return this.#returningStaticMember(group, joining, oldMemberId, newMemberId)
    } else if (client.apiVersion >= MEMBER_ID_FIRST_VERSION) {
      group.pendingJoinMembers.add(newMemberId)
      this.#rebalance.watch(group.groupId, newMemberId, request.sessionTimeoutMs)
      return refuse(joining, newMemberId, 'MEMBER_ID_REQUIRED')
    }
    return this.#addMember(group, joining, newMemberId)
  }

  #knownMember(group: ClassicGroup, joining: Joining): Decision<void> {
    const { memberId, groupInstanceId, protocolType, protocols } = joining.request
    if (group.state === 'Dead') return refuse(joining, memberId, 'COORDINATOR_NOT_AVAILABLE')
    if (!group.supports(protocolType, protocols)) return refuse(joining, memberId, 'INCONSISTENT_GROUP_PROTOCOL')
    if (group.pendingJoinMembers.has(memberId)) {
      // A static member is never pending. Kafka also answers with an unexpected error.
      if (groupInstanceId !== null) return refuse(joining, '', 'UNKNOWN_SERVER_ERROR')
      return this.#addMember(group, joining, memberId)
    }
    const refused = group.validateMember(memberId, groupInstanceId)
    if (refused !== undefined) return refuse(joining, memberId, refused.error)
    const member = group.members.get(memberId)
    invariant(member !== undefined, `${memberId} was validated as a member`)
    return this.#rejoin(group, joining, member)
  }

  #rejoin(group: ClassicGroup, joining: Joining, member: ClassicMember): Decision<void> {
    const { memberId } = member
    const isUnchanged = sameProtocols(member.protocols, joining.request.protocols)
    switch (group.state) {
      case 'PreparingRebalance':
        return this.#updateMember(group, joining, member, `Member ${memberId} is joining group during ${group.state}`)
      case 'CompletingRebalance':
        // The member missed the response to its last join.
        if (isUnchanged) return this.#answerCurrent(group, joining, group.isLeader(memberId))
        return this.#updateMember(group, joining, member, `Updating metadata for member ${memberId}`)
      case 'Stable':
        // A leader that rejoins has seen a change, for example new partitions.
        if (group.isLeader(memberId)) return this.#updateMember(group, joining, member, `Leader ${memberId} re-joining`)
        if (isUnchanged) return this.#answerCurrent(group, joining, false)
        return this.#updateMember(group, joining, member, `Updating metadata for member ${memberId}`)
      default:
        return refuse(joining, memberId, 'UNKNOWN_MEMBER_ID')
    }
  }

  #answerCurrent(group: ClassicGroup, joining: Joining, withMembers: boolean): Decision<void> {
    const { memberId } = joining.request
    joining.answer(currentGeneration(group, memberId, withMembers ? group.membersForLeader() : []))
    return noChange
  }

  #addMember(group: ClassicGroup, joining: Joining, memberId: string): Decision<void> {
    const { request, client, answer } = joining
    const member: ClassicMember = {
      memberId,
      groupInstanceId: request.groupInstanceId,
      clientId: client.clientId,
      clientHost: client.clientHost,
      protocolType: request.protocolType,
      rebalanceTimeoutMs: request.rebalanceTimeoutMs,
      sessionTimeoutMs: request.sessionTimeoutMs,
      protocols: copyProtocols(request.protocols),
      assignment: noAssignment,
      awaitingJoin: answer,
      awaitingSync: undefined,
      isNew: true,
    }
    if (group.state === 'PreparingRebalance' && group.previousState === 'Empty') group.newMemberAdded = true
    group.add(member)
    // A waiting member sends no heartbeats, and the rebalance may take long.
    this.#rebalance.watchNewcomer(group, member)
    const instance = request.groupInstanceId
    return this.#rebalance.startOrContinue(
      group,
      withReason(`Adding new member ${memberId} with group instance id ${instance}`, request),
    )
  }

  #updateMember(group: ClassicGroup, joining: Joining, member: ClassicMember, reason: string): Decision<void> {
    this.#takeOver(group, joining, member)
    return this.#rebalance.startOrContinue(group, withReason(reason, joining.request))
  }

  #takeOver(group: ClassicGroup, { request, answer }: Joining, member: ClassicMember): void {
    group.updateMember(member, {
      protocols: copyProtocols(request.protocols),
      rebalanceTimeoutMs: request.rebalanceTimeoutMs,
      sessionTimeoutMs: request.sessionTimeoutMs,
      awaitingJoin: answer,
    })
  }

  /** A static member rejoins without its member id. Source: updateStaticMemberThenRebalanceOrCompleteJoin. */
  #returningStaticMember(
    group: ClassicGroup,
    joining: Joining,
    oldMemberId: string,
    newMemberId: string,
  ): Decision<void> {
    const { request } = joining
    const instance = request.groupInstanceId ?? ''
    const oldLeader = group.leaderId
    const member = group.replaceStaticMember(instance, oldMemberId, newMemberId)
    const before = { ...member, memberId: oldMemberId }
    this.#rebalance.keepAlive(group, member)
    this.#takeOver(group, joining, member)
    const who = `static member ${newMemberId} with instance id ${instance}`
    switch (group.state) {
      case 'Stable':
        if (group.protocolName === group.selectProtocol())
          return {
            ...this.#keepAssignment(group, joining, member, oldLeader),
            refused: () => this.#restore(group, member, before),
          }
        return this.#rebalance.startOrContinue(group, withReason(`${who} joined with change of protocol`, request))
      case 'CompletingRebalance':
        return this.#rebalance.start(group, withReason(`Updating metadata for ${who}`, request))
      default:
        return this.#rebalance.completeIfAllJoined(group)
    }
  }

  /** Restores the member that was replaced under the same instance id. */
  #restore(group: ClassicGroup, { memberId }: ClassicMember, before: ClassicMember): void {
    const { protocols, rebalanceTimeoutMs, sessionTimeoutMs, groupInstanceId } = before
    const member = group.members.get(memberId)
    invariant(member !== undefined && groupInstanceId !== null, `${memberId} has just come under its instance id`)
    group.updateMember(member, { protocols, rebalanceTimeoutMs, sessionTimeoutMs, awaitingJoin: undefined })
    this.#rebalance.unwatch(group.groupId, memberId)
    this.#rebalance.keepAlive(group, group.replaceStaticMember(groupInstanceId, memberId, before.memberId))
  }

  /** The member keeps its assignment; the other members are not affected. */
  #keepAssignment(
    group: ClassicGroup,
    { client }: Joining,
    member: ClassicMember,
    oldLeader: string | null,
  ): Decision<void> {
    const canSkip = client.apiVersion >= SKIP_ASSIGNMENT_VERSION
    return {
      records: [group.metadataRecord(({ assignment }) => assignment)],
      response: undefined,
      replay: false,
      appended: () => {
        const isLeader = canSkip && group.isLeader(member.memberId)
        const current = currentGeneration(group, member.memberId, isLeader ? group.membersForLeader() : [])
        // An old client is told that its former id is still the leader: as the new leader it would assign again.
        const leader = canSkip ? current.leader : (oldLeader ?? '')
        group.answerJoin(member, { ...current, leader, skipAssignment: isLeader })
      },
    }
  }
}

/** Responds to a join at once with an error. */
export function refuse({ answer }: Joining, memberId: string, error: ErrorName): Decision<void> {
  answer({ errorCode: errorCode(error), protocolName: null, leader: '', memberId, members: [] })
  return noChange
}

function currentGeneration(
  group: ClassicGroup,
  memberId: string,
  members: JoinGroupResponse['members'],
): JoinGroupResponse {
  const { generationId, protocolType, protocolName, leaderId } = group
  return { errorCode: 0, generationId, protocolType, protocolName, leader: leaderId ?? '', memberId, members }
}

function withReason(what: string, { reason }: JoinGroupRequest): string {
  return `${what}; client reason: ${reason === null || reason === '' ? 'not provided' : reason}`
}
