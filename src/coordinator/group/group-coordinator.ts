import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../../protocol/apis/consumer-group-heartbeat.ts'
import type { DescribeGroupsRequest } from '../../../protocol/apis/describe-groups.ts'
import type { HeartbeatRequest, HeartbeatResponse } from '../../../protocol/apis/heartbeat.ts'
import type { JoinGroupRequest, JoinGroupResponse } from '../../../protocol/apis/join-group.ts'
import type { LeaveGroupRequest, LeaveGroupResponse } from '../../../protocol/apis/leave-group.ts'
import type { ListGroupsRequest, ListGroupsResponse } from '../../../protocol/apis/list-groups.ts'
import type { OffsetCommitRequest } from '../../../protocol/apis/offset-commit.ts'
import type { OffsetDeleteRequest, OffsetDeleteResponse } from '../../../protocol/apis/offset-delete.ts'
import type { SyncGroupRequest, SyncGroupResponse } from '../../../protocol/apis/sync-group.ts'
import type { TxnOffsetCommitRequest } from '../../../protocol/apis/txn-offset-commit.ts'
import { errorCode, isRejection, type Rejection, reject } from '../../../protocol/error-codes.ts'
import { mapInSlices, runInSlices, type Slices } from '../../../storage/host/turn-slices.ts'
import type { FailedDirectory } from '../../../storage/log-store.ts'
import type { VerificationGuard, VerifiedProducer } from '../../../storage/partition-log.ts'
import type { MetadataImage } from '../../metadata/metadata-image.ts'
import { coordinatorPartition } from '../java-hash.ts'
import type { CoordinatorRuntime } from '../runtime.ts'
import type { Outcome, ShardRuntime } from '../shard-runtime.ts'
import type { TransactionEnd } from '../state-log.ts'
import { assignorsNamed } from './assignor/assignors.ts'
import { leaveResponse } from './classic/classic-leave.ts'
import { noAssignment } from './classic/classic-member.ts'
import { type DescribedConsumerGroup, failedConsumerDescription } from './consumer/consumer-descriptions.ts'
import { heartbeatRefusal } from './consumer/consumer-heartbeat.ts'
import { hashSteps } from './consumer/metadata-hash.ts'
import type { GroupCoordinatorConfig } from './group-config.ts'
import type { GroupClient } from './group-context.ts'
import { type DescribedGroup, failedDescription } from './group-descriptions.ts'
import type { Deletion, GroupShard } from './group-shard.ts'
import type { CommitAnswer } from './offsets/offset-commits.ts'
import type { FetchedGroup, OffsetFetchGroup } from './offsets/offset-fetches.ts'

type Answer<R> = R | Promise<R>

/** From this many topics on, a subscription's hashes are computed in slices before the decision. */
const MANY_TOPICS = 64

/**
 * Consumer groups and their offsets, as request handlers use them: finds the shard, makes checks that need no shard,
 * and turns refusals into responses. Source: GroupCoordinatorService.
 */
export class GroupCoordinator {
  readonly #runtime: CoordinatorRuntime<GroupShard>
  readonly #config: () => GroupCoordinatorConfig
  readonly #image: () => MetadataImage

  constructor(
    runtime: CoordinatorRuntime<GroupShard>,
    config: () => GroupCoordinatorConfig,
    image: () => MetadataImage,
  ) {
    this.#runtime = runtime
    this.#config = config
    this.#image = image
  }

  /** Loads the shards that this broker leads; requests are refused until then. */
  start(): Promise<void> {
    return this.#runtime.start()
  }

  /** Answers all waiting requests; refuses all later ones. */
  stop(): void {
    this.#runtime.stop()
  }

  /**
   * Id of the broker that coordinates the group; if it is this broker, the group is ready. Creates the topic if needed.
   */
  coordinatorOf(groupId: string, principal: string): Promise<number | Rejection> {
    return this.#runtime.coordinatorOf(groupId, principal)
  }

  join(request: JoinGroupRequest, client: GroupClient): Answer<JoinGroupResponse> {
    const { groupId, memberId, sessionTimeoutMs } = request
    if (groupId === '') return joinFailure(memberId, errorCode('INVALID_GROUP_ID'))
    const { groupMinSessionTimeoutMs, groupMaxSessionTimeoutMs } = this.#config()
    if (sessionTimeoutMs < groupMinSessionTimeoutMs || sessionTimeoutMs > groupMaxSessionTimeoutMs) {
      return joinFailure(memberId, errorCode('INVALID_SESSION_TIMEOUT'))
    }
    return new Promise((answer, fail) => {
      const outcome = this.#write(groupId, (shard) => shard.join({ request, client, answer }))
      refusalOf(outcome, (refusal) => answer(joinFailure('', refusal.code)), fail)
    })
  }

  sync(request: SyncGroupRequest): Answer<SyncGroupResponse> {
    if (request.groupId === '') return syncFailure(errorCode('INVALID_GROUP_ID'))
    return new Promise((answer, fail) => {
      const outcome = this.#write(request.groupId, (shard) => shard.sync({ request, answer }))
      refusalOf(outcome, (refusal) => answer(syncFailure(refusal.code)), fail)
    })
  }

