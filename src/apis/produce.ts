import { Produce, type ProduceRequest, type ProduceResponse } from '../../protocol/apis/produce.ts'
import { type ErrorName, errorCode, isRejection } from '../../protocol/error-codes.ts'
import { batchesOf } from '../../protocol/records/record-batch.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { runInSlices } from '../../storage/host/turn-slices.ts'
import type { AppendRejection, AppendResult, VerificationGuard } from '../../storage/partition-log.ts'
import type { Producer } from '../coordinator/transaction/transitions.ts'
import { Partition } from '../partition/partition.ts'
import { partitionFailure } from '../partition/partition-failure.ts'
import type { FoundPartition } from '../partition/partition-registry.ts'
import { type HandlerAnswer, handler, type RequestContext } from './handler.ts'
import { LeaderHints } from './leader-hints.ts'
import {
  hasTransactionalRecords,
  notVerified,
  type PartitionRefusal,
  transactionalProducers,
  verifyProduce,
} from './produce-verification.ts'

type TopicData = ProduceRequest['topicData'][number]
type TopicResponse = ProduceResponse['responses'][number]
type PartitionResponse = TopicResponse['partitionResponses'][number]

/**
 * Client id of Kafka's admin tools, the only clients that may produce to internal topics. Source:
 * AdminUtils.ADMIN_CLIENT_ID.
 */
const ADMIN_CLIENT_ID = '__admin_client'

/** Errors that Kafka answers without the log start offset. Source: ReplicaManager.appendToLocalLog. */
const withoutLogStart: ReadonlySet<ErrorName> = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'NOT_LEADER_OR_FOLLOWER',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'CORRUPT_MESSAGE',
  'KAFKA_STORAGE_ERROR',
])

/**
 * Appends batches to partitions; a refused partition does not affect the others. All appends are ordered before this
 * returns, so the connection's next request starts while they are written. Source: KafkaApis.handleProduceRequest,
 * ReplicaManager.appendRecords.
 */
export const produce = handler(Produce, (request, context) => {
  const corruption = corruptionIn(request)
  if (corruption !== undefined) return answerCorrupt(request, corruption, context)
  const ordered = (appends: readonly TopicAppends[]) => {
    context.orderFixed()
    return answer(request, context, appends)
  }
  // Not context.slices: those end when the client disconnects, but its records must still be appended.
  const appends = runInSlices(orderAppends(request, context), context.services.slices)
  return appends instanceof Promise ? appends.then(ordered) : ordered(appends)
})

interface TopicAppends {
  readonly topic: TopicData
  readonly parts: (PartitionResponse | Promise<PartitionResponse>)[]
}

/** Partitions appended to between two slices. Most requests have fewer. */
const PARTITIONS_PER_STEP = 16

function* orderAppends(request: ProduceRequest, context: RequestContext): Generator<unknown, TopicAppends[]> {
  const appends: TopicAppends[] = []
  /** Appends to logs that are being opened. */
  const opening: Promise<void>[] = []
  const producers = request.transactionalId === null ? [] : transactionalProducers(request)
  const forbidden = transactionRefusal(request, producers)
  const [producer] = producers
  const verified =
    producer === undefined || forbidden !== undefined ? notVerified : yield* verify(request, producer, context)
  let count = 0
  for (const topic of request.topicData) {
    const name = topicName(topic, context)
    const parts: TopicAppends['parts'] = []
    for (const { index, records } of topic.partitionData) {
      const found = forbidden ?? verified.refusalOf(name ?? '', index) ?? target(name, index, records, request, context)
      const verification = verified.verificationOf(name ?? '', index)
      const data: AppendedData = { request, context, index, records: records!, verification }
      if (found instanceof Promise) opening.push(appendOnceOpen(found, parts, data))
      else parts.push(found instanceof Partition ? append(found, data) : refuse(index, found))
      if (++count % PARTITIONS_PER_STEP === 0) yield
    }
    if (parts.length > 0) appends.push({ topic, parts })
  }
  if (opening.length > 0) yield Promise.all(opening)
  return appends
}

