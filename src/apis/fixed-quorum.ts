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

/** Refuses to change the voters: with kraft.version 0 they never change. */
export function fixedQuorum(what: 'adding' | 'removing'): Rejection {
  return reject('UNSUPPORTED_VERSION', `Cluster doesn't support ${what} voter because the kraft.version feature is 0`)
}