  heartbeat(request: HeartbeatRequest): Answer<HeartbeatResponse> {
    if (request.groupId === '') return { errorCode: errorCode('INVALID_GROUP_ID') }
    return settle(
      this.#write(request.groupId, (shard) => shard.heartbeat(request)),
      // The group's members are not known yet, so a heartbeat while loading must not fence the client.
      ({ error, code }) => ({ errorCode: error === 'COORDINATOR_LOAD_IN_PROGRESS' ? 0 : code }),
    )
  }

  leave(request: LeaveGroupRequest): Answer<LeaveGroupResponse> {
    if (request.groupId === '') return { errorCode: errorCode('INVALID_GROUP_ID'), members: [] }
    return settle(
      this.#write(request.groupId, (shard) => shard.leave(request)),
      ({ error, code }) =>
        error === 'UNKNOWN_MEMBER_ID'
          ? { errorCode: 0, members: request.members.map((member) => leaveResponse(member, error)) }
          : { errorCode: code, members: [] },
    )
  }

  /** Handles one heartbeat of a consumer protocol member. */
  consumerHeartbeat(
    request: ConsumerGroupHeartbeatRequest,
    client: GroupClient,
    slices: Slices,
  ): Answer<ConsumerGroupHeartbeatResponse> {
    const names = request.subscribedTopicNames ?? []
    if (names.length < MANY_TOPICS) return this.#consumerHeartbeat(request, client)
    const hashed = runInSlices(hashSteps(names, this.#image()), slices)
    if (!(hashed instanceof Promise)) return this.#consumerHeartbeat(request, client)
    return hashed.then(() => this.#consumerHeartbeat(request, client))
  }

  #consumerHeartbeat(
    request: ConsumerGroupHeartbeatRequest,
    client: GroupClient,
  ): Answer<ConsumerGroupHeartbeatResponse> {
    const assignors = assignorsNamed(this.#config().groupConsumerAssignors)
    const refused = heartbeatRefusal(request, client.apiVersion, assignors)
    return settle<ConsumerGroupHeartbeatResponse>(
      refused ?? this.#write(request.groupId, (shard) => shard.consumerHeartbeat(request, client)),
      ({ code, message }) => ({ errorCode: code, errorMessage: message, memberEpoch: 0, heartbeatIntervalMs: 0 }),
    )
  }

  /** A rejection applies to every partition. */
  commitOffsets(request: OffsetCommitRequest, apiVersion: number): Outcome<CommitAnswer[]> {
    return this.#write(request.groupId, (shard) => shard.commitOffsets(request, apiVersion))
  }

  /** Partition of __consumer_offsets with the group. */
  partitionOf(groupId: string): number {
    return coordinatorPartition(groupId, this.#runtime.partitionCount)
  }

  /**
   * Call before the transaction coordinator is asked whether a transaction includes the group's partition, and commit
   * with the guard. undefined: there is nothing to verify. Errors: those of a commit, and INVALID_PRODUCER_EPOCH.
   */
  beginVerification(
    groupId: string,
    producer: Omit<VerifiedProducer, 'baseSequence'>,
  ): Outcome<VerificationGuard | undefined> {
    if (groupId === '') return reject('INVALID_GROUP_ID')
    const shard = this.#shard(groupId)
    return isRejection(shard) ? shard : shard.beginVerification({ ...producer, baseSequence: -1 })
  }

  /** verification: as in AppendContext. Errors: those of the log, too. */
  commitOffsetsInTransaction(
    request: TxnOffsetCommitRequest,
    apiVersion: number,
    verification?: VerificationGuard | null,
  ): Outcome<CommitAnswer[]> {
    const { groupId, producerId, producerEpoch } = request
    if (groupId === '') return reject('INVALID_GROUP_ID')
    const shard = this.#shard(groupId)
    if (isRejection(shard)) return shard
    const transaction = { producerId, producerEpoch, ...(verification !== undefined && { verification }) }
    return shard.write((state) => state.commitOffsetsInTransaction(request, apiVersion), transaction)
  }

  /** Stops serving the groups of these partitions: their data directory failed. */
  takeOffline(partitions: FailedDirectory['partitions']): void {
    this.#runtime.takeOffline(partitions)
  }

  /**
   * Ends a transaction on one partition of __consumer_offsets: commits or drops its pending offsets. Errors: those of the
   * log, too, which refuses a stale marker.
   */
  endTransaction(partition: number, end: TransactionEnd): Outcome<undefined> {
    const shard = this.#runtime.shard(partition)
    return isRejection(shard) ? shard : shard.endTransaction(end)
  }

  fetchOffsets(request: OffsetFetchGroup, requireStable: boolean): Outcome<FetchedGroup> {
    const shard = this.#shard(request.groupId)
    return isRejection(shard) ? shard : shard.read((state) => state.fetchOffsets(request, requireStable))
  }

  deleteOffsets(request: OffsetDeleteRequest): Outcome<OffsetDeleteResponse> {
    if (request.groupId === '') return reject('INVALID_GROUP_ID')
    return this.#write(request.groupId, (shard) => shard.deleteOffsets(request))
  }

  async deleteGroups(groupIds: readonly string[]): Promise<Deletion[]> {
    const perShard = [...this.#byPartition(groupIds)].map(async ([partition, ids]) => {
      const shard = this.#runtime.shard(partition)
      const outcome = isRejection(shard) ? shard : await shard.write((state) => state.deleteGroups(ids))
      return isRejection(outcome) ? ids.map((groupId) => ({ groupId, errorCode: outcome.code })) : outcome
    })
    return (await Promise.all(perShard)).flat()
  }

  /** Lists the groups of all local shards; returns an error if a shard is loading, because the list is incomplete. */
  async list(request: ListGroupsRequest, slices: Slices): Promise<ListGroupsResponse> {
    const lists = await mapInSlices(this.#runtime.shards(), slices, (shard) =>
      shard.read((state) => state.list(request)),
    )
    const served: ListGroupsResponse['groups'][number][][] = []
    for (const list of lists) {
      if (!isRejection(list)) served.push(list)
      else if (list.error !== 'NOT_COORDINATOR') return { errorCode: list.code, groups: [] }
    }
    return { errorCode: 0, groups: served.flat() }
  }

  describe(groupIds: DescribeGroupsRequest['groups'], apiVersion: number, slices: Slices): Promise<DescribedGroup[]> {
    return this.#describeEach(groupIds, slices, (state, ids) => state.describe(ids, apiVersion), failedDescription)
  }

  async describeConsumerGroups(groupIds: readonly string[], slices: Slices): Promise<DescribedConsumerGroup[]> {
    const named = groupIds.filter((groupId) => groupId !== '')
    const look = (state: GroupShard, ids: readonly string[]) => state.describeConsumerGroups(ids)
    const described = await this.#describeEach(named, slices, look, failedConsumerDescription)
    const nameless = groupIds.length - named.length
    const invalid = failedConsumerDescription('', errorCode('INVALID_GROUP_ID'))
    return [...new Array<DescribedConsumerGroup>(nameless).fill(invalid), ...described]
  }

  /** Describes groups shard by shard, in slices. Each slice looks up the shard again. */
  async #describeEach<D>(
    groupIds: readonly string[],
    slices: Slices,
    look: (state: GroupShard, groupIds: readonly string[]) => D[],
    failed: (groupId: string, code: number) => D,
  ): Promise<D[]> {
    const pieces = [...this.#byPartition(groupIds)].flatMap(([partition, ids]) =>
      piecesOf(ids).map((piece): [number, readonly string[]] => [partition, piece]),
    )
    const described = await mapInSlices(pieces, slices, async ([partition, ids]) => {
      const shard = this.#runtime.shard(partition)
      const outcome = isRejection(shard) ? shard : await shard.read((state) => look(state, ids))
      return isRejection(outcome) ? ids.map((groupId) => failed(groupId, outcome.code)) : outcome
    })
    return described.flat()
  }

  #byPartition(groupIds: readonly string[]): Map<number, string[]> {
    const { partitionCount } = this.#runtime
    const byPartition = new Map<number, string[]>()
    for (const groupId of groupIds) {
      const partition = coordinatorPartition(groupId, partitionCount)
      const others = byPartition.get(partition)
      if (others === undefined) byPartition.set(partition, [groupId])
      else others.push(groupId)
    }
    return byPartition
  }

  #shard(groupId: string): ShardRuntime<GroupShard> | Rejection {
    return this.#runtime.shard(this.partitionOf(groupId))
  }

