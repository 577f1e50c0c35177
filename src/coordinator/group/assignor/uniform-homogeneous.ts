import { invariant } from '../../../../protocol/invariant.ts'
import {
  type AssignedMember,
  type AssignmentTask,
  addPartition,
  copyOf,
  type MutablePartitions,
  removePartition,
  type TopicPartitions,
} from './assignor.ts'

interface TopicPartition {
  readonly topicId: string
  readonly partition: number
}

/**
 * For members with the same subscription: each gets the same number of partitions, or one more. First, members give up
 * partitions beyond their share. Then free partitions go to members with fewer. Source:
 * UniformHomogeneousAssignmentBuilder.
 */
export function assignHomogeneous(task: AssignmentTask): ReadonlyMap<string, TopicPartitions> {
  const [first] = task.members
  if (first === undefined || first.topicIds.size === 0) return new Map()
  const free = freePartitions(task, first.topicIds)
  let total = 0
  for (const topicId of first.topicIds) total += task.partitionCount(topicId)
  const minimum = Math.floor(total / task.members.length)
  let extras = total % task.members.length

  const assignment = new Map<string, MutablePartitions>()
  const unfilled: { readonly partitions: MutablePartitions; readonly missing: number }[] = []
  task.members.forEach((member, index) => {
    let mayHaveExtra = extras > 0
    const partitions = copyOf(member.assigned, first.topicIds)
    let missing = giveUpBeyond(partitions, minimum + (mayHaveExtra ? 1 : 0), free)
    // Moving an extra partition is only worth it if too few members are left to take it.
    if (missing > 0 && mayHaveExtra && task.members.length - index > extras) {
      missing--
      mayHaveExtra = false
    }
    if (missing > 0) unfilled.push({ partitions, missing })
    if (mayHaveExtra) extras--
    assignment.set(member.memberId, partitions)
  })
  handOut(free, unfilled)
  return assignment
}

function freePartitions(task: AssignmentTask, topicIds: ReadonlySet<string>): TopicPartition[] {
  const owned = ownedPartitions(task.members)
  const free: TopicPartition[] = []
  for (const topicId of topicIds) {
    const ownedOfTopic = owned.get(topicId)
    for (let partition = 0; partition < task.partitionCount(topicId); partition++) {
      if (ownedOfTopic === undefined || !ownedOfTopic.has(partition)) free.push({ topicId, partition })
    }
  }
  return free
}

function ownedPartitions(members: readonly AssignedMember[]): Map<string, Set<number>> {
  const owned = new Map<string, Set<number>>()
  for (const { assigned } of members) {
    for (const [topicId, partitions] of assigned) {
      for (const partition of partitions) addPartition(owned, topicId, partition)
    }
  }
  return owned
}

/** Removes partitions beyond the quota; returns the unused part of the quota. */
function giveUpBeyond(partitions: MutablePartitions, quota: number, free: TopicPartition[]): number {
  let left = quota
  for (const [topicId, owned] of [...partitions]) {
    for (const partition of [...owned]) {
      if (left > 0) {
        left--
        continue
      }
      removePartition(partitions, topicId, partition)
      free.push({ topicId, partition })
    }
  }
  return left
}

function handOut(
  free: readonly TopicPartition[],
  unfilled: readonly { readonly partitions: MutablePartitions; readonly missing: number }[],
): void {
  let next = 0
  for (const { partitions, missing } of unfilled) {
    for (let i = 0; i < missing && next < free.length; i++, next++) {
      addPartition(partitions, free[next]!.topicId, free[next]!.partition)
    }
  }
  invariant(next === free.length, 'partitions were left unassigned')
}
