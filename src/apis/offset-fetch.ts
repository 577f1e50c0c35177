import { OffsetFetch, type OffsetFetchRequest, type OffsetFetchResponse } from '../../protocol/apis/offset-fetch.ts'
import { errorCode, isRejection } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import type { FetchedGroup, OffsetFetchGroup } from '../coordinator/group/offsets/offset-fetches.ts'
import { handler, type RequestContext } from './handler.ts'

/** v0 read offsets from ZooKeeper: a missing offset was an error, and its clients ask for no coordinator. */
const ZOOKEEPER_VERSION = 0
/** First version with an error code for the whole group. */
const GROUP_ERROR_VERSION = 2
const BATCHED_VERSION = 8
const TOPIC_ID_VERSION = 10

/** Reads committed offsets of one group, or from v8 on of several. Source: KafkaApis.handleOffsetFetchRequest. */
export const offsetFetch = handler(OffsetFetch, async (request, context) => {
  const asked = context.apiVersion >= BATCHED_VERSION ? request.groups : [singleGroup(request)]
  const groups = await mapInSlices(asked, context.slices, (group) => fetchGroup(group, request.requireStable, context))
  return context.apiVersion >= BATCHED_VERSION ? { groups } : singleAnswer(groups[0]!, context.apiVersion)
})

function singleGroup({ groupId, topics }: OffsetFetchRequest): OffsetFetchGroup {
  const asked = topics?.map((topic) => ({ ...topic, topicId: ZERO_UUID })) ?? null
  return { groupId, memberId: null, memberEpoch: -1, topics: asked }
}

async function fetchGroup(
  group: OffsetFetchGroup,
  requireStable: boolean,
  context: RequestContext,
): Promise<FetchedGroup> {
  const { groups } = context.services
  const { asked, unknown } = namedTopics(group, context)
  if (context.apiVersion === ZOOKEEPER_VERSION) await groups.coordinatorOf(group.groupId, context.principal)
  const outcome = await groups.fetchOffsets(asked, requireStable)
  if (isRejection(outcome)) return groupFailure(group, outcome.code, context.apiVersion)
  const topics = group.topics === null ? withTopicIds(outcome.topics, context) : outcome.topics
  return { groupId: group.groupId, topics: [...topics, ...unknown], errorCode: 0 }
}

/** Finds names for topic ids, since offsets are stored by name. Separates unknown ids. */
function namedTopics(
  group: OffsetFetchGroup,
  { services, apiVersion }: RequestContext,
): { asked: OffsetFetchGroup; unknown: FetchedGroup['topics'] } {
  if (group.topics === null || apiVersion < TOPIC_ID_VERSION) return { asked: group, unknown: [] }
  const { topicsById } = services.metadata.image
  const named = group.topics.map((topic) => ({ ...topic, name: topicsById.get(topic.topicId)?.name ?? '' }))
  const unknown = named.filter(({ name }) => name === '')
  return {
    asked: { ...group, topics: named.filter(({ name }) => name !== '') },
    unknown: failedTopics(unknown, errorCode('UNKNOWN_TOPIC_ID')),
  }
}

/** Adds topic ids. Leaves out topics that no longer exist, since they have no id. */
function withTopicIds(
  topics: FetchedGroup['topics'],
  { services, apiVersion }: RequestContext,
): FetchedGroup['topics'] {
  if (apiVersion < TOPIC_ID_VERSION) return topics
  const { topicsByName } = services.metadata.image
  return topics.flatMap((topic) => {
    const topicId = topicsByName.get(topic.name ?? '')?.id
    return topicId === undefined ? [] : [{ ...topic, topicId }]
  })
}

/** Source: OffsetFetchResponse.groupError. */
function groupFailure({ groupId, topics }: OffsetFetchGroup, code: number, apiVersion: number): FetchedGroup {
  if (apiVersion >= GROUP_ERROR_VERSION) return { groupId, topics: [], errorCode: code }
  return { groupId, topics: failedTopics(topics ?? [], code), errorCode: code }
}

function failedTopics(topics: NonNullable<OffsetFetchGroup['topics']>, code: number): FetchedGroup['topics'] {
  return topics.map(({ name, topicId, partitionIndexes }) => ({
    name,
    topicId,
    partitions: partitionIndexes.map((partitionIndex) => ({
      partitionIndex,
      committedOffset: -1,
      committedLeaderEpoch: -1,
      metadata: '',
      errorCode: code,
    })),
  }))
}

function singleAnswer({ topics, errorCode: code }: FetchedGroup, apiVersion: number): OffsetFetchResponse {
  const answered = topics.map(({ name, partitions }) => ({
    name: name ?? '',
    partitions: apiVersion === ZOOKEEPER_VERSION ? partitions.map(asInZooKeeper) : partitions,
  }))
  return { topics: answered, errorCode: code, groups: [] }
}

type FetchedPartition = FetchedGroup['topics'][number]['partitions'][number]

function asInZooKeeper(partition: FetchedPartition): FetchedPartition {
  if (partition.committedOffset !== -1 || partition.errorCode !== 0) return partition
  return { ...partition, errorCode: errorCode('UNKNOWN_TOPIC_OR_PARTITION') }
}
