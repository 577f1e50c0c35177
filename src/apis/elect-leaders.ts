import { ElectLeaders, type ElectLeadersRequest } from '../../protocol/apis/elect-leaders.ts'
import { errorCode, type Rejection, reject } from '../../protocol/error-codes.ts'
import { mapInSlices, type Slices } from '../../storage/host/turn-slices.ts'
import type { MetadataImage } from '../metadata/metadata-image.ts'
import { timeoutRefusal } from './deadline.ts'
import { handler } from './handler.ts'

const PREFERRED = 0
const UNCLEAN = 1
/** First version with an error code for the whole response. */
const FIRST_WITH_ERROR = 1

/**
 * Elects leaders. A single broker already leads every partition it can, so no election changes anything. Source:
 * ReplicationControlManager.electLeaders.
 */
export const electLeaders = handler(ElectLeaders, async (request, { services, slices, apiVersion }) => {
  const { topicPartitions, electionType, timeoutMs } = request
  const { image } = services.metadata
  const refusal = topicPartitions?.length === 0 ? undefined : (timeoutRefusal(timeoutMs) ?? unknownType(electionType))
  if (refusal !== undefined) return refused(topicPartitions ?? [], refusal, apiVersion)
  return {
    errorCode: 0,
    replicaElectionResults:
      topicPartitions === null
        ? await electAll(image, electionType, slices)
        : await electSome(image, topicPartitions, electionType, slices),
  }
})

function unknownType(electionType: number): Rejection | undefined {
  if (electionType === PREFERRED || electionType === UNCLEAN) return undefined
  return reject('INVALID_REQUEST', `Unknown election type ${electionType}`)
}

type Asked = NonNullable<ElectLeadersRequest['topicPartitions']>

function refused(asked: Asked, { code, message }: Rejection, apiVersion: number) {
  const replicaElectionResults = asked.map(({ topic, partitions }) => ({
    topic,
    partitionResult: partitions.map((partitionId) => ({ partitionId, errorCode: code, errorMessage: message })),
  }))
  return { errorCode: apiVersion < FIRST_WITH_ERROR ? 0 : code, replicaElectionResults }
}

function electSome(image: MetadataImage, asked: Asked, electionType: number, slices: Slices) {
  return mapInSlices(asked, slices, async ({ topic, partitions }) => ({
    topic,
    partitionResult: await mapInSlices(partitions, slices, (partitionId) => {
      const { code, message } = outcome(image, topic, partitionId, electionType)
      return { partitionId, errorCode: code, errorMessage: message }
    }),
  }))
}

/** All topics, each with the partitions that need an election. */
async function electAll(image: MetadataImage, electionType: number, slices: Slices) {
  const notNeeded = errorCode('ELECTION_NOT_NEEDED')
  return mapInSlices(image.topicsByName, slices, async ([topic, { partitions }]) => {
    const [elected] = await electSome(image, [{ topic, partitions: [...partitions.keys()] }], electionType, slices)
    const partitionResult = elected!.partitionResult.filter((each) => each.errorCode !== notNeeded)
    return { topic, partitionResult }
  })
}

function outcome(image: MetadataImage, topic: string, partitionId: number, electionType: number): Rejection {
  const known = image.topicsByName.get(topic)
  if (known === undefined) return reject('UNKNOWN_TOPIC_OR_PARTITION', `No such topic as ${topic}`)
  const partition = known.partitions[partitionId]
  if (partition === undefined)
    return reject('UNKNOWN_TOPIC_OR_PARTITION', `No such partition as ${topic}-${partitionId}`)
  const isLed = electionType === UNCLEAN ? partition.leader !== -1 : partition.leader === partition.replicas[0]
  if (isLed) return reject('ELECTION_NOT_NEEDED')
  return electionType === UNCLEAN ? reject('ELIGIBLE_LEADERS_NOT_AVAILABLE') : reject('PREFERRED_LEADER_NOT_AVAILABLE')
}
