import { InitProducerId, type InitProducerIdRequest } from '../../protocol/apis/init-producer-id.ts'
import { type ErrorName, errorCode, isRejection } from '../../protocol/error-codes.ts'
import { handler } from './handler.ts'

const NONE = -1

/**
 * Gives an idempotent producer a new producer id. Source: KafkaApis.handleInitProducerIdRequest,
 * TransactionCoordinator.handleInitProducerId.
 */
export const initProducerId = handler(
  InitProducerId,
  async (request, { services, nowMs }) => {
    const refusal = refusalOf(request)
    if (refusal !== undefined) return { errorCode: errorCode(refusal), producerEpoch: NONE }
    const producerId = await services.producerIds.next(nowMs)
    if (isRejection(producerId)) return { errorCode: producerId.code, producerEpoch: NONE }
    return { errorCode: 0, producerId, producerEpoch: 0 }
  },
  // v6 (KIP-939) is unstable in Kafka 4.4, which does not advertise it.
  { versions: '0-5' },
)

function refusalOf({ transactionalId, producerId, producerEpoch }: InitProducerIdRequest): ErrorName | undefined {
  if ((producerId === NONE) !== (producerEpoch === NONE)) return 'INVALID_REQUEST'
  if (transactionalId === null) return undefined
  // There is no transaction coordinator. Clients give up on UNSUPPORTED_VERSION; other errors would make them retry for
  // ever.
  return transactionalId === '' ? 'INVALID_REQUEST' : 'UNSUPPORTED_VERSION'
}
