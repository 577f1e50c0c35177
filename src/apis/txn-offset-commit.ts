import { TxnOffsetCommit, type TxnOffsetCommitRequest } from '../../protocol/apis/txn-offset-commit.ts'
import { type ErrorName, errorCode, isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import type { VerificationGuard } from '../../storage/partition-log.ts'
import type { CommitAnswer } from '../coordinator/group/offsets/offset-commits.ts'
import { GROUP_TOPIC } from '../coordinator/group/open-group-coordinator.ts'
import type { TransactionSupport } from '../coordinator/transaction/partition-verification.ts'
import { authorizedAmong, isAuthorized } from './authorization.ts'
import { type AnsweredTopic, answerAll, mergeAnswers, sortCommit } from './commit-topics.ts'
import { handler, type RequestContext } from './handler.ts'

/** First version with TRANSACTION_ABORTABLE, and first whose clients do not add the group to the transaction. */
const [ABORTABLE_VERSION, ADDING_VERSION] = [4, 5]
const TOPIC_ID_VERSION = 6
/** Older clients do not know COORDINATOR_LOAD_IN_PROGRESS here. */
const LOADING_VERSION = 2

type Topics = TxnOffsetCommitRequest['topics']

/**
 * Commits a group's offsets as part of a transaction: they count once it is committed. Source:
 * KafkaApis.handleTxnOffsetCommitRequest.
 */
export const txnOffsetCommit = handler(TxnOffsetCommit, async (request, context) => {
  const { services, apiVersion } = context
  const forbidden = refusalOf(request, context)
  if (forbidden !== undefined) return { topics: answerAll(request.topics, errorCode(forbidden)) }
  const byTopicId = apiVersion >= TOPIC_ID_VERSION
  const { known, refused } = sortCommit(request.topics, services.metadata.image, byTopicId)
  const { allowed, denied } = sortAllowed(known, context)
  const answered = allowed.length === 0 ? [] : await commit(request, allowed, context)
  return { topics: mergeAnswers([...refused, ...denied], answered, byTopicId) }
})

function refusalOf(
  { transactionalId, groupId }: TxnOffsetCommitRequest,
  context: RequestContext,
): ErrorName | undefined {
  if (!isAuthorized(context, 'WRITE', 'TRANSACTIONAL_ID', transactionalId))
    return 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'
  return isAuthorized(context, 'READ', 'GROUP', groupId) ? undefined : 'GROUP_AUTHORIZATION_FAILED'
}

function sortAllowed(topics: Topics, context: RequestContext): { allowed: Topics; denied: AnsweredTopic[] } {
  const names = authorizedAmong(
    context,
    'READ',
    'TOPIC',
    topics.map(({ name }) => name),
  )
  const isAllowed = ({ name }: Topics[number]) => names.has(name)
  const denied = topics.filter((topic) => !isAllowed(topic))
  return { allowed: topics.filter(isAllowed), denied: answerAll(denied, errorCode('TOPIC_AUTHORIZATION_FAILED')) }
}

async function commit(
  request: TxnOffsetCommitRequest,
  topics: Topics,
  context: RequestContext,
): Promise<readonly AnsweredTopic[]> {
  const outcome = await commitVerified({ ...request, topics }, context)
  if (!isRejection(outcome)) return outcome
  const isTooOld = outcome.error === 'COORDINATOR_LOAD_IN_PROGRESS' && context.apiVersion < LOADING_VERSION
  return answerAll(topics, isTooOld ? errorCode('COORDINATOR_NOT_AVAILABLE') : outcome.code)
}

async function commitVerified(
  request: TxnOffsetCommitRequest,
  context: RequestContext,
): Promise<CommitAnswer[] | Rejection> {
  const { groups } = context.services
  if (request.groupId === '') return reject('INVALID_GROUP_ID')
  const verified = await verify(request, context)
  return isRejection(verified)
    ? verified
    : groups.commitOffsetsInTransaction(request, context.apiVersion, verified.guard)
}

/** The partition with the group's offsets must be part of the transaction. Undefined guard: it need not be checked. */
async function verify(
  request: TxnOffsetCommitRequest,
  { services, apiVersion }: RequestContext,
): Promise<{ readonly guard: VerificationGuard | null | undefined } | Rejection> {
  const support = supportOf(apiVersion)
  const { partitionVerification, groups } = services
  if (!partitionVerification.isNeeded(support)) return { guard: undefined }
  const { groupId, producerId, producerEpoch, transactionalId } = request
  const partition = groups.partitionOf(groupId)
  if (!services.partitions.isKnown(GROUP_TOPIC, partition)) return reject('COORDINATOR_NOT_AVAILABLE')
  const bumpsEpoch = support === 'adds partitions'
  const guard = await groups.beginVerification(groupId, { producerId, producerEpoch, bumpsEpoch })
  if (guard === undefined) return { guard: null }
  if (isRejection(guard)) return guard
  const partitions = new Map([[GROUP_TOPIC, new Set([partition])]])
  const errors = await partitionVerification.ask({ transactionalId, producerId, producerEpoch, partitions }, support)
  const error = errors(GROUP_TOPIC, partition)
  return error === undefined ? { guard } : reject(error)
}

function supportOf(apiVersion: number): TransactionSupport {
  if (apiVersion >= ADDING_VERSION) return 'adds partitions'
  return apiVersion >= ABORTABLE_VERSION ? 'knows TRANSACTION_ABORTABLE' : 'basic'
}
