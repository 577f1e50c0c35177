import { ElectLeaders, type ElectLeadersRequest } from '../../protocol/apis/elect-leaders.ts'
import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import { timeoutRefusal } from './deadline.ts'
import { handler } from './handler.ts'

const PREFERRED = 0
const UNCLEAN = 1
/** First version with an error code for the whole response. */
const FIRST_WITH_ERROR = 1

/** Elects leaders. Source: ControllerApis.handleElectLeaders. */
export const electLeaders = handler(
  ElectLeaders,
  async (request, { services, slices, apiVersion, nowMs, principal }) => {
    const { topicPartitions, electionType, timeoutMs } = request
    if (topicPartitions?.length === 0) return { errorCode: 0, replicaElectionResults: [] }
    const refusal = timeoutRefusal(timeoutMs) ?? unknownType(electionType)
    if (refusal !== undefined) return refused(topicPartitions ?? [], refusal, apiVersion)
    const election = electionType === UNCLEAN ? 'unclean' : 'preferred'
    const elections = await services.metadata.electLeaders(
      { election, topics: topicPartitions },
      { nowMs, principal, slices },
    )
    if (isRejection(elections)) return refused(topicPartitions ?? [], elections, apiVersion)
    return {
      errorCode: 0,
      replicaElectionResults: await mapInSlices(elections, slices, ({ topic, partitions }) => ({
        topic,
        partitionResult: partitions.map(({ partition, refusal: reason }) => ({
          partitionId: partition,
          errorCode: reason?.code ?? 0,
          errorMessage: reason?.message ?? null,
        })),
      })),
    }
  },
)

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
