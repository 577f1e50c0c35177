import type { Rejection } from '../../../protocol/error-codes.ts'
import type { CoordinatorRecord } from '../coordinator-record.ts'

/** Protocol type of consumer groups, for both protocols. */
export const CONSUMER_PROTOCOL_TYPE = 'consumer'

/** Checks whether an offset of one partition may be committed; undefined: it may. */
export type PartitionCheck = (topic: string, topicId: string, partition: number) => Rejection | undefined

/** Origin of a commit, as the request states it. */
export interface CommitOrigin {
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** Generation of a classic member, epoch of a consumer member, negative from outside the group. */
  readonly generationIdOrMemberEpoch: number
  readonly transactional: boolean
  readonly apiVersion: number
}

/** Start of an offset's retention time; undefined if the group's offsets do not expire now. */
export type RetentionBase = ((commitTimestampMs: number) => number) | undefined

/** Group operations for offsets, listing and deletion, common to both protocols. Source: Kafka's interface Group. */
export interface CommonGroup {
  readonly groupId: string
  readonly kind: 'classic' | 'consumer'
  readonly isEmpty: boolean
  readonly protocolType: string | null
  /** Name of the state in responses. */
  readonly stateName: string
  validateOffsetCommit(origin: CommitOrigin): PartitionCheck | Rejection
  validateOffsetFetch(memberId: string | null, memberEpoch: number): Rejection | undefined
  validateOffsetDelete(): Rejection | undefined
  validateDeletion(): Rejection | undefined
  isSubscribedTo(topic: string): boolean
  retentionBase(): RetentionBase
  /** Records that delete the group but not its offsets. */
  tombstones(): CoordinatorRecord[]
}

/** Allows every partition. */
export const anyPartition: PartitionCheck = () => undefined
