import type { SyncGroupResponse } from '../../../../protocol/apis/sync-group.ts'
import { type ErrorName, errorCode } from '../../../../protocol/error-codes.ts'
import { type Decision, noChange } from '../../shard.ts'
import type { GroupContext } from '../group-context.ts'
import type { GroupTable } from '../group-table.ts'
import type { ClassicGroup } from './classic-group.ts'
import { type ClassicMember, hasSatisfiedHeartbeat, noAssignment } from './classic-member.ts'

/** How long a new member may wait for its first generation before it is removed. Source: GroupCoordinatorConfig. */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60_000
/** Shortest time between two checks whether a static member has rejoined, whatever the members' rebalance timeouts. */
const SHORTEST_WAIT_FOR_STATIC_MS = 100

/**
 * Moves a classic group from generation to generation: handles members that join, leave or time out, and the timers
 * that limit how long the other members wait. Source: GroupMetadataManager (prepareRebalance and the methods it
 * starts).
 */
export class ClassicRebalance {
  readonly #context: GroupContext
  readonly #groups: GroupTable

  constructor(context: GroupContext, groups: GroupTable) {
    this.#context = context
    this.#groups = groups
  }

  /** Starts a rebalance if the group's state allows it, otherwise checks whether the current one is complete. */
  startOrContinue(group: ClassicGroup, reason: string): Decision<void> {
    return group.canRebalance ? this.start(group, reason) : this.completeIfAllJoined(group)
  }

  start(group: ClassicGroup, reason: string): Decision<void> {
    if (group.state === 'CompletingRebalance') this.refuseSyncs(group, 'REBALANCE_IN_PROGRESS')
    group.pendingSyncMembers.clear()
    this.#context.timers.cancel(syncTimer(group.groupId))
    const isInitial = group.isEmpty
    if (isInitial) this.#waitForFirstMembers(group)
    group.transitionTo('PreparingRebalance', this.#context.nowMs())
    const { groupId, generationId } = group
    this.#context.logger.info({ groupId, generationId, reason }, 'Group prepares to rebalance.')
    return isInitial ? noChange : this.#completeOrWait(group)
  }

  /** Completes the join phase once all members have joined. */
  completeIfAllJoined(group: ClassicGroup): Decision<void> {
    // The initial rebalance always waits for its delay, because more members may join.
    if (group.state !== 'PreparingRebalance' || group.previousState === 'Empty') return noChange
    return group.hasAllMembersJoined ? this.#complete(group) : noChange
  }

  /** Restarts the member's session timeout. */
  keepAlive(group: ClassicGroup, member: ClassicMember, timeoutMs = member.sessionTimeoutMs): void {
    const { groupId } = group
    const { memberId } = member
    this.watch(groupId, memberId, timeoutMs)
  }

  watch(groupId: string, memberId: string, timeoutMs: number): void {
    this.#context.timers.set(memberTimer(groupId, memberId), timeoutMs, () => this.#sessionExpired(groupId, memberId))
  }

  watchNewcomer(group: ClassicGroup, member: ClassicMember): void {
    this.keepAlive(group, member, NEW_MEMBER_JOIN_TIMEOUT_MS)
  }

  unwatch(groupId: string, memberId: string): void {
    this.#context.timers.cancel(memberTimer(groupId, memberId))
  }

  /** Records that the member has sent SyncGroup. */
  hasSynced(group: ClassicGroup, memberId: string): void {
    group.pendingSyncMembers.delete(memberId)
    const isDone = group.isIn('CompletingRebalance', 'Stable') ? group.pendingSyncMembers.size === 0 : true
    if (isDone) this.#context.timers.cancel(syncTimer(group.groupId))
  }

  /** Responds to all members that wait for an assignment. */
  answerSyncs(group: ClassicGroup): void {
    for (const member of group.members.values()) {
      const { protocolName, protocolType } = group
      this.#answerSync(group, member, { errorCode: 0, protocolType, protocolName, assignment: member.assignment })
    }
  }

  refuseSyncs(group: ClassicGroup, error: ErrorName): void {
    for (const member of group.members.values()) {
      member.assignment = noAssignment
      this.#answerSync(group, member, { errorCode: errorCode(error), assignment: noAssignment })
    }
  }

  /** Cancels all timers of a group that is deleted or converted. */
  forget(group: ClassicGroup): void {
    this.#context.timers.cancel(joinTimer(group.groupId))
    this.#context.timers.cancel(syncTimer(group.groupId))
    for (const memberId of group.members.keys()) this.unwatch(group.groupId, memberId)
  }

  #answerSync(group: ClassicGroup, member: ClassicMember, response: SyncGroupResponse): void {
    if (group.answerSync(member, response)) this.keepAlive(group, member)
  }

