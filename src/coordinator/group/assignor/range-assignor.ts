import type { AssignedMember, AssignmentTask, Assignor, MutablePartitions, TopicPartitions } from './assignor.ts'

interface TopicRange {
  readonly partitionCount: number
  readers: number
  /** First unassigned partition. */
  next: number
  /** Number of subscribers that get one partition more than the others. */
  extra: number
}

/** Assigns each topic separately, in ranges, with the same order of members every time. Source: RangeAssignor. */
export const rangeAssignor: Assignor = {
  name: 'range',
  assign(task) {
    const members = [...task.members].sort(byInstanceThenId)
    const topics = rangesOf(task)
    const assignment = new Map<string, TopicPartitions>()
    for (const { memberId, topicIds } of members) {
      const partitions: MutablePartitions = new Map()
      for (const topicId of topicIds) takeRange(partitions, topicId, topics.get(topicId)!)
      assignment.set(memberId, partitions)
    }
    return assignment
  },
}

function rangesOf(task: AssignmentTask): Map<string, TopicRange> {
  const topics = new Map<string, TopicRange>()
  for (const { topicIds } of task.members) {
    for (const topicId of topicIds) {
      const known = topics.get(topicId)
      if (known !== undefined) known.readers++
      else topics.set(topicId, { partitionCount: task.partitionCount(topicId), readers: 1, next: 0, extra: 0 })
    }
  }
  for (const topic of topics.values()) topic.extra = topic.partitionCount % topic.readers
  return topics
}

function takeRange(partitions: MutablePartitions, topicId: string, topic: TopicRange): void {
  const quota = Math.floor(topic.partitionCount / topic.readers) + (topic.extra-- > 0 ? 1 : 0)
  const end = Math.min(topic.next + quota, topic.partitionCount)
  const range = new Set<number>()
  while (topic.next < end) range.add(topic.next++)
  if (range.size > 0) partitions.set(topicId, range)
}

/** Static members first, by instance id: a member that rejoins with its instance id gets the same range. */
function byInstanceThenId(a: AssignedMember, b: AssignedMember): number {
  if (a.instanceId !== null && b.instanceId !== null) return compare(a.instanceId, b.instanceId)
  if (a.instanceId !== null || b.instanceId !== null) return a.instanceId !== null ? -1 : 1
  return compare(a.memberId, b.memberId)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