/** Appends in the turn in which the log is open. The response keeps its place. */
async function appendOnceOpen(
  opening: Promise<FoundPartition>,
  parts: TopicAppends['parts'],
  data: AppendedData,
): Promise<void> {
  const { index } = data
  const place = parts.push(failure(index, 'UNKNOWN_SERVER_ERROR')) - 1
  const partition = await opening
  parts[place] = isRejection(partition) ? failure(index, partition.error) : append(partition, data)
}

function verify(request: ProduceRequest, producer: Producer, context: RequestContext) {
  return verifyProduce(
    request,
    producer,
    (topic, index, records) => {
      const name = topicName(topic, context)
      return name === undefined ? undefined : { name, find: () => target(name, index, records, request, context) }
    },
    context,
  )
}

async function answer(
  request: ProduceRequest,
  context: RequestContext,
  appends: readonly TopicAppends[],
): Promise<HandlerAnswer<typeof Produce>> {
  const responses: TopicResponse[] = await Promise.all(
    appends.map(async ({ topic, parts }) => ({
      name: topic.name,
      topicId: topic.topicId,
      partitionResponses: await Promise.all(parts),
    })),
  )
  if (request.acks !== 0) return { responses, ...leaderHints(responses, context) }
  // acks=0 has no answer for the error. Close the connection, so that the client notices and refreshes its metadata.
  const failed = responses.flatMap(({ partitionResponses }) => partitionResponses).find((each) => each.errorCode !== 0)
  if (failed !== undefined) context.closeConnection(`produce without acknowledgement failed with ${failed.errorCode}`)
  return undefined
}

/** First version with the current leader in the response. */
const WITH_LEADER_HINTS = 10
/** First version that names topics by id alone. */
const WITH_TOPIC_IDS = 13

/** Adds the leader to every NOT_LEADER_OR_FOLLOWER error. */
function leaderHints(
  responses: readonly TopicResponse[],
  context: RequestContext,
): Pick<ProduceResponse, 'nodeEndpoints'> {
  if (context.apiVersion < WITH_LEADER_HINTS) return {}
  const hints = new LeaderHints(context)
  for (const { name, topicId, partitionResponses } of responses) {
    for (const response of partitionResponses) {
      if (response.errorCode !== errorCode('NOT_LEADER_OR_FOLLOWER')) continue
      const topic = name === '' ? context.services.partitions.nameOf(topicId ?? ZERO_UUID) : name
      response.currentLeader = hints.leaderOf(topic ?? '', response.index)
    }
  }
  return { nodeEndpoints: hints.endpoints }
}

/** Undefined if the topic id (v13) is unknown. */
function topicName(topic: TopicData, context: RequestContext): string | undefined {
  return context.apiVersion < WITH_TOPIC_IDS ? topic.name : context.services.partitions.nameOf(topic.topicId)
}

/**
 * Positions of magic and size in a batch, least valid size, and newest magic. The least size is that of the smallest
 * record in any format.
 */
const [MAGIC_POSITION, SIZE_POSITION, SHORTEST_BYTES, NEWEST_MAGIC] = [16, 8, 14, 2] as const

/**
 * Describes a first batch with an invalid magic or size. Kafka checks the first batch of every partition before
 * anything else, so the whole request fails. Source: RequestUtils.hasTransactionalRecords.
 */
function corruptionIn({ topicData }: ProduceRequest): string | undefined {
  for (const { partitionData } of topicData) {
    for (const { records } of partitionData) {
      if (records === null || records.length <= MAGIC_POSITION) continue
      const isSound = records[MAGIC_POSITION]! <= NEWEST_MAGIC && records.readInt32BE(SIZE_POSITION) >= SHORTEST_BYTES
      if (!isSound) return batchesOf(records).corruption
    }
  }
  return undefined
}

function answerCorrupt(request: ProduceRequest, errorMessage: string, context: RequestContext) {
  const responses = request.topicData.map(({ name, topicId, partitionData }) => ({
    name,
    topicId,
    partitionResponses: partitionData.map(({ index }) => ({ ...failure(index, 'CORRUPT_MESSAGE'), errorMessage })),
  }))
  if (request.acks !== 0) return { responses }
  context.closeConnection(`produce without acknowledgement failed: ${errorMessage}`)
  return undefined
}

