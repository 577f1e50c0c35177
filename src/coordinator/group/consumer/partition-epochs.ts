import type { TopicPartitions } from '../assignor/assignor.ts'

/** By topic id and partition: the epoch in which the member got the partition (KIP-1251). Empty maps are not kept. */
export type PartitionEpochs = ReadonlyMap<string, ReadonlyMap<number, number>>

export const noEpochs: PartitionEpochs = new Map()

/** Partitions as listed in a request or record. */
export type PartitionList = readonly { readonly topicId: string; readonly partitions: readonly number[] }[]

const nothing: ReadonlyMap<number, number> = new Map()

export function epochsOf(epochs: PartitionEpochs, topicId: string): ReadonlyMap<number, number> {
  return epochs.get(topicId) ?? nothing
}

export function hasPartition(epochs: PartitionEpochs, topicId: string, partition: number): boolean {
  return epochs.get(topicId)?.has(partition) === true
}

/** Whether `epochs` contains each of the partitions. */
export function areAllIn(partitions: PartitionList, epochs: PartitionEpochs): boolean {
  return partitions.every(({ topicId, partitions: wanted }) => {
    const known = epochs.get(topicId)
    return known !== undefined && wanted.every((partition) => known.has(partition))
  })
}

export function isAnyIn(partitions: PartitionList, epochs: PartitionEpochs): boolean {
  return partitions.some(({ topicId, partitions: wanted }) =>
    wanted.some((partition) => hasPartition(epochs, topicId, partition)),
  )
}

export function sameEpochs(a: PartitionEpochs, b: PartitionEpochs): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [topicId, left] of a) {
    const right = b.get(topicId)
    if (right === undefined || right.size !== left.size) return false
    for (const [partition, epoch] of left) if (right.get(partition) !== epoch) return false
  }
  return true
}

export function samePartitions(a: TopicPartitions, b: TopicPartitions): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [topicId, left] of a) {
    const right = b.get(topicId)
    if (right === undefined || right.size !== left.size) return false
    for (const partition of left) if (!right.has(partition)) return false
  }
  return true
}

/** Gives all partitions the same epoch. */
export function withEpoch(partitions: TopicPartitions, epoch: number): PartitionEpochs {
  return new Map(
    [...partitions].map(([topicId, set]) => [topicId, new Map([...set].map((partition) => [partition, epoch]))]),
  )
}

export function withoutEpochs(epochs: PartitionEpochs): TopicPartitions {
  return new Map([...epochs].map(([topicId, partitions]) => [topicId, new Set(partitions.keys())]))
}

export function listOf(partitions: TopicPartitions | PartitionEpochs): { topicId: string; partitions: number[] }[] {
  return [...partitions].map(([topicId, each]) => ({ topicId, partitions: [...each.keys()] }))
}
