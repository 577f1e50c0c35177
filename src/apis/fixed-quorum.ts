import { reject } from '../../protocol/error-codes.ts'
import type { Services } from './services.ts'

/** Why voters are neither added nor removed: the cluster keeps to the ones that it was started with (kraft.version 0). */
export function fixedQuorum(what: 'adding' | 'removing', clusterId: string | null, { metadata }: Services) {
  const own = metadata.image.clusterId
  const { code, message } =
    clusterId !== null && clusterId !== own
      ? reject('INCONSISTENT_CLUSTER_ID', `The given id "${clusterId}" doesn't match the cluster id "${own}"`)
      : reject('UNSUPPORTED_VERSION', `Cluster doesn't support ${what} voter because the kraft.version feature is 0`)
  return { errorCode: code, errorMessage: message }
}
