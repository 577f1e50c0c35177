import { InitProducerId, type InitProducerIdRequest } from '../../protocol/apis/init-producer-id.ts'
import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import type { Producer } from '../coordinator/transaction/transitions.ts'
import { isAuthorized } from './authorization.ts'
import { fencingError } from './fencing-error.ts'
import { handler, type RequestContext } from './handler.ts'

const NONE = -1

/** First version whose clients know PRODUCER_FENCED. */
const FENCED_VERSION = 4

/**
 * Gives a producer an id and an epoch. With a transactional id it gets the next epoch of that, which fences others.
 * Source: KafkaApis.handleInitProducerIdRequest.
 */
export const initProducerId = handler(
  InitProducerId,
  async (request, context) => {
    const producer = await initialize(request, context)
    if (!isRejection(producer)) return { errorCode: 0, ...producer }
    return { errorCode: fencingError(producer, context.apiVersion, FENCED_VERSION), producerEpoch: NONE }
  },
  // KIP-939 is not complete in Kafka 4.4.
  { versions: '0-5', unstable: '0-6' },
)

async function initialize(request: InitProducerIdRequest, context: RequestContext): Promise<Producer | Rejection> {
  const { transactionalId, producerId, producerEpoch } = request
  if (transactionalId !== null && !mayUse(transactionalId, request.enable2Pc, context))
    return reject('TRANSACTIONAL_ID_AUTHORIZATION_FAILED')
  if ((producerId === NONE) !== (producerEpoch === NONE)) return reject('INVALID_REQUEST')
  const { services, nowMs } = context
  if (transactionalId !== null) return services.transactions.initialize({ ...request, transactionalId })
  const idempotent = await services.producerIds.next(nowMs)
  return isRejection(idempotent) ? idempotent : { producerId: idempotent, producerEpoch: 0 }
}

function mayUse(transactionalId: string, enable2Pc: boolean, context: RequestContext): boolean {
  const may = (operation: 'WRITE' | 'TWO_PHASE_COMMIT') =>
    isAuthorized(context, operation, 'TRANSACTIONAL_ID', transactionalId)
  return may('WRITE') && (!enable2Pc || may('TWO_PHASE_COMMIT'))
}
