import { ElectLeaders, type ElectLeadersRequest } from '../../protocol/apis/elect-leaders.ts'
import { type Rejection, reject } from '../../protocol/error-codes.ts'
import type { MetadataImage } from '../metadata/metadata-image.ts'
import { handler } from './handler.ts'

const PREFERRED = 0
const UNCLEAN = 1

/**
 * Elects leaders. A single broker leads whatever it can already, so there never is anything to elect. Source:
 * ReplicationControlManager.electLeaders.
 */
export const electLeaders = handler(ElectLeaders, (request, { services }) => {
  const { electionType } = request
  const asked = request.topicPartitions ?? []
  const isUnknown = electionType !== PREFERRED && electionType !== UNCLEAN
  const refusal = isUnknown ? reject('INVALID_REQUEST', `Unknown election type ${electionType}`) : undefined
  return {
    errorCode: asked.length === 0 ? 0 : (refusal?.code ?? 0),
    replicaElectionResults: asked.map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => {
        const { code, message } = refusal ?? outcome(services.metadata.image, topic, partitionId, electionType)
        return { partitionId, errorCode: code, errorMessage: message }
      }),
    })),
  }
})

function outcome(
  image: MetadataImage,
  topic: string,
  partitionId: number,
  electionType: ElectLeadersRequest['electionType'],
): Rejection {
  const known = image.topicsByName.get(topic)
  if (known === undefined) return reject('UNKNOWN_TOPIC_OR_PARTITION', `No such topic as ${topic}`)
  const partition = known.partitions[partitionId]
  if (partition === undefined)
    return reject('UNKNOWN_TOPIC_OR_PARTITION', `No such partition as ${topic}-${partitionId}`)
  const isLed = electionType === UNCLEAN ? partition.leader !== -1 : partition.leader === partition.replicas[0]
  if (isLed) return reject('ELECTION_NOT_NEEDED')
  return electionType === UNCLEAN ? reject('ELIGIBLE_LEADERS_NOT_AVAILABLE') : reject('PREFERRED_LEADER_NOT_AVAILABLE')
}
