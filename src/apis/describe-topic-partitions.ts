import {
  DescribeTopicPartitions,
  type DescribeTopicPartitionsRequest,
} from '../../protocol/apis/describe-topic-partitions.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { sortInSlices } from '../../storage/host/turn-slices.ts'
import type { TopicImage } from '../metadata/metadata-image.ts'
import { invalidTopicName } from '../metadata/topic-names.ts'
import { topicOperations } from './authorized-operations.ts'
import { handler, type RequestContext } from './handler.ts'
import { type ClusterView, clusterView, partitionNow, partitionView } from './topic-view.ts'

interface Cursor {
  readonly topicName: string
  readonly partitionIndex: number
}

/**
 * Describes topics in name order, up to a limit of partitions. nextCursor is where the next page starts. Source:
 * DescribeTopicPartitionsRequestHandler, KRaftMetadataCache.describeTopicResponse.
 */
export const describeTopicPartitions = handler(DescribeTopicPartitions, async (request, context) => {
  const { cursor } = request
  const all = request.topics.length === 0
  const names = await namesFrom(request, context)
  const isMalformed = cursor !== null && ((!all && !names.includes(cursor.topicName)) || cursor.partitionIndex < 0)
  if (isMalformed) return { topics: request.topics.map(({ name }) => failed(name, 'INVALID_REQUEST')) }
  // Kafka takes the empty name for the cursor's topic, and fails because there is no cursor.
  if (cursor === null && names.includes(''))
    return { topics: request.topics.map(({ name }) => failed(name, 'UNKNOWN_SERVER_ERROR')) }
  const { maxRequestPartitionSizeLimit } = context.services.configs.broker
  return page(
    names,
    all,
    cursor,
    Math.max(1, Math.min(maxRequestPartitionSizeLimit, request.responsePartitionLimit)),
    context,
  )
})

interface Operations {
  readonly topicAuthorizedOperations: number
}

async function namesFrom(request: DescribeTopicPartitionsRequest, { services, slices }: RequestContext) {
  const { topicsByName } = services.metadata.image
  const names = request.topics.length === 0 ? topicsByName.keys() : request.topics.map(({ name }) => name)
  const from = request.cursor?.topicName ?? ''
  return sortInSlices(
    [...new Set(names)].filter((name) => name >= from),
    slices,
  )
}

async function page(
  names: readonly string[],
  all: boolean,
  cursor: Cursor | null,
  limit: number,
  context: RequestContext,
) {
  const { services, slices } = context
  const { image } = services.metadata
  const view = clusterView(image, services)
  const topics: ((ReturnType<typeof described> | ReturnType<typeof failed>) & Operations)[] = []
  let left = limit
  for (const name of names) {
    const wait = slices.next()
    if (wait !== undefined) await wait
    const topic = image.topicsByName.get(name)
    const first = cursor?.topicName === name ? cursor.partitionIndex : 0
    if (left === 0) return { topics, nextCursor: { topicName: name, partitionIndex: first } }
    if (topic === undefined) {
      const invalid = invalidTopicName(name) !== undefined
      if (!all)
        topics.push({
          ...failed(name, invalid ? 'INVALID_TOPIC_EXCEPTION' : 'UNKNOWN_TOPIC_OR_PARTITION'),
          topicAuthorizedOperations: topicOperations(context, name),
        })
      continue
    }
    const end = Math.min(topic.partitions.length, first + left)
    topics.push({
      ...described(topic, first, end, view),
      topicAuthorizedOperations: topicOperations(context, name),
    })
    left -= Math.max(0, end - first)
    if (end < topic.partitions.length) return { topics, nextCursor: { topicName: name, partitionIndex: end } }
  }
  return { topics, nextCursor: null }
}

function failed(
  name: string,
  error: 'INVALID_REQUEST' | 'INVALID_TOPIC_EXCEPTION' | 'UNKNOWN_SERVER_ERROR' | 'UNKNOWN_TOPIC_OR_PARTITION',
) {
  return {
    errorCode: errorCode(error),
    name,
    topicId: ZERO_UUID,
    isInternal: false,
    partitions: [],
  }
}

function described(topic: TopicImage, first: number, end: number, view: ClusterView) {
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.internal,
    partitions: topic.partitions.slice(first, end).map((_, index) => {
      const partition = partitionNow(topic, first + index, view)
      return {
        partitionIndex: first + index,
        ...partitionView(partition, view.alive),
        // Unlike Metadata, also where there is no leader.
        errorCode: 0,
        eligibleLeaderReplicas: partition.eligibleLeaderReplicas,
        lastKnownElr: partition.lastKnownEligibleLeaderReplicas,
      }
    }),
  }
}
