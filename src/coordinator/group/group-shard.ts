import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../../protocol/apis/consumer-group-heartbeat.ts'
import type { HeartbeatRequest, HeartbeatResponse } from '../../../protocol/apis/heartbeat.ts'
import type { LeaveGroupRequest, LeaveGroupResponse } from '../../../protocol/apis/leave-group.ts'
import type { ListGroupsRequest } from '../../../protocol/apis/list-groups.ts'
import type { OffsetCommitRequest } from '../../../protocol/apis/offset-commit.ts'
import type { OffsetDeleteRequest, OffsetDeleteResponse } from '../../../protocol/apis/offset-delete.ts'
import type { TxnOffsetCommitRequest } from '../../../protocol/apis/txn-offset-commit.ts'
import { errorCode, type Rejection, reject } from '../../../protocol/error-codes.ts'
import type { MetadataImage } from '../../metadata/metadata-image.ts'
import type { MetadataChange } from '../../metadata/metadata-store.ts'
import type { CoordinatorRecord } from '../coordinator-record.ts'
import type { Decision, Provenance, Shard } from '../shard.ts'
import type { LoadedRecord } from '../state-log.ts'
import { assignorsNamed } from './assignor/assignors.ts'
import type { ClassicGroup } from './classic/classic-group.ts'
import { classicHeartbeat } from './classic/classic-heartbeat.ts'
import { ClassicJoin, type Joining, refuse } from './classic/classic-join.ts'
import { classicLeave } from './classic/classic-leave.ts'
import { noAssignment } from './classic/classic-member.ts'
import { ClassicRebalance } from './classic/classic-rebalance.ts'
import { ClassicSync, refuseSync, type Syncing } from './classic/classic-sync.ts'
import { ClassicMembers } from './consumer/classic-members.ts'
import { ConsumerDepartures } from './consumer/consumer-departures.ts'
import { type DescribedConsumerGroup, describeConsumerGroup } from './consumer/consumer-descriptions.ts'
import type { ConsumerGroup } from './consumer/consumer-group.ts'
import { ConsumerHeartbeat } from './consumer/consumer-heartbeat.ts'
import { memberState } from './consumer/consumer-member.ts'
import { ConsumerTimers } from './consumer/consumer-timers.ts'
import { MemberUpdates } from './consumer/member-update.ts'
import { RegexSubscriptions } from './consumer/regex-subscriptions.ts'
import { warnOfForeignGroups } from './foreign-groups.ts'
import type { Group } from './group.ts'
import type { GroupClient, GroupContext } from './group-context.ts'
import { GroupConversion } from './group-conversion.ts'
import { type DescribedGroup, describeClassicGroup, type ListedGroup, listGroups } from './group-descriptions.ts'
import { decodeGroupRecord, GroupReplay } from './group-replay.ts'
import { GroupTable } from './group-table.ts'
import { type CommitAnswer, OffsetCommits } from './offsets/offset-commits.ts'
import { type FetchedGroup, OffsetFetches, type OffsetFetchGroup } from './offsets/offset-fetches.ts'
import { OffsetRemoval } from './offsets/offset-removal.ts'
import { OffsetStore } from './offsets/offset-store.ts'

const EXPIRY_TIMER = 'expire-group-metadata'

/** Outcome of one group's deletion. */
export type Deletion = { readonly groupId: string; readonly errorCode: number }

/** Groups and offsets of one partition of __consumer_offsets. Source: GroupCoordinatorShard, GroupMetadataManager. */
export class GroupShard implements Shard {
  readonly groups = new GroupTable()
  readonly offsets = new OffsetStore()
  readonly #context: GroupContext
  readonly #replay: GroupReplay
  readonly #rebalance: ClassicRebalance
  readonly #join: ClassicJoin
  readonly #sync: ClassicSync
  readonly #commits: OffsetCommits
  readonly #fetches: OffsetFetches
  readonly #removal: OffsetRemoval
  readonly #timers: ConsumerTimers
  readonly #regexes: RegexSubscriptions
  readonly #updates: MemberUpdates
  readonly #heartbeat: ConsumerHeartbeat
  readonly #classicMembers: ClassicMembers
  /** Last metadata image used. */
  #image: MetadataImage

