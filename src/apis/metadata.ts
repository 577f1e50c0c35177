import { Metadata, type MetadataRequest } from '../../protocol/apis/metadata.ts'
import { type ErrorName, errorCode, isRejection } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { mapInSlices, type Slices } from '../../storage/host/turn-slices.ts'
import { autoCreatedTopic } from '../metadata/auto-created-topics.ts'
import { controllerIdOf, type MetadataImage, type TopicImage } from '../metadata/metadata-image.ts'
import { invalidTopicName, isInternalTopic } from '../metadata/topic-names.ts'
import { clusterOperations, operationsNotAsked, topicOperations } from './authorized-operations.ts'
import { clientEndpoint } from './client-endpoint.ts'
import { handler, type RequestContext } from './handler.ts'
import { type ClusterView, clusterView, partitionNow, partitionView } from './topic-view.ts'

type Topic = ReturnType<typeof unknownTopic>
type Asked = Exclude<MetadataRequest['topics'], null>

/** First version with lookup by topic id. v10 and v11 have the field, but it must be zero. */
const FIRST_BY_ID = 12
/** First version in which null asks for all topics. In v0 the empty list does. */
const FIRST_WITH_NULL = 1

/**
 * Describes brokers, topics and leaders. A missing topic is created if the client and the settings allow it; the same
 * answer contains its leader (Kafka answers LEADER_NOT_AVAILABLE first). Source: KafkaApis.handleTopicMetadataRequest.
 */
export const metadata = handler(Metadata, async (request, context) => {
  const { apiVersion } = context
  const asked = apiVersion < FIRST_WITH_NULL && request.topics?.length === 0 ? null : request.topics
  const hasIds = asked?.some(({ topicId }) => topicId !== ZERO_UUID) === true
  const fault = firstFault(asked ?? [], apiVersion, hasIds)
  if (fault !== undefined) return refused(asked ?? [], errorCode(fault))
  const topics = await topicsOf(asked, request.allowAutoTopicCreation, context)
  if (request.includeTopicAuthorizedOperations)
    await mapInSlices(topics, context.slices, (topic) => {
      if (topic.name !== null) topic.topicAuthorizedOperations = topicOperations(context, topic.name)
    })
  return {
    ...clusterOf(context),
    errorCode: 0,
    topics,
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? clusterOperations(context)
      : operationsNotAsked,
  }
})

function firstFault(asked: Asked, apiVersion: number, hasIds: boolean): ErrorName | undefined {
  for (const topic of asked) {
    const fault = faultOf(topic, apiVersion, hasIds)
    if (fault !== undefined) return fault
  }
  return undefined
}

function faultOf({ name, topicId }: Asked[number], apiVersion: number, hasIds: boolean): ErrorName | undefined {
  if (apiVersion < FIRST_BY_ID) return name === null || topicId !== ZERO_UUID ? 'INVALID_REQUEST' : undefined
  // Kafka fails on a topic without name and id. If any topic has an id, it looks at ids only and does not fail.
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
  return { brokers, clusterId: image.clusterId, controllerId: controllerIdOf(image) }
}

async function topicsOf(asked: Asked | null, mayCreate: boolean, context: RequestContext): Promise<Topic[]> {
  const { slices, services } = context
  const { image } = services.metadata
  const view = viewOf(image, context)
  if (asked === null) return mapInSlices(image.topicsByName.values(), slices, (topic) => known(topic, view, slices))
  const ids = new Set<string>()
  const names = new Set<string>()
  await mapInSlices(asked, slices, ({ name, topicId }) => {
    if (topicId !== ZERO_UUID) ids.add(topicId)
    if (name !== null) names.add(name)
  })
  if (ids.size > 0) return topicsById(ids, view, slices)
  const [present, absent]: [string[], string[]] = [[], []]
  await mapInSlices(names, slices, (name) => {
    const group = image.topicsByName.has(name) ? present : absent
    group.push(name)
  })
  const errors = absent.length === 0 ? new Map<string, number>() : await createAbsent(absent, mayCreate, context)
  // Use the newest image: creating the missing topics took time.
  const newest = viewOf(services.metadata.image, context)
  return mapInSlices([...present, ...absent], slices, (name) => {
    const error = errors.get(name)
    return error === undefined ? lookUp(name, newest, slices) : { ...unknownTopic(name, ZERO_UUID), errorCode: error }
  })
}

