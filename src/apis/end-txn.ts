import { EndTxn } from '../../protocol/apis/end-txn.ts'
import { errorCode, isRejection } from '../../protocol/error-codes.ts'
import { EPOCH_BUMP_VERSION } from '../coordinator/transaction/transaction.ts'
import { isAuthorized } from './authorization.ts'
import { fencingError } from './fencing-error.ts'
import { handler } from './handler.ts'

/** First version whose clients know PRODUCER_FENCED. */
const FENCED_VERSION = 2
/** First version of KIP-890: its clients get the next epoch with each end. */
const NEXT_EPOCH_VERSION = 5

/** Commits or aborts a transaction; its markers are written afterwards. Source: KafkaApis.handleEndTxnRequest. */
export const endTxn = handler(EndTxn, async (request, context) => {
  const { transactionalId, committed } = request
  const { services, apiVersion } = context
  if (!isAuthorized(context, 'WRITE', 'TRANSACTIONAL_ID', transactionalId))
    return { errorCode: errorCode('TRANSACTIONAL_ID_AUTHORIZATION_FAILED') }
  const version = apiVersion < NEXT_EPOCH_VERSION ? 0 : EPOCH_BUMP_VERSION
  const end = { ...request, result: committed ? ('commit' as const) : ('abort' as const) }
  const outcome = await services.transactions.end(transactionalId, end, version)
  if (isRejection(outcome)) return { errorCode: fencingError(outcome, apiVersion, FENCED_VERSION) }
  return { errorCode: 0, ...outcome }
})
