import { DescribeCluster } from '../../protocol/apis/describe-cluster.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { controllerIdOf } from '../metadata/metadata-image.ts'
import { clusterOperations, operationsNotAsked } from './authorized-operations.ts'
import { clientEndpoint } from './client-endpoint.ts'
import { BROKERS, CONTROLLERS, wrongEndpoint } from './endpoint-type.ts'
import { handler } from './handler.ts'

/**
 * Answers the cluster id and the brokers. A request for controllers is MISMATCHED_ENDPOINT_TYPE on a broker. Source:
 * KafkaApis.handleDescribeCluster, AuthHelper.computeDescribeClusterResponse.
 */
export const describeCluster = handler(DescribeCluster, (request, context) => {
  const { services, apiVersion } = context
  const { image } = services.metadata
  const refusal = wrongEndpoint(request.endpointType, BROKERS)
  if (refusal !== undefined) return refusal
  const brokers = [...image.brokers.values()].flatMap(({ nodeId, rack, fenced, endpoints }) => {
    const endpoint = clientEndpoint(nodeId, context)
    if (endpoint !== undefined) {
      const { host, port } = endpoint
      return [{ brokerId: nodeId, host, port, rack, isFenced: false }]
    }
    // A fenced broker is listed with its last registered address, or none.
    if (!fenced || !request.includeFencedBrokers || apiVersion < 2) return []
    const registered = endpoints.get(context.listener)
    const host = registered === undefined ? '' : registered.host || context.localAddress
    return [{ brokerId: nodeId, host, port: registered?.port ?? -1, rack, isFenced: true }]
  })
  return {
    errorCode: 0,
    endpointType: request.endpointType,
    clusterId: image.clusterId,
    controllerId: controllerIdOf(image),
    brokers,
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? clusterOperations(context)
      : operationsNotAsked,
  }
})

/**
 * Answers the cluster id and the controllers, which is one node, at the address of the client's listener. Source:
 * ControllerApis.handleDescribeCluster, ControllerRegistrationsPublisher.describeClusterControllers.
 */
export const describeClusterOfController = handler(DescribeCluster, (request, context) => {
  const { apiVersion, services, listener, localAddress } = context
  const refusal = wrongEndpoint(request.endpointType, CONTROLLERS)
  if (refusal !== undefined) return apiVersion > 0 ? refusal : { ...refusal, errorCode: errorCode('INVALID_REQUEST') }
  const { image } = services.metadata
  const { controllerId } = image
  const endpoint = services.controllerEndpoints().find((each) => each.listener === listener)
  const brokers =
    endpoint === undefined
      ? []
      : [{ brokerId: controllerId, host: endpoint.host || localAddress, port: endpoint.port, isFenced: false }]
  return {
    errorCode: 0,
    endpointType: CONTROLLERS,
    clusterId: image.clusterId,
    controllerId,
    brokers,
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? clusterOperations(context)
      : operationsNotAsked,
  }
})
