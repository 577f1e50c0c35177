import { DeleteTopics, type DeleteTopicsRequest } from '../../protocol/apis/delete-topics.ts'
import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { mapInSlices, type Slices } from '../../storage/host/turn-slices.ts'
import type { MetadataImage, TopicImage } from '../metadata/metadata-image.ts'
import { timeoutRefusal } from './deadline.ts'
import { handler } from './handler.ts'

interface Asked {
  readonly name: string | null
  readonly topicId: string
}

/** First version with TOPIC_DELETION_DISABLED. */
const FIRST_WITH_DISABLED = 3

/** Deletes topics by name or by id. They are gone when the answer is sent. Source: ControllerApis.deleteTopics. */
export const deleteTopics = handler(
  DeleteTopics,
  async (request, { services, slices, apiVersion, nowMs, principal }) => {
    const asked = askedFor(request)
    if (!services.configs.broker.deleteTopicEnable) {
      const disabled =
        apiVersion < FIRST_WITH_DISABLED
          ? reject('INVALID_REQUEST', 'Topic deletion is disabled.')
          : reject('TOPIC_DELETION_DISABLED')
      return { responses: asked.map((topic) => answer(topic, disabled)) }
    }
    const timedOut = timeoutRefusal(request.timeoutMs)
    // Malformed topics are refused before the lookup. If all are malformed, the timeout does not matter.
    const isLookedUp = asked.some(({ name, topicId }) => (name === null) === (topicId !== ZERO_UUID))
    if (timedOut !== undefined && isLookedUp) return { responses: asked.map((topic) => answer(topic, timedOut)) }
    const { refused, topics } = await resolve(asked, services.metadata.image, slices)
    const answers = await services.metadata.deleteTopics(
      topics.map(({ image }) => image.id),
      { nowMs, principal, slices },
    )
    const deleted = topics.map(({ image }, index) =>
      answer({ name: image.name, topicId: image.id }, answers[index] as TopicImage | Rejection),
    )
    return { responses: [...refused, ...deleted] }
  },
)

function askedFor({ topics, topicNames }: DeleteTopicsRequest): Asked[] {
  return [...topicNames.map((name) => ({ name, topicId: ZERO_UUID })), ...topics]
}

function answer({ name, topicId }: Asked, outcome: TopicImage | Rejection) {
  if (!isRejection(outcome)) return { name, topicId, errorCode: 0, errorMessage: null }
  return { name, topicId, errorCode: outcome.code, errorMessage: outcome.message }
}

interface Resolved {
  readonly asked: Asked
  readonly image: TopicImage
}

interface Checked {
  readonly topic: Asked
  readonly refusal: Rejection | undefined
}

/** Finds the topics to delete; answers those that are malformed, unknown or repeated. */
async function resolve(asked: readonly Asked[], image: MetadataImage, slices: Slices) {
  const refused: ReturnType<typeof answer>[] = []
  const found = new Map<string, Resolved>()
  await mapInSlices(await checked(asked, slices), slices, ({ topic, refusal }) => {
    const known = topic.name === null ? image.topicsById.get(topic.topicId) : image.topicsByName.get(topic.name)
    const outcome = refusal ?? (known === undefined ? unknown(topic) : undefined)
    if (outcome !== undefined) refused.push(answer(topic, outcome))
    else if (known !== undefined && found.delete(known.id)) {
      const duplicate = reject('INVALID_REQUEST', 'The provided topic name maps to an ID that was already supplied.')
      refused.push(answer({ name: known.name, topicId: known.id }, duplicate))
    } else if (known !== undefined) found.set(known.id, { asked: topic, image: known })
  })
  return { refused, topics: [...found.values()] }
}

function unknown({ name }: Asked): Rejection {
  return name === null ? reject('UNKNOWN_TOPIC_ID') : reject('UNKNOWN_TOPIC_OR_PARTITION')
}

/**
 * Each name and each id once, with its error if it has one. Ids come first, since a name may turn out to be one of the
 * topics given by id.
 */
async function checked(asked: readonly Asked[], slices: Slices): Promise<readonly Checked[]> {
  const single = new Map<string, Checked>()
  const malformed: Checked[] = []
  await mapInSlices(asked, slices, (topic) => {
    const hasId = topic.topicId !== ZERO_UUID
    if (topic.name === null && !hasId)
      malformed.push({ topic, refusal: reject('INVALID_REQUEST', 'Neither topic name nor id were specified.') })
    else if (topic.name !== null && hasId)
      malformed.push({ topic, refusal: reject('INVALID_REQUEST', 'You may not specify both topic name and topic id.') })
    else {
      const [key, what] = topic.name === null ? [`id ${topic.topicId}`, 'id'] : [`name ${topic.name}`, 'name']
      const refusal = single.has(key) ? reject('INVALID_REQUEST', `Duplicate topic ${what}.`) : undefined
      single.set(key, { topic, refusal })
    }
  })
  const byId = [...single.values()].filter(({ topic }) => topic.name === null)
  const byName = [...single.values()].filter(({ topic }) => topic.name !== null)
  return [...malformed, ...byId, ...byName]
}
