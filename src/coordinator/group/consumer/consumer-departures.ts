import type { CoordinatorRecord } from '../../coordinator-record.ts'
import { answer, type Decision } from '../../shard.ts'
import type { GroupContext } from '../group-context.ts'
import type { GroupConversion } from '../group-conversion.ts'
import type { GroupTable } from '../group-table.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, LEAVE_GROUP_STATIC_MEMBER_EPOCH, regexOf } from './consumer-member.ts'
import {
  currentAssignmentRecord,
  groupEpochRecord,
  regexTombstone,
  targetAssignmentMetadataRecord,
} from './consumer-records.ts'
import type { ConsumerTimers, Fence } from './consumer-timers.ts'
import { removalRecords } from './member-lookup.ts'
import { metadataHash } from './metadata-hash.ts'
import { noEpochs, withEpoch, withoutEpochs } from './partition-epochs.ts'
import { addCount } from './subscription-counts.ts'

/** Removes members that leave or are fenced. Source: GroupMetadataManager.consumerGroupFenceMembers. */
export class ConsumerDepartures {
  readonly #context: GroupContext
  readonly #groups: GroupTable
  readonly #timers: ConsumerTimers
  readonly #conversion: GroupConversion

  constructor(context: GroupContext, groups: GroupTable, timers: ConsumerTimers, conversion: GroupConversion) {
    this.#context = context
    this.#groups = groups
    this.#timers = timers
    this.#conversion = conversion
  }

  /** Removes a member whose timeout has expired; undefined if it is already gone. */
  readonly fence: Fence = (groupId, memberId, why) => {
    const group = this.#groups.consumer(groupId)
    const member = group?.members.get(memberId)
    if (group === undefined || member === undefined) return undefined
    this.#context.logger.info({ groupId, memberId, why }, 'Member is fenced from the group.')
    return this.remove(group, [member], undefined)
  }

  /** Downgrades the group to the classic protocol if only classic members remain. */
  remove<R>(group: ConsumerGroup, leaving: readonly ConsumerMember[], response: R): Decision<R> {
    if (leaving.length === 0) return answer(response)
    const records: CoordinatorRecord[] = []
    if (this.#conversion.canDowngradeWithout(group, leaving)) {
      const reason = `Downgrade group ${group.groupId} from consumer to classic for member leaving.`
      this.#conversion.downgrade(group, { leaving, joining: undefined }, reason, records)
      return { records, response, replay: false }
    }
    const { groupId } = group
    for (const { memberId } of leaving) records.push(...removalRecords(groupId, memberId))
    const groupEpoch = group.groupEpoch + 1
    records.push(groupEpochRecord(groupId, groupEpoch, this.#hashWithout(group, leaving, records)))
    // No member is left to trigger an assignment, so the next member to join can get one at once.
    if (group.members.size === leaving.length) records.push(targetAssignmentMetadataRecord(groupId, groupEpoch, 0))
    for (const { memberId } of leaving) this.#timers.forget(groupId, memberId)
    return { records, response }
  }

  #hashWithout(group: ConsumerGroup, leaving: readonly ConsumerMember[], records: CoordinatorRecord[]): bigint {
    const subscriptions = group.subscriptions.copy()
    const regexes = new Map<string, number>()
    for (const member of leaving) {
      subscriptions.addNames(member.subscribedTopicNames, -1)
      const regex = regexOf(member)
      if (regex !== undefined) addCount(regexes, regex, 1)
    }
    for (const [regex, count] of regexes) {
      if (group.regexMemberCount(regex) !== count) continue
      records.push(regexTombstone(group.groupId, regex))
      subscriptions.addRegexTopics(group.resolvedRegexes.get(regex)?.topics ?? [], -1)
    }
    return metadataHash(subscriptions.topics(), this.#context.image())
  }

  /** A static member that leaves temporarily keeps its assignment until its session expires. */
  leaveTemporarily({ groupId }: ConsumerGroup, member: ConsumerMember): CoordinatorRecord[] {
    const left = {
      ...member,
      memberEpoch: LEAVE_GROUP_STATIC_MEMBER_EPOCH,
      pendingRevocation: noEpochs,
      // With epoch 0, the member that rejoins may commit for these partitions.
      assigned: withEpoch(withoutEpochs(member.assigned), 0),
    }
    return [currentAssignmentRecord(groupId, left)]
  }
}
