import { isRejection, type Rejection } from '../../../../protocol/error-codes.ts'
import { invariant } from '../../../../protocol/invariant.ts'
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import { type Assignor, noPartitions, type TopicPartitions } from '../assignor/assignor.ts'
import { assignorsNamed } from '../assignor/assignors.ts'
import type { GroupContext } from '../group-context.ts'
import type { GroupTable } from '../group-table.ts'
import { type ConsumerGroup, isHomogeneous } from './consumer-group.ts'
import {
  type ConsumerMember,
  isReconciledTo,
  memberState,
  regexOf,
  sameAssignment,
  sameMetadata,
  sameNames,
} from './consumer-member.ts'
import {
  currentAssignmentRecord,
  groupEpochRecord,
  memberRecord,
  partitionMetadataTombstone,
} from './consumer-records.ts'
import type { ConsumerTimers } from './consumer-timers.ts'
import { reconcile } from './current-assignment.ts'
import { METADATA_FRESH_MS, metadataHash } from './metadata-hash.ts'
import type { PartitionList } from './partition-epochs.ts'
import type { RegexChange, RegexSubscriptions } from './regex-subscriptions.ts'
import { targetAssignment } from './target-assignment.ts'

/** Update of one member, step by step; records are added along the way. */
export interface MemberUpdate {
  readonly group: ConsumerGroup
  /** Stored member, or a new one. */
  readonly member: ConsumerMember
  /** Member with the data of the request. */
  readonly updated: ConsumerMember
  /** Partitions reported as owned; null: not reported. */
  readonly owned: PartitionList | null
  readonly records: CoordinatorRecord[]
}

/** Group epoch after an update, and whether all members have the same subscription. */
interface GroupVersion {
  readonly groupEpoch: number
  isHomogeneous(): boolean
}

/** Target assignment of a member and its epoch. */
interface Target {
  readonly epoch: number
  readonly partitions: TopicPartitions
}

/** Steps shared by heartbeats and classic joins. Source: GroupMetadataManager. */
export class MemberUpdates {
  readonly #context: GroupContext
  readonly #timers: ConsumerTimers
  readonly #regexes: RegexSubscriptions
  readonly #groups: GroupTable

  constructor(context: GroupContext, groups: GroupTable, timers: ConsumerTimers, regexes: RegexSubscriptions) {
    this.#context = context
    this.#groups = groups
    this.#timers = timers
    this.#regexes = regexes
  }

  /** How the member's subscription changed, by names and by regular expression. */
  subscriptionChange(update: MemberUpdate): { readonly names: boolean; readonly regex: RegexChange } | Rejection {
    const { group, member, updated, records } = update
    const isChanged = member !== updated && !sameMetadata(member, updated)
    if (isChanged) records.push(memberRecord(group.groupId, updated))
    const names = isChanged && !sameNames(member.subscribedTopicNames, updated.subscribedTopicNames)
    const regex = this.#regexes.update(group, member, updated, records)
    return isRejection(regex) ? regex : { names, regex }
  }

  /** Whether the update changes the group's preferred assignor. */
  prefersAnotherAssignor({ group, member, updated }: MemberUpdate): boolean {
    if (member.serverAssignor === updated.serverAssignor) return false
    const before = group.preferredAssignor() ?? this.#defaultAssignor.name
    return before !== (group.preferredAssignor(member, updated) ?? this.#defaultAssignor.name)
  }

  /** Increases the group epoch if a subscription or the metadata of a subscribed topic has changed. */
  groupVersion(update: MemberUpdate, isBumped: boolean): GroupVersion {
    const { group, member, updated } = update
    if (!isBumped && this.#context.nowMs() < group.metadataFreshUntilMs) {
      const { groupEpoch, regexes, subscriptions, members } = group
      return { groupEpoch, isHomogeneous: () => isHomogeneous(regexes, subscriptions, members.size) }
    }
    const memberCount = this.#memberCountWith(group, updated)
    const regexes = group.regexesWith(member, updated)
    const subscriptions = group.subscriptionsWith(member, updated)
    const hash = metadataHash(subscriptions.topics(), this.#context.image())
    const groupEpoch = isBumped || hash !== group.metadataHash ? group.groupEpoch + 1 : group.groupEpoch
    if (groupEpoch !== group.groupEpoch) this.#bump(update, groupEpoch, hash)
    group.metadataFreshUntilMs = this.#context.nowMs() + METADATA_FRESH_MS
    if (group.hasPartitionMetadataRecord) update.records.push(partitionMetadataTombstone(group.groupId))
    return { groupEpoch, isHomogeneous: () => isHomogeneous(regexes, subscriptions, memberCount) }
  }

  #memberCountWith(group: ConsumerGroup, updated: ConsumerMember): number {
    const isKnown = group.members.has(updated.memberId) || group.hasStaticMember(updated.instanceId)
    return group.members.size + (isKnown ? 0 : 1)
  }

  #bump({ group, records }: MemberUpdate, groupEpoch: number, hash: bigint): void {
    records.push(groupEpochRecord(group.groupId, groupEpoch, hash))
    this.#context.logger.info({ groupId: group.groupId, groupEpoch }, 'Consumer group has a new epoch.')
  }

