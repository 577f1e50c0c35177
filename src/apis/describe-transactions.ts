import { DescribeTransactions } from '../../protocol/apis/describe-transactions.ts'
import { reject } from '../../protocol/error-codes.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import { failedTransaction } from '../coordinator/transaction/transaction-descriptions.ts'
import { authorizedAmong, isAuthorized } from './authorization.ts'
import { handler } from './handler.ts'

/** Describes transactions that this broker coordinates. Source: KafkaApis.handleDescribeTransactionsRequest. */
export const describeTransactions = handler(DescribeTransactions, async (request, context) => ({
  transactionStates: await mapInSlices(request.transactionalIds, context.slices, async (transactionalId) => {
    if (!isAuthorized(context, 'DESCRIBE', 'TRANSACTIONAL_ID', transactionalId))
      return failedTransaction(transactionalId, reject('TRANSACTIONAL_ID_AUTHORIZATION_FAILED'))
    const described = await context.services.transactions.describe(transactionalId)
    const names = described.topics.map(({ topic }) => topic)
    const allowed = authorizedAmong(context, 'DESCRIBE', 'TOPIC', names)
    return { ...described, topics: described.topics.filter(({ topic }) => allowed.has(topic)) }
  }),
}))