  #write<R>(groupId: string, operation: Parameters<ShardRuntime<GroupShard>['write']>[0]): Outcome<R> {
    const shard = this.#shard(groupId)
    return isRejection(shard) ? shard : (shard.write(operation) as Outcome<R>)
  }
}

/** Groups described per slice. */
const GROUPS_PER_STEP = 16

function piecesOf(groupIds: readonly string[]): string[][] {
  const pieces: string[][] = []
  for (let at = 0; at < groupIds.length; at += GROUPS_PER_STEP) pieces.push(groupIds.slice(at, at + GROUPS_PER_STEP))
  return pieces
}

function settle<R>(outcome: Outcome<R>, onRejection: (rejection: Rejection) => R): Answer<R> {
  if (outcome instanceof Promise)
    return outcome.then((settled) => (isRejection(settled) ? onRejection(settled) : settled))
  return isRejection(outcome) ? onRejection(outcome) : outcome
}

/** Calls back only if the operation was refused; its response is sent another way. */
function refusalOf(
  outcome: Outcome<unknown>,
  onRejection: (rejection: Rejection) => void,
  onBug: (error: unknown) => void,
): void {
  const look = (settled: unknown) => {
    if (isRejection(settled)) onRejection(settled)
  }
  if (outcome instanceof Promise) outcome.then(look).catch(onBug)
  else look(outcome)
}

function joinFailure(memberId: string, code: number): JoinGroupResponse {
  return { errorCode: code, protocolName: null, leader: '', memberId, members: [] }
}

function syncFailure(code: number): SyncGroupResponse {
  return { errorCode: code, assignment: noAssignment }
}
