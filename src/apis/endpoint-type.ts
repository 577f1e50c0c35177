import { reject } from '../../protocol/error-codes.ts'

/** Kafka's EndpointType ids. */
export const BROKERS = 1
export const CONTROLLERS = 2

const names: Readonly<Record<number, string>> = { [BROKERS]: 'BROKER', [CONTROLLERS]: 'CONTROLLER' }

/**
 * Answer of DescribeCluster to a client that wants another type of endpoint than it is connected to; undefined: it has
 * the right one. Source: AuthHelper.computeDescribeClusterResponse.
 */
export function wrongEndpoint(wanted: number, own: number) {
  if (wanted === own) return undefined
  const name = names[wanted]
  const { code, message } =
    name === undefined
      ? reject('UNSUPPORTED_ENDPOINT_TYPE', `Unsupported endpoint type ${wanted}`)
      : reject(
          'MISMATCHED_ENDPOINT_TYPE',
          `The request was sent to an endpoint of type ${names[own]}, but we wanted an endpoint of type ${name}`,
        )
  return { errorCode: code, errorMessage: message, clusterId: '', brokers: [] }
}
