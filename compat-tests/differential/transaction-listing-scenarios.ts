import { DescribeProducers } from '../../protocol/apis/describe-producers.ts'
import { DescribeTransactions } from '../../protocol/apis/describe-transactions.ts'
import { ListTransactions, type ListTransactionsResponse } from '../../protocol/apis/list-transactions.ts'
import { placeOf } from './record-scenarios.ts'
import { inVersions, type Scenario } from './scenario.ts'
import { type Identity, transactions, transactionsReady } from './transactions.ts'
import type { Send } from './transcript.ts'

/** Transactional ids in four states. */
async function inEachState(send: Send, prefix: string) {
  const tx = transactions(send)
  const place = await placeOf(send, prefix)
  const ids = ['empty', 'ongoing', 'committed', 'aborted'] as const
  const made: Record<string, Identity> = {}
  for (const id of ids) made[id] = await tx.begin(`${prefix}-${id}`)
  for (const id of ids.slice(1)) await tx.produce(`(${id})`, made[id]!, place, 0)
  await tx.end('(commit)', made.committed!, true)
  await tx.end('(abort)', made.aborted!, false)
  return { ...(made as Record<(typeof ids)[number], Identity>), place }
}

const listings = inVersions(ListTransactions, 'with every filter', async (send, version) => {
  await transactionsReady(send)
  const prefix = `tx-listed-${version}`
  const made = await inEachState(send, prefix)
  const own = ({ transactionStates, ...rest }: ListTransactionsResponse) => ({
    ...rest,
    transactionStates: transactionStates.filter(({ transactionalId }) => transactionalId.startsWith(prefix)),
  })
  const list = (what: string, wish: object) =>
    send(ListTransactions, version, what, { stateFilters: [], producerIdFilters: [], ...wish }, own as never)
  await list('all', {})
  const states = [
    ...['Empty', 'Ongoing', 'PrepareCommit', 'PrepareAbort', 'CompleteCommit', 'CompleteAbort', 'Dead'],
    ...['PrepareEpochFence', 'ongoing', ' Ongoing ', 'ONGOING', '', 'nonsense'],
  ]
  for (const state of states) await list(`state '${state}'`, { stateFilters: [state] })
  await list('two states', { stateFilters: ['Empty', 'CompleteAbort'] })
  await list('one state twice', { stateFilters: ['Empty', 'Empty'] })
  await list('a state and nonsense', { stateFilters: ['Ongoing', 'nonsense', 'more'] })
  const { producerId } = made.ongoing
  await list('a producer', { producerIdFilters: [producerId] })
  await list('two producers', { producerIdFilters: [producerId, made.empty.producerId, producerId] })
  await list('no such producer', { producerIdFilters: [-1, 999_999] })
  await list('a producer in another state', { producerIdFilters: [producerId], stateFilters: ['Empty'] })
  if (version < 1) return
  for (const durationFilter of [-1, -7, 1_000_000, 9e15]) await list(`duration ${durationFilter}`, { durationFilter })
  // The transactions have taken a while by now.
  await new Promise((resolve) => setTimeout(resolve, 5))
  for (const durationFilter of [0, 1]) await list(`duration ${durationFilter}`, { durationFilter })
  await list('a duration and a state', { durationFilter: 0, stateFilters: ['Ongoing', 'Empty'] })
  if (version < 2) return
  const patterns = [
    ...[`${prefix}-.*`, `${prefix}-empty`, prefix, '.*-ongoing', '', '.*', `${prefix}-(empty|aborted)`, '(?i).*EMPTY'],
    ...['[', '*', '(', 'a{2', '\\', '(?<name>a)', '(?=a)a', '\\1', '\\p{L}+', '[[:alpha:]]+'],
  ]
  for (const transactionalIdPattern of patterns)
    await list(`pattern ${transactionalIdPattern}`, { transactionalIdPattern })
  await list('pattern and state', { transactionalIdPattern: `${prefix}.*`, stateFilters: ['Ongoing', 'nonsense'] })
  await list('an invalid pattern and nonsense', { transactionalIdPattern: '[', stateFilters: ['nonsense'] })
})

const descriptions = inVersions(DescribeTransactions, 'of every kind', async (send, version) => {
  const prefix = `tx-described-${version}`
  const made = await inEachState(send, prefix)
  const describe = (what: string, ...transactionalIds: string[]) =>
    send(DescribeTransactions, version, what, { transactionalIds })
  const ids = [made.empty, made.ongoing, made.committed, made.aborted].map(({ transactionalId }) => transactionalId)
  await describe('each', ...ids)
  await describe('one twice', ids[1]!, ids[1]!)
  await describe('some that are not there', `${prefix}-none`, ids[0]!, '')
  await describe('nothing')
})

const producers = inVersions(DescribeProducers, 'in transactions', async (send, version) => {
  const prefix = `tx-producers-${version}`
  const { ongoing, place } = await inEachState(send, prefix)
  const tx = transactions(send)
  await tx.describeProducers('of each state', place, 0, 1)
  await tx.produce('(more)', ongoing, place, 2)
  await tx.produce('(a large one)', ongoing, place, 4, { values: Array.from({ length: 40 }, () => 'x') })
  await tx.describeProducers('the one that is ongoing', place, 0)
  await send(DescribeProducers, version, 'internal topics', {
    topics: ['__transaction_state', '__cluster_metadata'].map((name) => ({
      name,
      partitionIndexes: [99],
    })),
  })
  await tx.describeProducers('one twice', place, 0, 0)
})

/** Transactions and their producers, as administrators see them (KIP-664). */
export const transactionListingScenarios: readonly Scenario[] = [...listings, ...descriptions, ...producers]
