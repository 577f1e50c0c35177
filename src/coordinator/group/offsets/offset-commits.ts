import type { OffsetCommitRequest } from '../../../../protocol/apis/offset-commit.ts'
import type { TxnOffsetCommitRequest } from '../../../../protocol/apis/txn-offset-commit.ts'
import { errorCode, isRejection, type Rejection, reject } from '../../../../protocol/error-codes.ts'
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import type { Decision } from '../../shard.ts'
import { ClassicGroup } from '../classic/classic-group.ts'
import type { ClassicRebalance } from '../classic/classic-rebalance.ts'
import type { PartitionCheck } from '../common-group.ts'
import type { Group } from '../group.ts'
import type { GroupContext } from '../group-context.ts'
import type { GroupTable } from '../group-table.ts'
import { offsetRecord } from './offset-store.ts'

/** From this version on, OffsetCommit can return GROUP_ID_NOT_FOUND and STALE_MEMBER_EPOCH (KIP-848). */
const GROUP_ID_NOT_FOUND_VERSION = 9
/** The same for TxnOffsetCommit (KIP-1319). */
const TXN_GROUP_ID_NOT_FOUND_VERSION = 6

const NO_RETENTION = -1

interface Commit {
  readonly groupId: string
  readonly nowMs: number
  readonly expireTimestampMs: number
  readonly check: PartitionCheck
}

interface CommittedPartition {
  readonly partitionIndex: number
  readonly committedOffset: number
  readonly committedLeaderEpoch: number
  readonly committedMetadata: string | null
  /** Only in OffsetCommit v1. */
  readonly commitTimestamp?: number
}

interface CommittedTopic {
  readonly name: string
  readonly topicId: string
  readonly partitions: readonly CommittedPartition[]
}

/** Result of one topic of a commit. */
export interface CommitAnswer {
  readonly name: string
  readonly topicId: string
  readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[]
}

/** Decides about commits, inside and outside transactions. Source: OffsetMetadataManager. */
export class OffsetCommits {
  readonly #context: GroupContext
  readonly #groups: GroupTable
  readonly #rebalance: ClassicRebalance

  constructor(context: GroupContext, groups: GroupTable, rebalance: ClassicRebalance) {
    this.#context = context
    this.#groups = groups
    this.#rebalance = rebalance
  }

  commit(request: OffsetCommitRequest, apiVersion: number): Decision<CommitAnswer[]> | Rejection {
    const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch, retentionTimeMs } = request
    const group = this.#group(groupId, generationIdOrMemberEpoch, apiVersion >= GROUP_ID_NOT_FOUND_VERSION)
    if (isRejection(group)) return group
    const origin = { memberId, groupInstanceId, generationIdOrMemberEpoch, transactional: false, apiVersion }
    const check = group.validateOffsetCommit(origin)
    if (isRejection(check)) return check
    this.#keepAlive(group, memberId)
    const nowMs = this.#context.nowMs()
    const expireTimestampMs = retentionTimeMs === NO_RETENTION ? -1 : nowMs + retentionTimeMs
    return this.#decide({ groupId, nowMs, expireTimestampMs, check }, request.topics)
  }

  commitInTransaction(request: TxnOffsetCommitRequest, apiVersion: number): Decision<CommitAnswer[]> | Rejection {
    const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch } = request
    const knowsNewErrors = apiVersion >= TXN_GROUP_ID_NOT_FOUND_VERSION
    const group = this.#group(groupId, generationIdOrMemberEpoch, knowsNewErrors)
    if (isRejection(group)) return group
    const origin = { memberId, groupInstanceId, generationIdOrMemberEpoch, transactional: true, apiVersion }
    const check = group.validateOffsetCommit(origin)
    const decision = isRejection(check)
      ? check
      : this.#decide({ groupId, nowMs: this.#context.nowMs(), expireTimestampMs: -1, check }, request.topics)
    const isStale = isRejection(decision) && decision.error === 'STALE_MEMBER_EPOCH'
    return isStale && !knowsNewErrors ? reject('ILLEGAL_GENERATION') : decision
  }

  /** A commit from outside a group creates a group that holds only offsets when its first record is replayed. */
  #group(groupId: string, generation: number, knowsNewErrors: boolean): Group | Rejection {
    const group = this.#groups.get(groupId)
    if (group !== undefined) return group
    if (generation < 0) return ClassicGroup.empty(groupId, this.#context.nowMs())
    return knowsNewErrors ? reject('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`) : reject('ILLEGAL_GENERATION')
  }

  /** A commit counts as a heartbeat. */
  #keepAlive(group: Group, memberId: string): void {
    if (group.kind !== 'classic' || !group.isIn('Stable', 'PreparingRebalance')) return
    const member = group.members.get(memberId)
    if (member !== undefined) this.#rebalance.keepAlive(group, member)
  }

  #decide(commit: Commit, topics: readonly CommittedTopic[]): Decision<CommitAnswer[]> | Rejection {
    const records: CoordinatorRecord[] = []
    const response: CommitAnswer[] = []
    for (const { name, topicId, partitions } of topics) {
      const answered: { partitionIndex: number; errorCode: number }[] = []
      for (const partition of partitions) {
        const code = this.#commitOne(commit, name, topicId, partition, records)
        if (isRejection(code)) return code
        answered.push({ partitionIndex: partition.partitionIndex, errorCode: code })
      }
      response.push({ name, topicId, partitions: answered })
    }
    return { records, response }
  }

  #commitOne(
    { groupId, nowMs, expireTimestampMs, check }: Commit,
    topic: string,
    topicId: string,
    partition: CommittedPartition,
    records: CoordinatorRecord[],
  ): number | Rejection {
    const metadata = partition.committedMetadata ?? ''
    if (metadata.length > this.#context.config.offsetMetadataMaxBytes) return errorCode('OFFSET_METADATA_TOO_LARGE')
    const refused = check(topic, topicId, partition.partitionIndex)
    if (refused !== undefined) return refused
    const { committedOffset: offset, committedLeaderEpoch: leaderEpoch, commitTimestamp = -1 } = partition
    const commitTimestampMs = commitTimestamp === -1 ? nowMs : commitTimestamp
    const committed = { offset, leaderEpoch, metadata, commitTimestampMs, expireTimestampMs, topicId }
    records.push(offsetRecord(groupId, topic, partition.partitionIndex, committed))
    return 0
  }
}
