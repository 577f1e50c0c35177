import { OffsetCommit, type OffsetCommitRequest } from '../../protocol/apis/offset-commit.ts'
import { isRejection } from '../../protocol/error-codes.ts'
import { answerAll, mergeAnswers, sortCommit } from './commit-topics.ts'
import { handler, type RequestContext } from './handler.ts'

/** v0 stored offsets in ZooKeeper: its clients ask for no coordinator. */
const ZOOKEEPER_VERSION = 0
const TOPIC_ID_VERSION = 10

/**
 * Commits a group's offsets. Unknown partitions are refused here; the rest goes to the group's coordinator at once.
 * Source: KafkaApis.handleOffsetCommitRequest.
 */
export const offsetCommit = handler(OffsetCommit, (request, context) => {
  if (context.apiVersion !== ZOOKEEPER_VERSION) return commit(request, context)
  return context.services.groups.coordinatorOf(request.groupId, context.principal).then(() => commit(request, context))
})

function commit(request: OffsetCommitRequest, { services, apiVersion }: RequestContext) {
  const byTopicId = apiVersion >= TOPIC_ID_VERSION
  const { known, refused } = sortCommit(request.topics, services.metadata.image, byTopicId)
  if (known.length === 0) return { topics: mergeAnswers(refused, [], byTopicId) }
  const outcome = services.groups.commitOffsets(withTopics(request, known), apiVersion)
  const answer = (settled: Awaited<typeof outcome>) => {
    const answered = isRejection(settled) ? answerAll(known, settled.code) : settled
    return { topics: mergeAnswers(refused, answered, byTopicId) }
  }
  return outcome instanceof Promise ? outcome.then(answer) : answer(outcome)
}

function withTopics(request: OffsetCommitRequest, topics: OffsetCommitRequest['topics']): OffsetCommitRequest {
  return { ...request, topics }
}