async function topicsById(ids: ReadonlySet<string>, view: View, slices: Slices): Promise<Topic[]> {
  const found = await mapInSlices(ids, slices, (id) => {
    const topic = view.image.topicsById.get(id)
    return topic === undefined
      ? { ...unknownTopic(null, id), errorCode: errorCode('UNKNOWN_TOPIC_ID') }
      : known(topic, view, slices)
  })
  const isKnown = ({ errorCode }: Topic) => errorCode === 0
  return [...found.filter((topic) => !isKnown(topic)), ...found.filter(isKnown)]
}

/** Creates the missing topics that may be created. Returns the error codes of the others. */
async function createAbsent(names: readonly string[], mayCreate: boolean, context: RequestContext) {
  const { configs, metadata } = context.services
  const valid: string[] = []
  const errors = new Map<string, number>()
  await mapInSlices(names, context.slices, (name) => {
    if (invalidTopicName(name) === undefined) valid.push(name)
    else errors.set(name, errorCode('INVALID_TOPIC_EXCEPTION'))
  })
  if (mayCreate && configs.broker.autoCreateTopicsEnable && valid.length > 0) {
    const { nowMs, principal, slices } = context
    const newTopics = valid.map((name) => autoCreatedTopic(name, configs.broker, metadata.image.brokers.size))
    const answers = await metadata.createTopics(newTopics, { nowMs, principal, slices })
    for (const [index, answer] of answers.entries())
      if (isRejection(answer) && answer.error !== 'TOPIC_ALREADY_EXISTS')
        errors.set(valid[index] as string, answer.code)
  }
  return errors
}

/** Cluster state of one answer, all from one image. */
interface View extends ClusterView {
  readonly image: MetadataImage
  /** v0 leaves out replicas that are offline. */
  readonly onlyAlive: boolean
}

function viewOf(image: MetadataImage, { apiVersion, services }: RequestContext): View {
  return { image, ...clusterView(image, services), onlyAlive: apiVersion === 0 }
}

function lookUp(name: string, view: View, slices: Slices): Topic | Promise<Topic> {
  const topic = view.image.topicsByName.get(name)
  return topic === undefined ? unknownTopic(name, ZERO_UUID) : known(topic, view, slices)
}

function unknownTopic(name: string | null, topicId: string) {
  return {
    errorCode: errorCode('UNKNOWN_TOPIC_OR_PARTITION'),
    name,
    topicId,
    isInternal: name !== null && isInternalTopic(name),
    partitions: [] as ReturnType<typeof partitionOf>[],
    topicAuthorizedOperations: operationsNotAsked,
  }
}

/** From this many partitions on, one topic takes several slices. The image of the answer never changes. */
const MANY_PARTITIONS = 256

function known(topic: TopicImage, view: View, slices: Slices): Topic | Promise<Topic> {
  const { partitions } = topic
  if (partitions.length < MANY_PARTITIONS)
    return described(
      topic,
      partitions.map((_, index) => partitionOf(topic, index, view)),
    )
  return mapInSlices(partitions, slices, (_, index) => partitionOf(topic, index, view)).then((all) =>
    described(topic, all),
  )
}

function described({ name, id, internal }: TopicImage, partitions: Topic['partitions']): Topic {
  return {
    errorCode: 0,
    name,
    topicId: id,
    isInternal: internal,
    partitions,
    topicAuthorizedOperations: operationsNotAsked,
  }
}

function partitionOf(topic: TopicImage, partitionIndex: number, view: View) {
  const { alive, onlyAlive } = view
  const partition = partitionNow(topic, partitionIndex, view)
  return { partitionIndex, ...partitionView(partition, alive, { onlyAlive }) }
}
