import { AddOffsetsToTxn } from '../../protocol/apis/add-offsets-to-txn.ts'
import { errorCode, isRejection } from '../../protocol/error-codes.ts'
import { GROUP_TOPIC } from '../coordinator/group/open-group-coordinator.ts'
import { isAuthorized } from './authorization.ts'
import { fencingError } from './fencing-error.ts'
import { handler } from './handler.ts'

/** First version whose clients know PRODUCER_FENCED. */
const FENCED_VERSION = 2
/** Version of the transaction protocol of a client that adds partitions itself. */
const CLASSIC = 0

/** Adds the partition with a group's offsets to a transaction. Source: KafkaApis.handleAddOffsetsToTxnRequest. */
export const addOffsetsToTxn = handler(AddOffsetsToTxn, async (request, context) => {
  const { transactionalId, groupId } = request
  const { services, apiVersion } = context
  if (!isAuthorized(context, 'WRITE', 'TRANSACTIONAL_ID', transactionalId))
    return { errorCode: errorCode('TRANSACTIONAL_ID_AUTHORIZATION_FAILED') }
  if (!isAuthorized(context, 'READ', 'GROUP', groupId)) return { errorCode: errorCode('GROUP_AUTHORIZATION_FAILED') }
  const partitions = new Map([[GROUP_TOPIC, new Set([services.groups.partitionOf(groupId)])]])
  const outcome = await services.transactions.addPartitions(transactionalId, request, partitions, CLASSIC)
  return { errorCode: isRejection(outcome) ? fencingError(outcome, apiVersion, FENCED_VERSION) : 0 }
})
