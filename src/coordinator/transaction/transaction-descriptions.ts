import type { DescribeTransactionsResponse } from '../../../protocol/apis/describe-transactions.ts'
import type { ListTransactionsRequest, ListTransactionsResponse } from '../../../protocol/apis/list-transactions.ts'
import { errorCode, isRejection, type Rejection, reject } from '../../../protocol/error-codes.ts'
import type { Slices } from '../../../storage/host/turn-slices.ts'
import { compileRe2 } from '../../config/re2.ts'
import type { ShardRuntime } from '../shard-runtime.ts'
import { type Transaction, transactionStates } from './transaction.ts'
import type { TransactionShard } from './transaction-shard.ts'

type DescribedTransaction = DescribeTransactionsResponse['transactionStates'][number]
type ListedTransaction = ListTransactionsResponse['transactionStates'][number]

const knownStates: ReadonlySet<string> = new Set(transactionStates)

/** Answer for a transactional id that cannot be described. */
export function failedTransaction(transactionalId: string, { code }: Rejection): DescribedTransaction {
  return {
    errorCode: code,
    transactionalId,
    transactionState: '',
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0,
    producerId: 0,
    producerEpoch: 0,
    topics: [],
  }
}

/** Source: TransactionCoordinator.handleDescribeTransactions. */
export function describeTransaction(
  shard: TransactionShard,
  transactionalId: string,
): DescribedTransaction | Rejection {
  const known = shard.get(transactionalId)
  if (known === undefined) return reject('TRANSACTIONAL_ID_NOT_FOUND')
  return {
    errorCode: 0,
    transactionalId,
    transactionState: known.state,
    transactionTimeoutMs: known.timeoutMs,
    transactionStartTimeMs: known.startMs,
    producerId: known.producerId,
    producerEpoch: known.producerEpoch,
    topics: [...shard.partitionsOf(known)].map(([topic, indexes]) => ({ topic, partitions: [...indexes] })),
  }
}

/** Lists transactions in slices. Source: TransactionStateManager.listTransactionStates. */
export async function listTransactions(
  shards: readonly ShardRuntime<TransactionShard>[],
  request: ListTransactionsRequest,
  slices: Slices,
  nowMs: number,
): Promise<ListTransactionsResponse> {
  const unknownStateFilters = [...new Set(request.stateFilters)].filter((state) => !knownStates.has(state))
  if (shards.some((shard) => shard.current === undefined && !shard.isFailed))
    return failedList(errorCode('COORDINATOR_LOAD_IN_PROGRESS'))
  const filter = filterOf(request, nowMs)
  if (isRejection(filter)) return failedList(filter.code)
  const transactionStates: ListedTransaction[] = []
  for (const shard of shards) {
    for (const transaction of shard.current?.all() ?? []) {
      const wait = slices.next()
      if (wait !== undefined) await wait
      if (filter(transaction)) transactionStates.push(listed(transaction))
    }
  }
  return { errorCode: 0, unknownStateFilters, transactionStates }
}

function failedList(code: number): ListTransactionsResponse {
  return { errorCode: code, unknownStateFilters: [], transactionStates: [] }
}

function listed({ transactionalId, producerId, state }: Transaction): ListedTransaction {
  return { transactionalId, producerId, transactionState: state }
}

function filterOf(
  { stateFilters, producerIdFilters, durationFilter, transactionalIdPattern }: ListTransactionsRequest,
  nowMs: number,
): ((transaction: Transaction) => boolean) | Rejection {
  const states = new Set<string>(stateFilters)
  const producerIds = new Set(producerIdFilters)
  const pattern =
    transactionalIdPattern === null || transactionalIdPattern === '' ? undefined : compileRe2(transactionalIdPattern)
  if (typeof pattern === 'string') return reject('INVALID_REGULAR_EXPRESSION')
  return ({ transactionalId, producerId, state, startMs }) =>
    (producerIds.size === 0 || producerIds.has(producerId)) &&
    (states.size === 0 || states.has(state)) &&
    (durationFilter < 0 || nowMs - startMs > durationFilter) &&
    (pattern === undefined || pattern.matches(transactionalId))
}
