import { AddPartitionsToTxn, type AddPartitionsToTxnResponse } from '../../protocol/apis/add-partitions-to-txn.ts'
import { type ErrorName, errorCode, isRejection } from '../../protocol/error-codes.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import { EPOCH_BUMP_VERSION, type TopicPartitions } from '../coordinator/transaction/transaction.ts'
import { isInternalTopic } from '../metadata/topic-names.ts'
import { CLUSTER_NAME } from '../security/authorizer.ts'
import { authorizedAmong, isAuthorized } from './authorization.ts'
import { fencingError } from './fencing-error.ts'
import { handler, type RequestContext } from './handler.ts'

type TopicResults = NonNullable<AddPartitionsToTxnResponse['resultsByTopicV3AndBelow']>

/** First version of brokers, which may name several transactions. */
const BATCHED_VERSION = 4
/** First version whose clients know PRODUCER_FENCED. */
const FENCED_VERSION = 2
/** Version of the transaction protocol of a client that adds partitions itself. */
const CLASSIC = 0

/** One transaction of a request, in whatever version it came. */
interface AskedTransaction {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
  readonly verifyOnly: boolean
  readonly topics: readonly { readonly name: string; readonly partitions: readonly number[] }[]
}

/** Adds partitions to transactions, or verifies that they are part of them. Source: handleAddPartitionsToTxnRequest. */
export const addPartitionsToTxn = handler(AddPartitionsToTxn, async (request, context) => {
  if (context.apiVersion < BATCHED_VERSION) {
    const { v3AndBelowTransactionalId: transactionalId, v3AndBelowTopics: topics } = request
    const producer = { producerId: request.v3AndBelowProducerId, producerEpoch: request.v3AndBelowProducerEpoch }
    const added = await add({ transactionalId, ...producer, verifyOnly: false, topics }, context)
    return { errorCode: 0, resultsByTransaction: [], resultsByTopicV3AndBelow: added }
  }
  if (!isAuthorized(context, 'CLUSTER_ACTION', 'CLUSTER', CLUSTER_NAME))
    return { errorCode: errorCode('CLUSTER_AUTHORIZATION_FAILED'), resultsByTransaction: [] }
  const resultsByTransaction = await mapInSlices(request.transactions, context.slices, async (transaction) => ({
    transactionalId: transaction.transactionalId,
    topicResults: await add(transaction, context),
  }))
  // Kafka fails on the whole request.
  const unsupported = errorCode('UNSUPPORTED_VERSION')
  const isUnsupported = resultsByTransaction.some(({ topicResults }) => hasError(topicResults, unsupported))
  return isUnsupported ? { errorCode: unsupported, resultsByTransaction: [] } : { errorCode: 0, resultsByTransaction }
})

function hasError(results: TopicResults, code: number): boolean {
  return results.some(({ resultsByPartition }) => resultsByPartition.some((each) => each.partitionErrorCode === code))
}

async function add(asked: AskedTransaction, context: RequestContext): Promise<TopicResults> {
  const { transactionalId, topics } = asked
  const isClient = context.apiVersion < BATCHED_VERSION
  if (isClient && !isAuthorized(context, 'WRITE', 'TRANSACTIONAL_ID', transactionalId))
    return answerAll(topics, errorCode('TRANSACTIONAL_ID_AUTHORIZATION_FAILED'))
  const refused = refusals(asked, isClient, context)
  if (refused !== undefined) return refused
  return asked.verifyOnly ? verify(asked, context) : addAll(asked, isClient, context)
}

/** If one partition is refused, nothing is added. Undefined if none is. */
function refusals({ topics }: AskedTransaction, isClient: boolean, context: RequestContext): TopicResults | undefined {
  const { services } = context
  const names = topics.map(({ name }) => name)
  // Clients never write to internal topics.
  const outer = () => names.filter((name) => !isInternalTopic(name))
  const allowed = isClient ? authorizedAmong(context, 'WRITE', 'TOPIC', outer()) : new Set(names)
  const refusalOf = (topic: string, partition: number): ErrorName | undefined => {
    if (!allowed.has(topic)) return 'TOPIC_AUTHORIZATION_FAILED'
    return services.partitions.isKnown(topic, partition) ? undefined : 'UNKNOWN_TOPIC_OR_PARTITION'
  }
  const isRefused = topics.some(({ name, partitions }) =>
    partitions.some((partition) => refusalOf(name, partition) !== undefined),
  )
  if (!isRefused) return undefined
  return answerEach(once(topics), (topic, partition) =>
    errorCode(refusalOf(topic, partition) ?? 'OPERATION_NOT_ATTEMPTED'),
  )
}

async function verify(asked: AskedTransaction, { services, apiVersion }: RequestContext): Promise<TopicResults> {
  const { transactionalId, topics } = asked
  const missing = await services.transactions.missingPartitions(transactionalId, asked, partitionsOf(topics))
  if (isRejection(missing)) return answerAll(once(topics), fencingError(missing, apiVersion, FENCED_VERSION))
  return answerEach(once(topics), (topic, partition) =>
    errorCode(missing.get(topic)?.includes(partition) ? 'TRANSACTION_ABORTABLE' : 'NONE'),
  )
}

async function addAll(asked: AskedTransaction, isClient: boolean, context: RequestContext): Promise<TopicResults> {
  const { transactionalId, topics } = asked
  const version = isClient ? CLASSIC : EPOCH_BUMP_VERSION
  const { transactions } = context.services
  const outcome = await transactions.addPartitions(transactionalId, asked, partitionsOf(topics), version)
  return answerAll(topics, isRejection(outcome) ? fencingError(outcome, context.apiVersion, FENCED_VERSION) : 0)
}

function partitionsOf(topics: AskedTransaction['topics']): TopicPartitions {
  const named = topics.filter(({ partitions }) => partitions.length > 0)
  return new Map(named.map(({ name, partitions }) => [name, new Set(partitions)]))
}

/** Kafka answers a partition that is named twice twice only if it is added. */
function once(topics: AskedTransaction['topics']): AskedTransaction['topics'] {
  return topics.map(({ name, partitions }) => ({ name, partitions: [...new Set(partitions)] }))
}

function answerAll(topics: AskedTransaction['topics'], code: number): TopicResults {
  return answerEach(topics, () => code)
}

function answerEach(
  topics: AskedTransaction['topics'],
  codeFor: (topic: string, partition: number) => number,
): TopicResults {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: codeFor(name, partitionIndex),
    })),
  }))
}
