import {
  DescribeTopicPartitions,
  type DescribeTopicPartitionsRequest,
} from '../../protocol/apis/describe-topic-partitions.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import type { TopicImage } from '../metadata/metadata-image.ts'
import { invalidTopicName } from '../metadata/topic-names.ts'
import { allTopicOperations } from './authorized-operations.ts'
import { handler, type RequestContext } from './handler.ts'
import { liveBrokers, partitionView } from './topic-view.ts'

interface Cursor {
  readonly topicName: string
  readonly partitionIndex: number
}

/**
 * Tells topics in the order of their names, up to so many partitions; nextCursor is where the next page starts. Source:
 * DescribeTopicPartitionsRequestHandler, KRaftMetadataCache.describeTopicResponse.
 */
export const describeTopicPartitions = handler(DescribeTopicPartitions, (request, context) => {
  const { cursor } = request
  const all = request.topics.length === 0
  const names = namesFrom(request, context)
  const isMalformed = cursor !== null && ((!all && !names.includes(cursor.topicName)) || cursor.partitionIndex < 0)
  if (isMalformed) return { topics: request.topics.map(({ name }) => failed(name, 'INVALID_REQUEST', false)) }
  // Kafka takes it for the topic of the cursor, of which there is none.
  if (cursor === null && names.includes(''))
    return { topics: request.topics.map(({ name }) => failed(name, 'UNKNOWN_SERVER_ERROR', false)) }
  const { maxRequestPartitionSizeLimit } = context.services.configs.broker
  return page(
    names,
    all,
    cursor,
    Math.max(1, Math.min(maxRequestPartitionSizeLimit, request.responsePartitionLimit)),
    context,
  )
})

function namesFrom(request: DescribeTopicPartitionsRequest, { services }: RequestContext): string[] {
  const { topicsByName } = services.metadata.image
  const names = request.topics.length === 0 ? topicsByName.keys() : request.topics.map(({ name }) => name)
  const from = request.cursor?.topicName ?? ''
  return [...new Set(names)].filter((name) => name >= from).sort()
}

function page(names: readonly string[], all: boolean, cursor: Cursor | null, limit: number, context: RequestContext) {
  const { image } = context.services.metadata
  const topics: (ReturnType<typeof described> | ReturnType<typeof failed>)[] = []
  let left = limit
  for (const name of names) {
    const topic = image.topicsByName.get(name)
    const first = cursor?.topicName === name ? cursor.partitionIndex : 0
    if (left === 0) return { topics, nextCursor: { topicName: name, partitionIndex: first } }
    if (topic === undefined) {
      const invalid = invalidTopicName(name) !== undefined
      if (!all) topics.push(failed(name, invalid ? 'INVALID_TOPIC_EXCEPTION' : 'UNKNOWN_TOPIC_OR_PARTITION', true))
      continue
    }
    const end = Math.min(topic.partitions.length, first + left)
    topics.push(described(topic, first, end, context))
    left -= Math.max(0, end - first)
    if (end < topic.partitions.length) return { topics, nextCursor: { topicName: name, partitionIndex: end } }
  }
  return { topics, nextCursor: null }
}

function failed(
  name: string,
  error: 'INVALID_REQUEST' | 'INVALID_TOPIC_EXCEPTION' | 'UNKNOWN_SERVER_ERROR' | 'UNKNOWN_TOPIC_OR_PARTITION',
  withOperations: boolean,
) {
  return {
    errorCode: errorCode(error),
    name,
    topicId: ZERO_UUID,
    isInternal: false,
    partitions: [],
    ...(withOperations ? { topicAuthorizedOperations: allTopicOperations } : {}),
  }
}

function described(topic: TopicImage, first: number, end: number, { services }: RequestContext) {
  const alive = liveBrokers(services.metadata.image)
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.internal,
    partitions: topic.partitions.slice(first, end).map((partition, index) => ({
      partitionIndex: first + index,
      ...partitionView(partition, alive),
      eligibleLeaderReplicas: partition.eligibleLeaderReplicas,
      lastKnownElr: partition.lastKnownEligibleLeaderReplicas,
    })),
    topicAuthorizedOperations: allTopicOperations,
  }
}
