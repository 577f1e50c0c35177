/** Partitions by topic id. Empty sets are not kept. */
export type TopicPartitions = ReadonlyMap<string, ReadonlySet<number>>

export const noPartitions: TopicPartitions = new Map()

/** Member data that an assignor needs. */
export interface AssignedMember {
  readonly memberId: string
  readonly instanceId: string | null
  /** Ids of the subscribed topics; all of them exist. */
  readonly topicIds: ReadonlySet<string>
  /** Current target assignment. */
  readonly assigned: TopicPartitions
}

/** Input of an assignor: a group and its partitions. */
export interface AssignmentTask {
  readonly members: readonly AssignedMember[]
  /** All members have the same subscription. */
  readonly isHomogeneous: boolean
  partitionCount(topicId: string): number
}

/** Assigns partitions to the members of a group: by member id, only members that get some. */
export interface Assignor {
  readonly name: string
  assign(task: AssignmentTask): ReadonlyMap<string, TopicPartitions>
}

/** An assignment under construction. */
export type MutablePartitions = Map<string, Set<number>>

export function addPartition(partitions: MutablePartitions, topicId: string, partition: number): void {
  const known = partitions.get(topicId)
  if (known === undefined) partitions.set(topicId, new Set([partition]))
  else known.add(partition)
}

export function removePartition(partitions: MutablePartitions, topicId: string, partition: number): void {
  const known = partitions.get(topicId)
  known?.delete(partition)
  if (known?.size === 0) partitions.delete(topicId)
}

/** Copy that contains only topics still subscribed. */
export function copyOf(assigned: TopicPartitions, topicIds: ReadonlySet<string>): MutablePartitions {
  const copy: MutablePartitions = new Map()
  for (const [topicId, partitions] of assigned) if (topicIds.has(topicId)) copy.set(topicId, new Set(partitions))
  return copy
}
