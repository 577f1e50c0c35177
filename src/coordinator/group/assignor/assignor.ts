/** Partitions by topic id. Nothing empty is kept. */
export type TopicPartitions = ReadonlyMap<string, ReadonlySet<number>>

export const noPartitions: TopicPartitions = new Map()

/** What an assignor must know of a member. */
export interface AssignedMember {
  readonly memberId: string
  readonly instanceId: string | null
  /** Ids of the topics that it reads, all of which exist. */
  readonly topicIds: ReadonlySet<string>
  /** What it was to have until now. */
  readonly assigned: TopicPartitions
}

/** A group that is to share out its partitions. */
export interface AssignmentTask {
  readonly members: readonly AssignedMember[]
  /** All members read the same topics. */
  readonly isHomogeneous: boolean
  partitionCount(topicId: string): number
}

/** Shares out partitions among the members of a group: by member id, everybody who is to have some. */
export interface Assignor {
  readonly name: string
  assign(task: AssignmentTask): ReadonlyMap<string, TopicPartitions>
}

/** An assignment that is being put together. */
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

/** Its own copy, of those topics only that are still read. */
export function copyOf(assigned: TopicPartitions, topicIds: ReadonlySet<string>): MutablePartitions {
  const copy: MutablePartitions = new Map()
  for (const [topicId, partitions] of assigned) if (topicIds.has(topicId)) copy.set(topicId, new Set(partitions))
  return copy
}
