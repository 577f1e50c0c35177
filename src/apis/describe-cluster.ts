import { DescribeCluster } from '../../protocol/apis/describe-cluster.ts'
import { reject } from '../../protocol/error-codes.ts'
import { allClusterOperations, operationsNotAsked } from './authorized-operations.ts'
import { clientEndpoint } from './client-endpoint.ts'
import { handler } from './handler.ts'

/** Endpoint types: brokers or controllers. */
const BROKERS = 1

/**
 * Answers the cluster id and the brokers. A request for controllers is MISMATCHED_ENDPOINT_TYPE on a broker. Source:
 * KafkaApis.handleDescribeCluster, AuthHelper.computeDescribeClusterResponse.
 */
export const describeCluster = handler(DescribeCluster, (request, context) => {
  const { services, apiVersion } = context
  const { image } = services.metadata
  const refusal = refusalOf(request.endpointType)
  if (refusal !== undefined)
    return { errorCode: refusal.code, errorMessage: refusal.message, clusterId: '', brokers: [] }
  const brokers = [...image.brokers.values()].flatMap(({ nodeId, rack, fenced }) => {
    const endpoint = clientEndpoint(nodeId, context)
    if (endpoint !== undefined) {
      const { host, port } = endpoint
      return [{ brokerId: nodeId, host, port, rack, isFenced: false }]
    }
    // A fenced broker is listed with its last registered address, or none.
    if (!fenced || !request.includeFencedBrokers || apiVersion < 2) return []
    const registered = image.brokers.get(nodeId)?.endpoints.get(context.listener)
    return [{ brokerId: nodeId, host: registered?.host ?? '', port: registered?.port ?? -1, rack, isFenced: true }]
  })
  return {
    errorCode: 0,
    endpointType: request.endpointType,
    clusterId: image.clusterId,
    controllerId: services.nodeId,
    brokers,
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? allClusterOperations : operationsNotAsked,
  }
})

function refusalOf(endpointType: number) {
  if (endpointType === BROKERS) return undefined
  if (endpointType === 2)
    return reject(
      'MISMATCHED_ENDPOINT_TYPE',
      'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER',
    )
  return reject('UNSUPPORTED_ENDPOINT_TYPE', `Unsupported endpoint type ${endpointType}`)
}
