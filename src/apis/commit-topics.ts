import { errorCode } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import type { MetadataImage } from '../metadata/metadata-image.ts'

/** A topic of an offset commit, in a transaction or not. */
interface CommittedTopic {
  readonly name: string
  readonly topicId: string
  readonly partitions: readonly { readonly partitionIndex: number }[]
}

interface AnsweredPartition {
  readonly partitionIndex: number
  readonly errorCode: number
}

/** Response for one topic of a commit. */
export interface AnsweredTopic {
  readonly name: string
  readonly topicId: string
  readonly partitions: readonly AnsweredPartition[]
}

/** A commit, split: `known` goes to the coordinator, with names and ids both set; `refused` is answered already. */
export interface SortedCommit<T> {
  readonly known: T[]
  readonly refused: AnsweredTopic[]
}

/** Separates topics and partitions that do not exist. Source: KafkaApis.handleOffsetCommitRequest. */
export function sortCommit<T extends CommittedTopic>(
  topics: readonly T[],
  image: MetadataImage,
  byTopicId: boolean,
): SortedCommit<T> {
  const sorted: SortedCommit<T> = { known: [], refused: [] }
  for (const topic of topics) {
    const found = byTopicId ? image.topicsById.get(topic.topicId) : image.topicsByName.get(topic.name)
    if (found === undefined) {
      const error = errorCode(byTopicId ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION')
      sorted.refused.push(...answerAll([{ ...topic, topicId: byTopicId ? topic.topicId : ZERO_UUID }], error))
      continue
    }
    sortPartitions({ ...topic, name: found.name, topicId: found.id }, found.partitions.length, sorted)
  }
  return sorted
}

function sortPartitions<T extends CommittedTopic>(topic: T, partitionCount: number, sorted: SortedCommit<T>): void {
  const exists = ({ partitionIndex }: { partitionIndex: number }) =>
    partitionIndex >= 0 && partitionIndex < partitionCount
  if (topic.partitions.every(exists)) {
    if (topic.partitions.length > 0) sorted.known.push(topic)
    return
  }
  const partitions = topic.partitions.filter(exists)
  if (partitions.length > 0) sorted.known.push({ ...topic, partitions })
  const missing = topic.partitions.filter((partition) => !exists(partition))
  sorted.refused.push(...answerAll([{ ...topic, partitions: missing }], errorCode('UNKNOWN_TOPIC_OR_PARTITION')))
}

/** Answers every partition with the same error code. */
export function answerAll(topics: readonly CommittedTopic[], error: number): AnsweredTopic[] {
  return topics.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: error })),
  }))
}

/**
 * Joins refusals and the coordinator's answers, refusals first, one entry for each topic. Without refusals the
 * coordinator's answer is returned unchanged. Source: OffsetCommitResponse.Builder.
 */
export function mergeAnswers(
  refused: readonly AnsweredTopic[],
  answered: readonly AnsweredTopic[],
  byTopicId: boolean,
): readonly AnsweredTopic[] {
  if (refused.length === 0) return answered
  const merged = new Map<string, AnsweredTopic & { readonly partitions: AnsweredPartition[] }>()
  for (const topic of [...refused, ...answered]) {
    const key = byTopicId ? topic.topicId : topic.name
    const partitions = merged.get(key)?.partitions ?? []
    for (const partition of topic.partitions) partitions.push(partition)
    merged.set(key, { ...topic, partitions })
  }
  return [...merged.values()]
}