  /** Current target; computed again if the group epoch has increased and the last computation is not too recent. */
  target(update: MemberUpdate, version: GroupVersion): Target {
    const { group, member, updated, records } = update
    const { groupEpoch } = version
    if (group.assignmentEpoch >= groupEpoch || !this.#mayAssign(group)) {
      return { epoch: group.assignmentEpoch, partitions: group.targetOf(updated.memberId, updated.instanceId) }
    }
    const name = group.preferredAssignor(member, updated)
    const assignor = this.#assignors.find((each) => each.name === name) ?? this.#defaultAssignor
    const image = this.#context.image()
    const nowMs = this.#context.nowMs()
    const task = { group, updated, groupEpoch, isHomogeneous: version.isHomogeneous(), assignor, image, nowMs }
    const assigned = targetAssignment(task)
    for (const record of assigned.records) records.push(record)
    return { epoch: groupEpoch, partitions: assigned.partitions.get(updated.memberId) ?? noPartitions }
  }

  /** Source: GroupMetadataManager.canComputeNextTargetAssignment. */
  #mayAssign({ groupId, assignmentTimestampMs }: ConsumerGroup): boolean {
    const { consumerAssignmentIntervalMs } = this.#context.settingsOf(groupId)
    if (assignmentTimestampMs === 0 || consumerAssignmentIntervalMs === 0) return true
    const sinceMs = this.#context.nowMs() - assignmentTimestampMs
    // In the future: the clock was set back. Kafka would wait until the clock reaches that time again.
    return sinceMs < 0 || sinceMs >= consumerAssignmentIntervalMs
  }

  get #assignors(): readonly Assignor[] {
    return assignorsNamed(this.#context.config.groupConsumerAssignors)
  }

  get #defaultAssignor(): Assignor {
    const [first] = this.#assignors
    invariant(first !== undefined, 'group.consumer.assignors names no assignor')
    return first
  }

  /** Moves the member one step towards its target. */
  reconcile(update: MemberUpdate, target: Target, hasSubscriptionChanged: boolean): ConsumerMember | Rejection {
    const { group, updated, owned, records } = update
    if (!hasSubscriptionChanged && isReconciledTo(updated, target.epoch)) return updated
    const image = this.#context.image()
    const regex = regexOf(updated)
    const matched = regex === undefined ? undefined : group.resolvedRegexes.get(regex)?.topics
    const next = reconcile(updated, {
      targetEpoch: target.epoch,
      target: target.partitions,
      reads: (topicId) => {
        const name = image.topicsById.get(topicId)?.name
        return name !== undefined && (updated.subscribedTopicNames.has(name) || matched?.has(name) === true)
      },
      readsNothing: updated.subscribedTopicNames.size === 0 && (matched?.size ?? 0) === 0,
      hasSubscriptionChanged,
      isOwned: (topicId, partition) => group.isOwned(topicId, partition),
      owned,
    })
    if (isRejection(next) || sameAssignment(next, updated)) return next
    records.push(currentAssignmentRecord(group.groupId, next))
    if (next.classicMetadata === null) this.#timeRevocation(group, next)
    return next
  }

  #timeRevocation(
    { groupId }: ConsumerGroup,
    { memberId, state, rebalanceTimeoutMs, memberEpoch }: ConsumerMember,
  ): void {
    if (state === memberState.unrevokedPartitions)
      this.awaitRevocation(groupId, memberId, memberEpoch, rebalanceTimeoutMs)
    else this.#timers.revoked(groupId, memberId)
  }

  /** Fences the member unless it has left its epoch by then. */
  awaitRevocation(groupId: string, memberId: string, memberEpoch: number, timeoutMs: number): void {
    const member = () => this.#groups.consumer(groupId)?.members.get(memberId)
    this.#timers.awaitRevocation(groupId, memberId, timeoutMs, () => member()?.memberEpoch === memberEpoch)
  }
}
