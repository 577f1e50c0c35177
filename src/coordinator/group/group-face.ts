import type { Rejection } from '../../../protocol/error-codes.ts'
import type { CoordinatorRecord } from '../coordinator-record.ts'

/** Protocol type of groups of consumers, whichever protocol they follow. */
export const CONSUMER_PROTOCOL_TYPE = 'consumer'

/** Says whether the offset of one partition may be committed; undefined: it may. */
export type PartitionCheck = (topic: string, topicId: string, partition: number) => Rejection | undefined

/** Where a commit comes from, as it says itself. */
export interface CommitOrigin {
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** Generation of a classic member, epoch of a consumer member, negative from outside of the group. */
  readonly generationIdOrMemberEpoch: number
  readonly transactional: boolean
  readonly apiVersion: number
}

/** The instant from which an offset's retention counts; undefined where offsets of the group do not expire now. */
export type RetentionBase = ((commitTimestampMs: number) => number) | undefined

/** What offsets, listing and deletion need of a group, whatever its protocol. Source: Kafka's interface Group. */
export interface GroupFace {
  readonly groupId: string
  readonly kind: 'classic' | 'consumer'
  readonly isEmpty: boolean
  readonly protocolType: string | null
  /** Name of the state as clients know it. */
  readonly stateName: string
  validateOffsetCommit(origin: CommitOrigin): PartitionCheck | Rejection
  validateOffsetFetch(memberId: string | null, memberEpoch: number): Rejection | undefined
  validateOffsetDelete(): Rejection | undefined
  validateDeletion(): Rejection | undefined
  isSubscribedTo(topic: string): boolean
  retentionBase(): RetentionBase
  /** Records that make the log forget the group (its offsets excepted). */
  tombstones(): CoordinatorRecord[]
}

/** Every partition may be committed. */
export const anyPartition: PartitionCheck = () => undefined
