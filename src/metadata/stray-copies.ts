import type { FoundPartition } from '../../storage/found-partitions.ts'
import { emptyCopyReason, otherTopicReason, unknownTopicReason } from '../../storage/stray-directories.ts'

/** A copy of a partition and the topic id in its directory; undefined: the directory has none. */
export interface PartitionCopy {
  readonly found: FoundPartition
  readonly topicId: string | undefined
  readonly hasRecords: boolean
}

/** A copy that belongs to no topic of the metadata. */
export interface StrayCopy {
  readonly found: FoundPartition
  /** Continues the path of the directory. */
  readonly why: string
}

/**
 * The copies of one partition that are not of the topic with that name: it was deleted, and perhaps created again,
 * while their data directory was missing. A copy without a topic id, as of Kafka 2.7, is a stray only if another one
 * is the topic's; or if it has no records, as of an interrupted creation, and another one may be the topic's. topicId:
 * that of the topic; undefined: the metadata has no such topic. Source: LogManager.isStray.
 */
export function strayCopies(copies: readonly PartitionCopy[], topicId: string | undefined): StrayCopy[] {
  if (topicId === undefined) return copies.map(({ found, topicId: own }) => ({ found, why: unknownTopicReason(own) }))
  const hasOwn = copies.some((copy) => copy.topicId === topicId)
  const nameless = copies.filter((copy) => copy.topicId === undefined)
  // One is kept in any case.
  const best = nameless.find(({ hasRecords }) => hasRecords) ?? nameless[0]
  return copies.flatMap((copy) => {
    const { found, topicId: own, hasRecords } = copy
    if (own === topicId) return []
    if (own !== undefined || hasOwn) return [{ found, why: otherTopicReason(found.topic, own, topicId) }]
    return hasRecords || copy === best ? [] : [{ found, why: emptyCopyReason }]
  })
}