const SEVERAL_PRODUCERS: PartitionRefusal = {
  error: 'INVALID_PRODUCER_ID_MAPPING',
  message: 'Transactional records contained more than one producer ID',
}

/** Refuses transactional records without a transactional id, and those of several producers. */
function transactionRefusal(
  request: ProduceRequest,
  producers: readonly Producer[],
): PartitionRefusal | ErrorName | undefined {
  if (request.transactionalId !== null) return producers.length > 1 ? SEVERAL_PRODUCERS : undefined
  const isTransactional = request.topicData.some(({ partitionData }) =>
    partitionData.some(({ records }) => hasTransactionalRecords(records)),
  )
  return isTransactional ? 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED' : undefined
}

/** The partition to append to, or why not. A promise while its log is being opened. */
function target(
  topic: string | undefined,
  index: number,
  records: Buffer | null,
  request: ProduceRequest,
  context: RequestContext,
): Partition | ErrorName | Promise<FoundPartition> {
  const { services } = context
  if (topic === undefined) return 'UNKNOWN_TOPIC_ID'
  const known = services.metadata.image.topicsByName.get(topic)
  if (known?.partitions[index] === undefined) return 'UNKNOWN_TOPIC_OR_PARTITION'
  if (records === null) {
    // Kafka fails on null records, and fails again when it builds the error response.
    context.closeConnection('produce without records')
    return 'INVALID_RECORD'
  }
  if (request.acks < -1 || request.acks > 1) return 'INVALID_REQUIRED_ACKS'
  if (known.internal && context.clientId !== ADMIN_CLIENT_ID) return 'INVALID_TOPIC_EXCEPTION'
  const partition = services.partitions.leaderFor(topic, index)
  return isRejection(partition) ? partition.error : partition
}

/** Data of a request for one partition. */
interface AppendedData {
  readonly request: ProduceRequest
  readonly context: RequestContext
  readonly index: number
  readonly records: Buffer
  readonly verification: VerificationGuard | null | undefined
}

function append(
  partition: Partition,
  { request, context, records, verification }: AppendedData,
): Promise<PartitionResponse> {
  const { services, nowMs } = context
  const appended = partition.append(records, {
    origin: 'client',
    acks: request.acks,
    leaderEpoch: partition.leaderEpoch,
    produceVersion: context.apiVersion,
    nowMs,
    lease: context.lease,
    verification,
  })
  return appended.then(
    (result) => outcome(partition, result),
    (error) =>
      failure(partition.partition, partitionFailure(services, `${partition.topic}-${partition.partition}`, error)),
  )
}

function outcome(partition: Partition, result: AppendResult | AppendRejection): PartitionResponse {
  const index = partition.partition
  if (!('baseOffset' in result)) return rejected(partition, result)
  const { baseOffset, logAppendTimeMs, logStartOffset } = result
  return { index, errorCode: 0, baseOffset, logAppendTimeMs, logStartOffset }
}

function rejected(partition: Partition, rejection: AppendRejection): PartitionResponse {
  const { error, code, message, recordErrors, ofRequest } = rejection
  return {
    index: partition.partition,
    errorCode: code,
    baseOffset: -1,
    logStartOffset: ofRequest === true || withoutLogStart.has(error) ? -1 : partition.logStartOffset,
    recordErrors: (recordErrors ?? []).map((each) => ({
      batchIndex: each.batchIndex,
      batchIndexErrorMessage: each.message,
    })),
    // Kafka sends a message only together with record errors.
    errorMessage: recordErrors === undefined ? null : message,
  }
}

function refuse(index: number, refusal: PartitionRefusal | ErrorName): PartitionResponse {
  if (typeof refusal === 'string') return failure(index, refusal)
  return { ...failure(index, refusal.error), errorMessage: refusal.message }
}

function failure(index: number, error: ErrorName): PartitionResponse {
  return { index, errorCode: errorCode(error), baseOffset: -1 }
}
