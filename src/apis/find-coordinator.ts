import { FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { type ErrorName, errorCode, errorTable, isRejection } from '../../protocol/error-codes.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import { type ClientEndpoint, clientEndpoint } from './client-endpoint.ts'
import { handler, type RequestContext } from './handler.ts'

const GROUP = 0
const TRANSACTION = 1
const SHARE = 2
const BATCHED_VERSION = 4

/**
 * Answers the broker that coordinates a group or a transactional id. Creates the coordinator's topic on first need,
 * before the answer: a client's first request finds its coordinator ready. Source: KafkaApis.handleFindCoordinatorRequest.
 */
export const findCoordinator = handler(FindCoordinator, async (request, context) => {
  if (context.apiVersion >= BATCHED_VERSION) {
    const coordinators = await mapInSlices(request.coordinatorKeys, context.slices, async (key) => {
      const { error, endpoint } = await find(request.keyType, key, context)
      // Kafka sends a message only for an unknown key type.
      const errorMessage = isKnownType(request.keyType) ? '' : errorTable[error].message
      return { key, ...endpoint, errorCode: errorCode(error), errorMessage }
    })
    return { coordinators }
  }
  const { error, endpoint } = await find(request.keyType, request.key, context)
  return {
    errorCode: errorCode(error),
    errorMessage: errorTable[error].message ?? error,
    ...endpoint,
    coordinators: [],
  }
})

function isKnownType(keyType: number): boolean {
  return keyType >= GROUP && keyType <= SHARE
}

interface Found {
  readonly error: ErrorName
  readonly endpoint: ClientEndpoint
}

async function find(keyType: number, key: string, context: RequestContext): Promise<Found> {
  const { services, principal } = context
  if (keyType !== GROUP && keyType !== TRANSACTION) return failure('INVALID_REQUEST')
  const coordinator = keyType === GROUP ? services.groups : services.transactions
  const nodeId = await coordinator.coordinatorOf(key, principal)
  return isRejection(nodeId) ? failure(nodeId.error) : found(clientEndpoint(nodeId, context))
}

function found(endpoint: ClientEndpoint | undefined): Found {
  return endpoint === undefined ? failure('COORDINATOR_NOT_AVAILABLE') : { error: 'NONE', endpoint }
}

function failure(error: ErrorName): Found {
  return { error, endpoint: { nodeId: -1, host: '', port: -1 } }
}
