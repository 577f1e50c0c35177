import { ListTransactions } from '../../protocol/apis/list-transactions.ts'
import { authorizedAmong } from './authorization.ts'
import { handler } from './handler.ts'

/** Lists transactions that this broker coordinates. Source: KafkaApis.handleListTransactionsRequest. */
export const listTransactions = handler(ListTransactions, async (request, context) => {
  const { services, slices, nowMs } = context
  const response = await services.transactions.list(request, slices, nowMs)
  const ids = response.transactionStates.map(({ transactionalId }) => transactionalId)
  const allowed = authorizedAmong(context, 'DESCRIBE', 'TRANSACTIONAL_ID', ids)
  const isAllowed = ({ transactionalId }: { readonly transactionalId: string }) => allowed.has(transactionalId)
  return { ...response, transactionStates: response.transactionStates.filter(isAllowed) }
})
