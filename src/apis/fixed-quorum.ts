import { type Rejection, reject } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import type { Services } from './services.ts'

interface Voter {
  readonly clusterId: string | null
  readonly voterId: number
  readonly voterDirectoryId: string
}

/** Refuses another cluster's id and an invalid voter. Source: KafkaRaftClient.handleAddVoterRequest. */
export function voterFault(what: 'Add' | 'Remove', voter: Voter, { metadata }: Services): Rejection | undefined {
  const { clusterId, voterId, voterDirectoryId } = voter
  const own = metadata.image.clusterId
  if (clusterId !== null && clusterId !== own)
    return reject('INCONSISTENT_CLUSTER_ID', `The given id "${clusterId}" doesn't match the cluster id "${own}"`)
  if (voterId < 0 || voterDirectoryId === ZERO_UUID)
    return reject('INVALID_REQUEST', `${what} voter request didn't include a valid voter`)
  return undefined
}

/** Refuses to change the voters: with kraft.version 0 they never change, and with 1 there is only this one. */
export function fixedQuorum(what: 'adding' | 'removing', { metadata }: Services): Rejection {
  const because =
    metadata.kraftVersion === 0 ? 'the kraft.version feature is 0' : 'the quorum is one voter, and stays so'
  return reject('UNSUPPORTED_VERSION', `Cluster doesn't support ${what} voter because ${because}`)
}
