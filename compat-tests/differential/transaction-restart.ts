import { OffsetFetch } from '../../protocol/apis/offset-fetch.ts'
import { coordinatorReady } from './group-scenarios.ts'
import { type Place, placeOf } from './record-scenarios.ts'
import { classic, type Identity, settled, transactions, transactionsReady } from './transactions.ts'
import type { Send } from './transcript.ts'

/** Transactions that are open when a broker ends. */
export interface OpenTransactions {
  readonly place: Place
  readonly commits: Identity
  readonly aborts: Identity
  readonly fenced: Identity
  readonly old: Identity
}

const name = 'tx-restart'

/** Opens transactions. */
export async function beforeRestart(send: Send): Promise<OpenTransactions> {
  await coordinatorReady(send)
  const place = await placeOf(send, name)
  const tx = transactions(send)
  const [commits, aborts, fenced, old] = [
    await tx.begin(`${name}-commits`),
    await tx.begin(`${name}-aborts`),
    await tx.begin(`${name}-fenced`),
    await tx.begin(`${name}-old`),
  ]
  for (const who of [commits, aborts, fenced]) await tx.produce('(produce)', who, place, 0)
  await transactions(send, classic).add('(add)', old, place, 0)
  await transactions(send, classic).produce('(produce)', old, place, 0)
  await tx.commitOffsets('(pending)', commits, name, place, [{ partitionIndex: 0, committedOffset: 4 }])
  return { place, commits, aborts, fenced, old }
}

/** Goes on with them. */
export async function afterRestart(send: Send, open: OpenTransactions): Promise<void> {
  await coordinatorReady(send)
  await transactionsReady(send)
  const { place, commits, aborts, fenced, old } = open
  const tx = transactions(send)
  const offsets = (what: string) =>
    send(OffsetFetch, 9, what, {
      ...{ groups: [{ groupId: name, topics: [{ name, partitionIndexes: [0] }] }], requireStable: true },
    })
  await tx.describe('restarted', ...[commits, aborts, fenced, old].map(({ transactionalId }) => transactionalId))
  await tx.look('restarted', place)
  await offsets('restarted')
  for (const who of [commits, aborts]) await tx.produce('goes on', who, place, 2)
  await transactions(send, classic).produce('the old client goes on', old, place, 2)
  await transactions(send, classic).produce('the old client repeats itself', old, place, 0)
  await tx.end('commits', commits, true)
  await tx.end('aborts', aborts, false)
  await transactions(send, classic).end('the old client commits', old, true)
  await tx.init('fences', fenced.transactionalId)
  await settled(send, fenced.transactionalId)
  await tx.end('was fenced', fenced, true)
  await tx.describe('ended', ...[commits, aborts, fenced, old].map(({ transactionalId }) => transactionalId))
  await tx.look('ended', place)
  await offsets('ended')
}