  constructor(context: GroupContext) {
    this.#context = context
    this.#image = context.image()
    this.#replay = new GroupReplay(this.groups, this.offsets, () => context.nowMs())
    this.#rebalance = new ClassicRebalance(context, this.groups)
    this.#join = new ClassicJoin(context, this.#rebalance)
    this.#sync = new ClassicSync(context, this.#rebalance)
    this.#commits = new OffsetCommits(context, this.groups, this.#rebalance)
    this.#fetches = new OffsetFetches(this.groups, this.offsets)
    this.#removal = new OffsetRemoval(context, this.groups, this.offsets)
    const { groups } = this
    const timers = new ConsumerTimers(context, (groupId, memberId, why) => departures.fence(groupId, memberId, why))
    const conversion = new GroupConversion(context, groups, this.#rebalance, timers)
    const departures = new ConsumerDepartures(context, groups, timers, conversion)
    this.#timers = timers
    this.#regexes = new RegexSubscriptions(context, groups)
    this.#updates = new MemberUpdates(context, groups, timers, this.#regexes)
    const parts = { context, groups, timers, updates: this.#updates, departures, conversion }
    this.#heartbeat = new ConsumerHeartbeat(parts)
    this.#classicMembers = new ClassicMembers(parts)
  }

  join(joining: Joining): Decision<void> | Rejection {
    const group = this.groups.get(joining.request.groupId)
    if (group?.kind === 'classic') return this.#join.join(group, joining)
    if (group !== undefined && !group.isEmpty) return this.#classicMembers.join(group, joining)
    return this.#joinNewGroup(joining, group)
  }

  /** A classic group replaces a consumer group without members. */
  #joinNewGroup(joining: Joining, former: ConsumerGroup | undefined): Decision<void> {
    const { groupId, memberId } = joining.request
    if (memberId !== '') return refuse(joining, memberId, 'UNKNOWN_MEMBER_ID')
    const group = this.groups.createClassic(groupId, this.#context.nowMs())
    const decision = this.#join.join(group, joining)
    // A new group is written at once, so that it exists after a restart whatever the outcome of the join.
    const records = [...(former?.tombstones() ?? []), group.emptyRecord(), ...decision.records]
    return { ...decision, records, replay: false }
  }

  consumerHeartbeat(
    request: ConsumerGroupHeartbeatRequest,
    client: GroupClient,
  ): Decision<ConsumerGroupHeartbeatResponse> | Rejection {
    return this.#heartbeat.heartbeat(request, client)
  }

  sync(syncing: Syncing): Decision<void> | Rejection {
    const group = this.groups.get(syncing.request.groupId)
    if (group === undefined || group.isEmpty) return refuseSync(syncing, reject('UNKNOWN_MEMBER_ID'))
    return group.kind === 'classic' ? this.#sync.sync(group, syncing) : this.#classicMembers.sync(group, syncing)
  }

  heartbeat(request: HeartbeatRequest): Decision<HeartbeatResponse> | Rejection {
    const group = this.groups.get(request.groupId)
    if (group === undefined) return noMember
    if (group.kind === 'consumer') return this.#classicMembers.heartbeat(group, request)
    return classicHeartbeat(this.#rebalance, group, request)
  }

  leave(request: LeaveGroupRequest): Decision<LeaveGroupResponse> | Rejection {
    const group = this.groups.get(request.groupId)
    if (group === undefined) return noMember
    if (group.kind === 'consumer') return this.#classicMembers.leave(group, request)
    return classicLeave(this.#rebalance, group, request.members)
  }

  commitOffsets(request: OffsetCommitRequest, apiVersion: number): Decision<CommitAnswer[]> | Rejection {
    return this.#commits.commit(request, apiVersion)
  }

  commitOffsetsInTransaction(
    request: TxnOffsetCommitRequest,
    apiVersion: number,
  ): Decision<CommitAnswer[]> | Rejection {
    return this.#commits.commitInTransaction(request, apiVersion)
  }

  fetchOffsets(request: OffsetFetchGroup, requireStable: boolean): FetchedGroup | Rejection {
    return this.#fetches.fetch(request, requireStable)
  }

  deleteOffsets(request: OffsetDeleteRequest): Decision<OffsetDeleteResponse> | Rejection {
    return this.#removal.deleteOffsets(request)
  }

  /** Deletes each group separately. Source: GroupCoordinatorShard.deleteGroups. */
  deleteGroups(groupIds: readonly string[]): Decision<Deletion[]> {
    const removals: CoordinatorRecord[][] = []
    const response = groupIds.map((groupId) => {
      const group = this.groups.get(groupId)
      const refused = group === undefined ? reject('GROUP_ID_NOT_FOUND') : group.validateDeletion()
      if (group !== undefined && refused === undefined) removals.push(this.#removalOf(group))
      return { groupId, errorCode: refused?.code ?? 0 }
    })
    return { records: removals.flat(), response }
  }

  list(request: ListGroupsRequest): ListedGroup[] {
    return listGroups(this.groups, request)
  }

  describe(groupIds: readonly string[], apiVersion: number): DescribedGroup[] {
    return groupIds.map((groupId) => describeClassicGroup(this.groups, groupId, apiVersion))
  }

  describeConsumerGroups(groupIds: readonly string[]): DescribedConsumerGroup[] {
    const [defaultAssignor] = assignorsNamed(this.#context.config.groupConsumerAssignors)
    const image = this.#context.image()
    return groupIds.map((groupId) => describeConsumerGroup(this.groups, groupId, image, defaultAssignor?.name ?? ''))
  }

  decode(record: LoadedRecord): CoordinatorRecord | undefined {
    return decodeGroupRecord(record)
  }

  replay(record: CoordinatorRecord, from: Provenance): void {
    this.#replay.replay(record, from)
  }

  replayMarker(producerId: number, result: 'commit' | 'abort'): void {
    this.offsets.replayMarker(producerId, result)
  }

  loaded(): void {
    const groupIds = new Set([...this.offsets.groupIds(), ...Array.from(this.groups, ({ groupId }) => groupId)])
    warnOfForeignGroups(this.#context, groupIds)
    for (const group of this.groups) {
      if (group.kind === 'classic') this.#resumeClassic(group)
      else this.#resumeConsumer(group)
    }
    this.#scheduleExpiry()
  }

  unloaded(): void {
    for (const group of this.groups) if (group.kind === 'classic') refuseWaiting(group)
  }

  metadataChanged({ topicsChanged, topicsDeleted }: MetadataChange): Decision<void> | undefined {
    const before = this.#image
    this.#image = this.#context.image()
    if (topicsChanged.some(({ id }) => !before.topicsById.has(id))) this.#regexes.topicsCreated(this.#image.endOffset)
    const changed = new Set([...topicsChanged, ...topicsDeleted].map(({ name }) => name))
    for (const group of this.groups) {
      if (group.kind === 'consumer' && group.isSubscribedToAny(changed)) group.metadataFreshUntilMs = 0
    }
    if (topicsDeleted.length === 0) return undefined
    return { records: this.#removal.ofTopics(topicsDeleted), response: undefined, atomic: false }
  }

  #resumeConsumer(group: ConsumerGroup): void {
    const { groupId } = group
    for (const { memberId, memberEpoch, state, rebalanceTimeoutMs } of group.members.values()) {
      this.#timers.watch(groupId, memberId)
      if (state !== memberState.unrevokedPartitions) continue
      this.#updates.awaitRevocation(groupId, memberId, memberEpoch, rebalanceTimeoutMs)
    }
  }

  #resumeClassic(group: ClassicGroup): void {
    for (const member of group.members.values()) this.#rebalance.keepAlive(group, member)
    if (group.members.size > this.#context.config.groupMaxSize) {
      this.#rebalance.start(group, `Freshly-loaded group ${group.groupId} is over capacity`)
    }
  }

  /** Records that delete a group and its offsets. */
  #removalOf(group: Group): CoordinatorRecord[] {
    return this.#removal.ofGroup(group.groupId).concat(this.#end(group))
  }

  /** Records that delete a group; cancels its timers. */
  #end(group: Group): CoordinatorRecord[] {
    if (group.kind === 'classic') this.#rebalance.forget(group)
    return group.tombstones()
  }

  #scheduleExpiry(): void {
    const { offsetsRetentionCheckIntervalMs } = this.#context.config
    this.#context.timers.set(EXPIRY_TIMER, offsetsRetentionCheckIntervalMs, () => this.expire())
  }

  /** Deletes expired offsets, and groups that then hold nothing. Source: cleanupGroupMetadata. */
  expire(): Decision<void> {
    this.#scheduleExpiry()
    const records: CoordinatorRecord[] = []
    for (const group of this.groups) {
      if (!this.#removal.expired(group, records) || !group.isEmpty) continue
      records.push(...this.#end(group))
    }
    return { records, response: undefined, atomic: false }
  }
}

const noMember = reject('UNKNOWN_MEMBER_ID')

/** Members waiting on a group that is unloaded are told to look up the coordinator again. */
function refuseWaiting(group: ClassicGroup): void {
  const code = errorCode('NOT_COORDINATOR')
  for (const member of group.members.values()) {
    const { memberId } = member
    group.answerJoin(member, { errorCode: code, protocolName: null, leader: '', memberId, members: [] })
    group.answerSync(member, { errorCode: code, assignment: noAssignment })
  }
}