  #waitForFirstMembers(group: ClassicGroup): void {
    const delayMs = this.#context.config.groupInitialRebalanceDelayMs
    const remainingMs = Math.max(group.rebalanceTimeoutMs - delayMs, 0)
    this.#scheduleInitial(group.groupId, delayMs, remainingMs)
  }

  #scheduleInitial(groupId: string, delayMs: number, remainingMs: number): void {
    this.#context.timers.set(joinTimer(groupId), delayMs, () => this.#completeInitial(groupId, delayMs, remainingMs))
  }

  /** While new members keep joining, the initial rebalance is extended up to the rebalance timeout. */
  #completeInitial(groupId: string, delayMs: number, remainingMs: number): Decision<void> {
    const group = this.#groups.classic(groupId)
    if (group === undefined) return noChange
    if (!group.newMemberAdded || remainingMs === 0) return this.#complete(group)
    group.newMemberAdded = false
    const nextDelayMs = Math.min(this.#context.config.groupInitialRebalanceDelayMs, remainingMs)
    this.#scheduleInitial(groupId, nextDelayMs, Math.max(remainingMs - delayMs, 0))
    return noChange
  }

  #completeOrWait(group: ClassicGroup): Decision<void> {
    if (group.hasAllMembersJoined) return this.#complete(group)
    this.#waitForRejoins(group, group.rebalanceTimeoutMs)
    return noChange
  }

  #waitForRejoins({ groupId }: ClassicGroup, waitMs: number): void {
    this.#context.timers.set(joinTimer(groupId), waitMs, () => {
      const group = this.#groups.classic(groupId)
      return group === undefined ? noChange : this.#complete(group)
    })
  }

  /** Completes the join phase with the members that have joined. Source: completeClassicGroupJoin. */
  #complete(group: ClassicGroup): Decision<void> {
    const { groupId } = group
    this.#context.timers.cancel(joinTimer(groupId))
    this.#dropAbsent(group)
    if (group.state === 'Dead') return noChange
    if (!group.electJoinedLeader() && group.members.size > 0) {
      // Only static members are left and none has rejoined yet. Their timeout may be 0 or close to it.
      this.#waitForRejoins(group, Math.max(group.rebalanceTimeoutMs, SHORTEST_WAIT_FOR_STATIC_MS))
      return noChange
    }
    group.startGeneration(this.#context.nowMs())
    if (group.isEmpty)
      return { records: [group.metadataRecord(() => noAssignment)], response: undefined, replay: false }
    this.#announceGeneration(group)
    return noChange
  }

  /** Removes dynamic members that did not rejoin; static members may still rejoin with their instance id. */
  #dropAbsent(group: ClassicGroup): void {
    for (const member of [...group.members.values()]) {
      if (member.awaitingJoin !== undefined || member.groupInstanceId !== null) continue
      group.remove(member.memberId)
      this.unwatch(group.groupId, member.memberId)
    }
  }

  #announceGeneration(group: ClassicGroup): void {
    const { groupId, generationId } = group
    this.#context.logger.info({ groupId, generationId, members: group.members.size }, 'Group has a new generation.')
    for (const member of group.members.values()) {
      group.answerJoin(member, {
        errorCode: 0,
        generationId,
        protocolType: group.protocolType,
        protocolName: group.protocolName,
        leader: group.leaderId ?? '',
        memberId: member.memberId,
        members: group.isLeader(member.memberId) ? group.membersForLeader() : [],
      })
      this.keepAlive(group, member)
      member.isNew = false
      group.pendingSyncMembers.add(member.memberId)
    }
    this.#context.timers.set(syncTimer(groupId), group.rebalanceTimeoutMs, () =>
      this.#syncExpired(groupId, generationId),
    )
  }

  /** Members that never sent SyncGroup block those that wait for their assignment. Source: expirePendingSync. */
  #syncExpired(groupId: string, generationId: number): Decision<void> {
    const group = this.#groups.classic(groupId)
    if (group === undefined || group.generationId !== generationId) return noChange
    if (!group.isIn('CompletingRebalance', 'Stable') || group.pendingSyncMembers.size === 0) return noChange
    const late = [...group.pendingSyncMembers]
    for (const memberId of late) {
      group.remove(memberId)
      this.unwatch(groupId, memberId)
    }
    return this.start(group, `Removing ${late.join(', ')} on pending sync request expiration`)
  }

  /** Source: expireClassicGroupMemberHeartbeat. */
  #sessionExpired(groupId: string, memberId: string): Decision<void> {
    const group = this.#groups.classic(groupId)
    if (group === undefined || group.state === 'Dead') return noChange
    if (group.pendingJoinMembers.has(memberId)) return this.removePending(group, memberId)
    const member = group.members.get(memberId)
    if (member === undefined || hasSatisfiedHeartbeat(member)) return noChange
    this.#context.logger.info({ groupId, memberId }, 'Member has been silent for too long and is removed.')
    return this.#remove(group, member)
  }

  removePending(group: ClassicGroup, memberId: string): Decision<void> {
    group.remove(memberId)
    return group.state === 'PreparingRebalance' && group.hasAllMembersJoined ? this.#complete(group) : noChange
  }

  #remove(group: ClassicGroup, member: ClassicMember): Decision<void> {
    refuseWaiting(group, member)
    group.remove(member.memberId)
    if (group.isIn('Stable', 'CompletingRebalance')) {
      return this.startOrContinue(group, `removing member ${member.memberId} on heartbeat expiration.`)
    }
    return group.state === 'PreparingRebalance' && group.hasAllMembersJoined ? this.#complete(group) : noChange
  }
}

/**
 * Answers the waiting join or sync of a removed member with UNKNOWN_MEMBER_ID. Kafka leaves such a sync without an answer,
 * and its client waits until it gives up.
 */
export function refuseWaiting(group: ClassicGroup, member: ClassicMember): void {
  const unknown = errorCode('UNKNOWN_MEMBER_ID')
  group.answerJoin(member, { errorCode: unknown, protocolName: null, leader: '', memberId: '', members: [] })
  group.answerSync(member, { errorCode: unknown, assignment: noAssignment })
}

function joinTimer(groupId: string): string {
  return `join-${groupId}`
}

function syncTimer(groupId: string): string {
  return `sync-${groupId}`
}

function memberTimer(groupId: string, memberId: string): string {
  return `heartbeat-${groupId}-${memberId}`
}
