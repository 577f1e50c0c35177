import { OffsetDelete, type OffsetDeleteResponse } from '../../protocol/apis/offset-delete.ts'
import { isRejection } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { mergeAnswers, sortCommit } from './commit-topics.ts'
import { handler } from './handler.ts'

type Topics = OffsetDeleteResponse['topics']

/** Deletes committed offsets. A group error is the whole answer. Source: KafkaApis.handleOffsetDeleteRequest. */
export const offsetDelete = handler(OffsetDelete, async (request, { services }) => {
  const asked = request.topics.map((topic) => ({ ...topic, topicId: ZERO_UUID }))
  const { known, refused } = sortCommit(asked, services.metadata.image, false)
  const outcome = await services.groups.deleteOffsets({ ...request, topics: known })
  if (isRejection(outcome)) return { errorCode: outcome.code, topics: [] }
  const answered = outcome.topics.map((topic) => ({ ...topic, topicId: ZERO_UUID }))
  return { errorCode: 0, topics: mergeAnswers(refused, answered, false) satisfies Topics }
})
