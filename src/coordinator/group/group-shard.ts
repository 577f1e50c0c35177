import type { DescribeGroupsRequest } from '../../../protocol/apis/describe-groups.ts'
import type { HeartbeatRequest, HeartbeatResponse } from '../../../protocol/apis/heartbeat.ts'
import type { LeaveGroupRequest, LeaveGroupResponse } from '../../../protocol/apis/leave-group.ts'
import type { ListGroupsRequest } from '../../../protocol/apis/list-groups.ts'
import type { OffsetCommitRequest } from '../../../protocol/apis/offset-commit.ts'
import type { OffsetDeleteRequest, OffsetDeleteResponse } from '../../../protocol/apis/offset-delete.ts'
import type { TxnOffsetCommitRequest } from '../../../protocol/apis/txn-offset-commit.ts'
import { errorCode, type Rejection, reject } from '../../../protocol/error-codes.ts'
import type { MetadataChange } from '../../metadata/metadata-store.ts'
import type { CoordinatorRecord } from '../coordinator-record.ts'
import { type Decision, noChange, type Provenance, type Shard } from '../shard.ts'
import type { LoadedRecord } from '../state-log.ts'
import type { ClassicGroup } from './classic/classic-group.ts'
import { classicHeartbeat } from './classic/classic-heartbeat.ts'
import { ClassicJoin, type Joining, refuse } from './classic/classic-join.ts'
import { classicLeave } from './classic/classic-leave.ts'
import { noAssignment } from './classic/classic-member.ts'
import { ClassicRebalance } from './classic/classic-rebalance.ts'
import { ClassicSync, refuseSync, type Syncing } from './classic/classic-sync.ts'
import type { GroupContext } from './group-context.ts'
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

/** The groups and offsets of one partition of __consumer_offsets. Source: GroupCoordinatorShard, GroupMetadataManager. */
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

  constructor(context: GroupContext) {
    this.#context = context
    this.#replay = new GroupReplay(this.groups, this.offsets, () => context.nowMs())
    this.#rebalance = new ClassicRebalance(context, this.groups)
    this.#join = new ClassicJoin(context, this.#rebalance)
    this.#sync = new ClassicSync(context, this.#rebalance)
    this.#commits = new OffsetCommits(context, this.groups, this.#rebalance)
    this.#fetches = new OffsetFetches(this.groups, this.offsets)
    this.#removal = new OffsetRemoval(context, this.groups, this.offsets)
  }

  join(joining: Joining): Decision<void> | Rejection {
    const { groupId, memberId } = joining.request
    const known = this.groups.get(groupId)
    if (known === undefined && memberId !== '') return refuse(joining, memberId, 'UNKNOWN_MEMBER_ID')
    const group = known ?? this.groups.createClassic(groupId, this.#context.nowMs())
    const decision = this.#join.join(group, joining)
    // A new group is written down at once, so that it is there after a restart whatever becomes of the join.
    if (known !== undefined || decision !== noChange) return decision
    return { records: [group.emptyRecord()], response: undefined, replay: false }
  }

  sync(syncing: Syncing): Decision<void> | Rejection {
    const group = this.groups.get(syncing.request.groupId)
    if (group === undefined || group.isEmpty) return refuseSync(syncing, reject('UNKNOWN_MEMBER_ID'))
    return this.#sync.sync(group, syncing)
  }

  heartbeat(request: HeartbeatRequest): Decision<HeartbeatResponse> | Rejection {
    const group = this.groups.get(request.groupId)
    return group === undefined ? noMember : classicHeartbeat(this.#rebalance, group, request)
  }

  leave(request: LeaveGroupRequest): Decision<LeaveGroupResponse> | Rejection {
    const group = this.groups.get(request.groupId)
    return group === undefined ? noMember : classicLeave(this.#rebalance, group, request.members)
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

  /** Each group on its own. Source: GroupCoordinatorShard.deleteGroups. */
  deleteGroups(groupIds: readonly string[]): Decision<Deletion[]> {
    const records: CoordinatorRecord[] = []
    const response = groupIds.map((groupId) => {
      const group = this.groups.get(groupId)
      const refused = group === undefined ? reject('GROUP_ID_NOT_FOUND') : group.validateDeletion()
      if (group !== undefined && refused === undefined) records.push(...this.#removalOf(group))
      return { groupId, errorCode: refused?.code ?? 0 }
    })
    return { records, response }
  }

  list(request: ListGroupsRequest): ListedGroup[] {
    return listGroups(this.groups, request)
  }

  describe(groupIds: DescribeGroupsRequest['groups'], apiVersion: number): DescribedGroup[] {
    return groupIds.map((groupId) => describeClassicGroup(this.groups, groupId, apiVersion))
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
    for (const group of this.groups) this.#resume(group)
    this.#scheduleExpiry()
  }

  unloaded(): void {
    for (const group of this.groups) refuseWaiting(group)
  }

  metadataChanged({ topicsDeleted }: MetadataChange): Decision<void> | undefined {
    if (topicsDeleted.length === 0) return undefined
    return { records: this.#removal.ofTopics(topicsDeleted), response: undefined, atomic: false }
  }

  #resume(group: ClassicGroup): void {
    for (const member of group.members.values()) this.#rebalance.keepAlive(group, member)
    if (group.members.size > this.#context.config.groupMaxSize) {
      this.#rebalance.start(group, `Freshly-loaded group ${group.groupId} is over capacity`)
    }
  }

  /** Records that take a group with its offsets away. */
  #removalOf(group: ClassicGroup): CoordinatorRecord[] {
    const records = this.#removal.ofGroup(group.groupId)
    this.#rebalance.forget(group)
    return records.concat(group.tombstones())
  }

  #scheduleExpiry(): void {
    const { offsetsRetentionCheckIntervalMs } = this.#context.config
    this.#context.timers.set(EXPIRY_TIMER, offsetsRetentionCheckIntervalMs, () => this.expire())
  }

  /** Drops offsets that are too old, and groups that hold nothing else. Source: cleanupGroupMetadata. */
  expire(): Decision<void> {
    this.#scheduleExpiry()
    const records: CoordinatorRecord[] = []
    for (const group of this.groups) {
      if (!this.#removal.expired(group, records) || !group.isEmpty) continue
      this.#rebalance.forget(group)
      records.push(...group.tombstones())
    }
    return { records, response: undefined, atomic: false }
  }
}

const noMember = reject('UNKNOWN_MEMBER_ID')

/** Whoever waits on a group that is thrown out of memory learns to look for its coordinator. */
function refuseWaiting(group: ClassicGroup): void {
  const code = errorCode('NOT_COORDINATOR')
  for (const member of group.members.values()) {
    const { memberId } = member
    group.answerJoin(member, { errorCode: code, protocolName: '', leader: '', memberId, members: [] })
    group.answerSync(member, { errorCode: code, assignment: noAssignment })
  }
}
