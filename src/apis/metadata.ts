import { Metadata, type MetadataRequest } from '../../protocol/apis/metadata.ts'
import { type ErrorName, errorCode, isRejection } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { autoCreatedTopic } from '../metadata/auto-created-topics.ts'
import type { TopicImage } from '../metadata/metadata-image.ts'
import { invalidTopicName, isInternalTopic } from '../metadata/topic-names.ts'
import { allClusterOperations, allTopicOperations, operationsNotAsked } from './authorized-operations.ts'
import { clientEndpoint } from './client-endpoint.ts'
import { handler, type RequestContext } from './handler.ts'
import { liveBrokers, partitionView } from './topic-view.ts'

type Topic = ReturnType<typeof unknownTopic>
type Asked = Exclude<MetadataRequest['topics'], null>

/** v12 is the first that may ask by id; v10 and v11 carry the field and must leave it empty. */
const FIRST_BY_ID = 12
/** From v1 on null asks for all topics; in v0 the empty list does. */
const FIRST_WITH_NULL = 1

/**
 * Tells brokers, topics and leaders. A topic that is not there is created where client and settings allow it, and comes
 * back with its leader in the same answer (Kafka says LEADER_NOT_AVAILABLE first). Source:
 * KafkaApis.handleTopicMetadataRequest.
 */
export const metadata = handler(Metadata, async (request, context) => {
  const { apiVersion } = context
  const asked = apiVersion < FIRST_WITH_NULL && request.topics?.length === 0 ? null : request.topics
  const hasIds = asked?.some(({ topicId }) => topicId !== ZERO_UUID) === true
  const fault = asked?.map((topic) => faultOf(topic, apiVersion, hasIds)).find((each) => each !== undefined)
  if (fault !== undefined) return refused(asked ?? [], errorCode(fault))
  const topics = await topicsOf(asked, request.allowAutoTopicCreation, context)
  if (request.includeTopicAuthorizedOperations)
    for (const topic of topics) if (topic.name !== null) topic.topicAuthorizedOperations = allTopicOperations
  return {
    ...clusterOf(context),
    errorCode: 0,
    topics,
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? allClusterOperations : operationsNotAsked,
  }
})

function faultOf({ name, topicId }: Asked[number], apiVersion: number, hasIds: boolean): ErrorName | undefined {
  if (apiVersion < FIRST_BY_ID) return name === null || topicId !== ZERO_UUID ? 'INVALID_REQUEST' : undefined
  // Kafka stumbles over a topic without name and id, and says so, unless there is any id: then it looks at ids alone.
  return name === null && !hasIds ? 'UNKNOWN_SERVER_ERROR' : undefined
}

// Source: MetadataRequest.getErrorResponse.
function refused(asked: Asked, code: number) {
  const topics = asked.map(({ name, topicId }) => ({
    ...unknownTopic(name ?? '', topicId),
    errorCode: code,
    isInternal: false,
  }))
  return { brokers: [], clusterId: null, controllerId: -1, topics, errorCode: code }
}

function clusterOf(context: RequestContext) {
  const { image } = context.services.metadata
  const brokers = [...image.brokers.values()].flatMap(({ nodeId, rack }) => {
    const endpoint = clientEndpoint(nodeId, context)
    return endpoint === undefined ? [] : [{ ...endpoint, rack }]
  })
  // Clients send what is for the controller to the broker named here; any broker will do (KIP-590).
  return { brokers, clusterId: image.clusterId, controllerId: context.services.nodeId }
}

async function topicsOf(asked: Asked | null, mayCreate: boolean, context: RequestContext): Promise<Topic[]> {
  const { image } = context.services.metadata
  if (asked === null) return [...image.topicsByName.values()].map((topic) => known(topic, context))
  const ids = new Set(asked.map(({ topicId }) => topicId).filter((id) => id !== ZERO_UUID))
  if (ids.size > 0) return topicsById(ids, context)
  const names = new Set(asked.flatMap(({ name }) => name ?? []))
  const present = [...names].filter((name) => image.topicsByName.has(name))
  const absent = [...names].filter((name) => !image.topicsByName.has(name))
  const created = await absentTopics(absent, mayCreate, context)
  // Looked up anew: creating others took its time.
  return [...present.map((name) => lookUp(name, context)), ...created]
}

function topicsById(ids: ReadonlySet<string>, context: RequestContext): Topic[] {
  const { topicsById } = context.services.metadata.image
  const unknown = [...ids].filter((id) => !topicsById.has(id))
  return [
    ...unknown.map((id) => ({ ...unknownTopic(null, id), errorCode: errorCode('UNKNOWN_TOPIC_ID') })),
    ...[...ids].flatMap((id) => topicsById.get(id) ?? []).map((topic) => known(topic, context)),
  ]
}

async function absentTopics(names: readonly string[], mayCreate: boolean, context: RequestContext): Promise<Topic[]> {
  const { configs, metadata } = context.services
  const valid: string[] = []
  const errors = new Map<string, number>()
  for (const name of names) {
    if (invalidTopicName(name) === undefined) valid.push(name)
    else errors.set(name, errorCode('INVALID_TOPIC_EXCEPTION'))
  }
  if (mayCreate && configs.broker.autoCreateTopicsEnable && valid.length > 0) {
    const { nowMs, principal } = context
    const wishes = valid.map((name) => autoCreatedTopic(name, configs.broker))
    const answers = await metadata.createTopics(wishes, { nowMs, principal })
    for (const [index, answer] of answers.entries())
      if (isRejection(answer) && answer.error !== 'TOPIC_ALREADY_EXISTS')
        errors.set(valid[index] as string, answer.code)
  }
  return names.map((name) => {
    const error = errors.get(name)
    return error === undefined ? lookUp(name, context) : { ...unknownTopic(name, ZERO_UUID), errorCode: error }
  })
}

function lookUp(name: string, context: RequestContext): Topic {
  const topic = context.services.metadata.image.topicsByName.get(name)
  return topic === undefined ? unknownTopic(name, ZERO_UUID) : known(topic, context)
}

function unknownTopic(name: string | null, topicId: string) {
  return {
    errorCode: errorCode('UNKNOWN_TOPIC_OR_PARTITION'),
    name,
    topicId,
    isInternal: name !== null && isInternalTopic(name),
    partitions: [] as ReturnType<typeof partitionsOf>,
    topicAuthorizedOperations: operationsNotAsked,
  }
}

function known(topic: TopicImage, context: RequestContext): Topic {
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.internal,
    partitions: partitionsOf(topic, context),
    topicAuthorizedOperations: operationsNotAsked,
  }
}

function partitionsOf(topic: TopicImage, context: RequestContext) {
  const alive = liveBrokers(context.services.metadata.image)
  const onlyAlive = context.apiVersion === 0
  return topic.partitions.map((partition, partitionIndex) => ({
    partitionIndex,
    ...partitionView(partition, alive, { onlyAlive }),
  }))
}
