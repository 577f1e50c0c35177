import { CreateTopics, type CreateTopicsRequest } from '../../protocol/apis/create-topics.ts'
import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import { effectiveTopicConfigs } from '../config/config-description.ts'
import type { CreatedTopic, NewTopic } from '../metadata/metadata-store.ts'
import { timeoutRefusal } from './deadline.ts'
import { duplicatesOf } from './duplicates.ts'
import { handler, type RequestContext } from './handler.ts'

type Asked = CreateTopicsRequest['topics'][number]

const METADATA_TOPIC = '__cluster_metadata'

/**
 * Creates topics independently of each other. Source: ControllerApis.createTopics,
 * ReplicationControlManager.createTopics.
 */
export const createTopics = handler(CreateTopics, async (request, context) => {
  const names = request.topics.map(({ name }) => name)
  const timedOut = timeoutRefusal(request.timeoutMs)
  if (timedOut !== undefined) return { topics: names.map((name) => failure(name, timedOut)) }
  const duplicates = duplicatesOf(names)
  const refusals = await mapInSlices(request.topics, context.slices, (topic) => refusal(topic, duplicates))
  const accepted = request.topics.filter((_, index) => refusals[index] === undefined)
  const { nowMs, principal, slices } = context
  const answers = await context.services.metadata.createTopics(
    accepted.map((topic) => newTopic(topic, request.validateOnly)),
    { nowMs, principal, slices },
  )
  const configsOf = topicConfigsOf(context)
  const created = await mapInSlices(accepted, slices, (topic, index) =>
    result(topic, answers[index] as CreatedTopic | Rejection, configsOf),
  )
  return { topics: [...created, ...refusedOnce(names, refusals)] }
})

// Kafka refuses duplicate names and the metadata topic before the controller's checks.
function refusal(topic: Asked, duplicates: ReadonlySet<string>): Rejection | undefined {
  if (duplicates.has(topic.name)) return reject('INVALID_REQUEST', 'Duplicate topic name.')
  if (topic.name === METADATA_TOPIC)
    return reject('INVALID_REQUEST', `Creation of internal topic ${METADATA_TOPIC} is prohibited.`)
  const [repeated] = duplicatesOf(topic.assignments.map(({ partitionIndex }) => partitionIndex))
  if (repeated === undefined) return undefined
  return reject('INVALID_REPLICA_ASSIGNMENT', `Found multiple manual partition assignments for partition ${repeated}`)
}

function refusedOnce(names: readonly string[], refusals: readonly (Rejection | undefined)[]) {
  const refusalOf = new Map<string, Rejection>()
  for (const [index, refused] of refusals.entries()) {
    const name = names[index] as string
    if (refused !== undefined && !refusalOf.has(name)) refusalOf.set(name, refused)
  }
  return Array.from(refusalOf, ([name, refused]) => failure(name, refused))
}

function newTopic(topic: Asked, validateOnly: boolean): NewTopic {
  return {
    name: topic.name,
    partitionCount: topic.numPartitions,
    replicationFactor: topic.replicationFactor,
    assignments: new Map(topic.assignments.map(({ partitionIndex, brokerIds }) => [partitionIndex, brokerIds])),
    configs: new Map(topic.configs.map(({ name, value }) => [name, value])),
    validateOnly,
  }
}

function failure(name: string, { code, message }: Rejection) {
  return {
    name,
    topicId: ZERO_UUID,
    errorCode: code,
    errorMessage: message,
    numPartitions: -1,
    replicationFactor: -1,
    configs: [] as ReturnType<typeof effectiveTopicConfigs>,
  }
}

/** Configs of new topics. Topics without their own settings, which most are, share one list. */
function topicConfigsOf({ services }: RequestContext) {
  let defaults: ReturnType<typeof effectiveTopicConfigs> | undefined
  return ({ configs }: Asked) => {
    const own = new Map(configs.flatMap(({ name, value }) => (value === null ? [] : [[name, value] as const])))
    if (own.size > 0) return effectiveTopicConfigs(services.configs, own)
    defaults ??= effectiveTopicConfigs(services.configs, own)
    return defaults
  }
}

function result(asked: Asked, answer: CreatedTopic | Rejection, configsOf: ReturnType<typeof topicConfigsOf>) {
  if (isRejection(answer)) return failure(asked.name, answer)
  return {
    name: asked.name,
    topicId: answer.topic.id,
    errorCode: 0,
    errorMessage: null,
    numPartitions: answer.topic.partitions.length,
    replicationFactor: answer.replicationFactor,
    configs: configsOf(asked),
  }
}
