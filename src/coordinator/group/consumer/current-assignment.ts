import { type Rejection, reject } from '../../../../protocol/error-codes.ts'
import type { TopicPartitions } from '../assignor/assignor.ts'
import { type ConsumerMember, inEpoch, memberState } from './consumer-member.ts'
import {
  epochsOf,
  hasPartition,
  isAnyIn,
  noEpochs,
  type PartitionEpochs,
  type PartitionList,
} from './partition-epochs.ts'

/** Input of a member's next reconciliation step. */
export interface Reconciliation {
  readonly targetEpoch: number
  readonly target: TopicPartitions
  /** Whether the member currently subscribes to the topic. */
  reads(topicId: string): boolean
  /** Whether the member subscribes to no topic by name. */
  readonly readsNothing: boolean
  readonly hasSubscriptionChanged: boolean
  isOwned(topicId: string, partition: number): boolean
  /** Partitions that the member reports as owned; null: not reported. */
  readonly owned: PartitionList | null
}

type MutableEpochs = Map<string, Map<number, number>>
const nobodys: ReadonlySet<number> = new Set()

/**
 * Moves the member one step towards its target assignment: it revokes partitions before it gets new ones, and gets a
 * partition only when no other member owns it. FENCED_MEMBER_EPOCH if its state is unknown. Source:
 * CurrentAssignmentBuilder.
 */
export function reconcile(member: ConsumerMember, task: Reconciliation): ConsumerMember | Rejection {
  switch (member.state) {
    case memberState.stable:
      if (member.memberEpoch !== task.targetEpoch) return nextAssignment(member, task, member.memberEpoch)
      return task.hasSubscriptionChanged ? withoutUnreadTopics(member, task) : member
    case memberState.unrevokedPartitions:
      if (!stillOwns(task.owned, member.pendingRevocation)) return nextAssignment(member, task, member.memberEpoch)
      return task.hasSubscriptionChanged ? withoutUnreadTopics(member, task) : member
    case memberState.unreleasedPartitions:
      return nextAssignment(member, task, member.memberEpoch)
    default:
      // Written by a newer broker. The member starts again once it owns nothing.
      if (task.owned !== null && task.owned.length === 0) return nextAssignment(member, task, task.targetEpoch)
      return reject(
        'FENCED_MEMBER_EPOCH',
        'The consumer group member is in a unknown state. The member must abandon all its partitions and rejoin.',
      )
  }
}

/** A member that does not report its partitions may own any. */
function stillOwns(owned: PartitionList | null, partitions: PartitionEpochs): boolean {
  return owned === null || isAnyIn(owned, partitions)
}

/** Removes topics that the member no longer reads, before a new target exists. */
function withoutUnreadTopics(member: ConsumerMember, task: Reconciliation): ConsumerMember {
  const { assigned, pendingRevocation, memberEpoch } = member
  const unread = [...assigned.keys()].filter((topicId) => !task.reads(topicId))
  const givesAllUp = task.readsNothing && pendingRevocation.size === 0
  if (unread.length === 0 && !givesAllUp) return member
  const kept = new Map(assigned)
  const pending = new Map(pendingRevocation)
  for (const topicId of unread) {
    kept.delete(topicId)
    pending.set(topicId, new Map([...epochsOf(pending, topicId), ...epochsOf(assigned, topicId)]))
  }
  const updated = { ...inEpoch(member, memberEpoch), assigned: kept }
  if (pending.size === 0 || !stillOwns(task.owned, pending)) return updated
  return { ...updated, state: memberState.unrevokedPartitions, pendingRevocation: pending }
}

interface NextPartitions {
  readonly assigned: MutableEpochs
  readonly toRevoke: MutableEpochs
  readonly toAssign: Map<string, number[]>
  hasUnreleased: boolean
}

function nextAssignment(member: ConsumerMember, task: Reconciliation, epoch: number): ConsumerMember {
  const next: NextPartitions = { assigned: new Map(), toRevoke: new Map(), toAssign: new Map(), hasUnreleased: false }
  for (const topicId of new Set([...task.target.keys(), ...member.assigned.keys()])) {
    compareTopic(member, task, topicId, next)
  }
  if (next.toRevoke.size > 0 && stillOwns(task.owned, next.toRevoke)) {
    const { assigned, toRevoke: pendingRevocation } = next
    return { ...inEpoch(member, epoch), state: memberState.unrevokedPartitions, assigned, pendingRevocation }
  }
  for (const [topicId, partitions] of next.toAssign) {
    const assigned = next.assigned.get(topicId) ?? new Map<number, number>()
    next.assigned.set(topicId, assigned)
    for (const partition of partitions) assigned.set(partition, task.targetEpoch)
  }
  return {
    ...inEpoch(member, task.targetEpoch),
    state: next.hasUnreleased ? memberState.unreleasedPartitions : memberState.stable,
    assigned: next.assigned,
    pendingRevocation: noEpochs,
  }
}

/** Current partitions of a topic that are in the target, and those that are not. Undefined: none. */
interface Split {
  readonly kept?: Map<number, number>
  readonly toRevoke?: Map<number, number>
}

const noSplit: Split = {}

function split(current: ReadonlyMap<number, number>, target: ReadonlySet<number>): Split {
  const kept = new Map<number, number>()
  const toRevoke = new Map<number, number>()
  for (const [partition, epoch] of current) (target.has(partition) ? kept : toRevoke).set(partition, epoch)
  return { ...(kept.size > 0 ? { kept } : {}), ...(toRevoke.size > 0 ? { toRevoke } : {}) }
}

function compareTopic(member: ConsumerMember, task: Reconciliation, topicId: string, next: NextPartitions): void {
  const target = task.reads(topicId) ? (task.target.get(topicId) ?? nobodys) : nobodys
  const current = epochsOf(member.assigned, topicId)
  // Most topics of a new member have no current partitions: no maps for these.
  const { kept, toRevoke } = current.size === 0 ? noSplit : split(current, target)
  const toAssign: number[] = []
  for (const partition of target) {
    if (kept?.has(partition) === true) continue
    // A partition that the member itself is about to revoke counts as free for it.
    const isFree = !task.isOwned(topicId, partition) || hasPartition(member.pendingRevocation, topicId, partition)
    if (isFree) toAssign.push(partition)
    else next.hasUnreleased = true
  }
  if (kept !== undefined) next.assigned.set(topicId, kept)
  if (toRevoke !== undefined) next.toRevoke.set(topicId, toRevoke)
  if (toAssign.length > 0) next.toAssign.set(topicId, toAssign)
}
