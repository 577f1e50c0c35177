import { ApiVersions } from '../../protocol/apis/api-versions.ts'
import { DescribeProducers } from '../../protocol/apis/describe-producers.ts'
import { DescribeTransactions } from '../../protocol/apis/describe-transactions.ts'
import { InitProducerId } from '../../protocol/apis/init-producer-id.ts'
import { UpdateFeatures } from '../../protocol/apis/update-features.ts'
import { waitFor } from '../wait-for.ts'
import { coordinatorReady } from './group-scenarios.ts'
import { type Place, placeOf } from './record-scenarios.ts'
import { inAges, newest, type Scenario } from './scenario.ts'
import { aged, classic, type Identity, settled, transactions } from './transactions.ts'
import type { Send } from './transcript.ts'

/** Settings of both brokers: what takes minutes by default takes milliseconds. */
export const hastySettings = {
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '100',
  'transaction.remove.expired.transaction.cleanup.interval.ms': '100',
  'transactional.id.expiration.ms': '8000',
  'producer.id.expiration.ms': '6000',
  'producer.id.expiration.check.interval.ms': '100',
  'transaction.max.timeout.ms': '60000',
}

const brief = { transactionTimeoutMs: 400 }
const [TRANSACTIONAL_ID_NOT_FOUND, SAFE_DOWNGRADE] = [105, 2]

async function untilState(send: Send, transactionalId: string, state: string): Promise<void> {
  await waitFor(`${transactionalId} is ${state}`, async () => {
    const { transactionStates } = await send(DescribeTransactions, 0, '~', { transactionalIds: [transactionalId] })
    return transactionStates[0]?.transactionState === state
  })
}

const timeouts = inAges('transactions that take too long', async ({ send, at, age }) => {
  await coordinatorReady(send)
  const name = `tx-late-${age}`
  const place = await placeOf(send, name)
  const tx = transactions(send, at)
  const begin = (suffix: string) => tx.begin(`${name}-${suffix}`, brief)
  const wishes: Record<string, (who: Identity) => Promise<unknown>> = {
    produces: (who) => tx.produce('too late: produces', who, place, 2),
    adds: (who) => tx.add('too late: adds', who, place, 1),
    'adds-group': (who) => tx.addOffsets('too late: adds a group', who, name),
    'commits-offsets': (who) =>
      tx.commitOffsets('too late: commits offsets', who, name, place, [{ partitionIndex: 0, committedOffset: 1 }]),
    commits: (who) => tx.end('too late: commits', who, true),
    aborts: (who) => tx.end('too late: aborts', who, false),
    initialises: (who) => tx.init('too late: initialises', who.transactionalId),
    ...(at(InitProducerId) >= 3 && { resumes: (who) => tx.init('too late: resumes', who.transactionalId, who) }),
  }
  for (const [suffix, wish] of Object.entries(wishes)) {
    const who = await begin(suffix)
    await tx.add('(add)', who, place, 0)
    await tx.addOffsets('(add a group)', who, name)
    await tx.produce('(produce)', who, place, 0)
    await untilState(send, who.transactionalId, 'CompleteAbort')
    await tx.describe(`${suffix}: too late`, who.transactionalId)
    await wish(who)
    await settled(send, who.transactionalId)
    await tx.describe(`${suffix}: afterwards`, who.transactionalId)
    await tx.end(`${suffix}: ends in the epoch of the abort`, aged(who, 1), false)
    await tx.init(`${suffix}: the next one`, who.transactionalId)
  }
  for (const level of [0, 1]) await tx.fetch(`in the end, level ${level}`, place, level)
  const idle = await begin('empty')
  await tx.init('the longest timeout', idle.transactionalId, { transactionTimeoutMs: 60_000 })
  await tx.init('too long a timeout', idle.transactionalId, { transactionTimeoutMs: 60_001 })
})

const expirations: Scenario = {
  name: 'transactional ids and producers that expire',
  run: async (send) => {
    const name = 'tx-expires'
    const place = await placeOf(send, name)
    const tx = transactions(send)
    const empty = await tx.begin(`${name}-empty`)
    const used = await tx.begin(`${name}-used`)
    await tx.produce('(produce)', used, place, 0)
    const next = await tx.end('(end)', used, true)
    await tx.describe('both are there', empty.transactionalId, used.transactionalId)
    await tx.look('it is there', place)
    await waitFor('the producer has expired', async () => {
      const topics = [{ name, partitionIndexes: [0] }]
      const answer = await send(DescribeProducers, 0, '~', { topics })
      return answer.topics[0]?.partitions[0]?.activeProducers.length === 0
    })
    await tx.look('the producer has expired', place)
    for (const { transactionalId } of [empty, used])
      await waitFor(`${transactionalId} has expired`, async () => {
        const { transactionStates } = await send(DescribeTransactions, 0, '~', { transactionalIds: [transactionalId] })
        return transactionStates[0]?.errorCode === TRANSACTIONAL_ID_NOT_FOUND
      })
    await tx.add('adds once it has expired', next, place, 0)
    await tx.end('ends once it has expired', next, true)
    await tx.produce('produces once it has expired', next, place, 0)
    await tx.init('resumes once it has expired', used.transactionalId, next)
    await tx.init('initialises once it has expired', empty.transactionalId)
    const fresh = await tx.begin(used.transactionalId)
    await tx.produce('a new one', fresh, place, 0)
    await tx.end('ends', fresh, true)
    await tx.look('in the end', place)
  },
}

export async function toLevel(send: Send, maxVersionLevel: number, upgradeType: number): Promise<void> {
  const featureUpdates = [{ feature: 'transaction.version', maxVersionLevel, upgradeType }]
  await send(UpdateFeatures, 2, `transaction.version ${maxVersionLevel}`, { featureUpdates })
  await waitFor(`transaction.version ${maxVersionLevel}`, async () => {
    const { finalizedFeatures } = await send(ApiVersions, 4, '~', {
      ...{ clientSoftwareName: 'raw', clientSoftwareVersion: '1' },
    })
    const level = finalizedFeatures.find(({ name }) => name === 'transaction.version')?.maxVersionLevel ?? 0
    return level === maxVersionLevel
  })
}

/** A transaction that commits, one that aborts, and one that is fenced. */
async function wholeTransaction(send: Send, kind: 'classic' | 'new', id: string, place: Place): Promise<void> {
  const isNew = kind === 'new'
  const tx = transactions(send, isNew ? newest : classic)
  let who = await tx.begin(id)
  for (const committed of [true, false]) {
    const what = `${kind}, ${committed}`
    await tx.produce(`${what}: not added`, who, place, 0)
    await tx.add(`${what}: adds`, who, place, 0)
    await tx.produce(`${what}: added`, who, place, 0)
    await tx.commitOffsets(`${what}: offsets`, who, id, place, [{ partitionIndex: 0, committedOffset: 3 }])
    await tx.addOffsets(`${what}: adds a group`, who, id)
    await tx.commitOffsets(`${what}: offsets again`, who, id, place, [{ partitionIndex: 0, committedOffset: 4 }])
    await tx.describe(`${what}: in the middle`, id)
    const next = await tx.end(`${what}: ends`, who, committed)
    await tx.end(`${what}: ends again`, who, committed)
    await tx.end(`${what}: then the other way round`, who, !committed)
    await tx.end(`${what}: aborts nothing`, next, false)
    await tx.describe(`${what}: in the end`, id)
    who = await tx.begin(id)
  }
  await tx.add(`${kind}: adds before the fence`, who, place, 0)
  await tx.produce(`${kind}: produces before the fence`, who, place, 0)
  await tx.init(`${kind}: fences`, id)
  await settled(send, id)
  await tx.init(`${kind}: fences again`, id)
  await tx.describe(`${kind}: fenced`, id)
  await tx.look(kind, place)
}

const features: Scenario = {
  name: 'transaction.version 2, 1, 0 and 2 again, while transactions are open',
  run: async (send) => {
    await coordinatorReady(send)
    const levels = [
      [1, SAFE_DOWNGRADE],
      [0, SAFE_DOWNGRADE],
      [1, 1],
      [2, 1],
      [0, SAFE_DOWNGRADE],
      [2, 1],
    ] as const
    for (const [i, [level, upgradeType]] of levels.entries()) {
      const name = `tx-features-${i}`
      const place = await placeOf(send, name)
      const old = transactions(send, classic)
      const fresh = transactions(send)
      const [a, b, c, d] = [
        await old.begin(`${name}-a`),
        await fresh.begin(`${name}-b`),
        await fresh.begin(`${name}-c`),
        await fresh.begin(`${name}-d`),
      ]
      await old.add('(add)', a, place, 0)
      await old.produce('(produce)', a, place, 0)
      // At level 0 only the classic client can begin.
      const beginner = levels[i - 1]?.[0] === 0 ? old : fresh
      for (const each of [b, c]) {
        await beginner.add('(add)', each, place, 0)
        await beginner.produce('(produce)', each, place, 0)
      }
      await toLevel(send, level, upgradeType)
      const after = level === 0 ? old : fresh
      for (const each of [a, b]) await fresh.describe(`${level}: open`, each.transactionalId)
      await old.produce(`${level}: goes on`, a, place, 2)
      await fresh.produce(`${level}: goes on`, b, place, 2)
      await after.add(`${level}: begins`, d, place, 0)
      await after.produce(`${level}: begins`, d, place, 0)
      await old.end(`${level}: ends`, a, true)
      await after.end(`${level}: ends`, b, true)
      await after.end(`${level}: aborts`, c, false)
      await after.end(`${level}: aborts what began`, d, false)
      for (const each of [a, b, c, d]) await fresh.describe(`${level}: ended`, each.transactionalId)
      await fresh.look(`${level}: ended`, place)
      await wholeTransaction(send, 'classic', `${name}-classic`, place)
      if (level > 0) await wholeTransaction(send, 'new', `${name}-new`, place)
    }
  },
}

/** Transactions in brokers that are started with hastySettings, the levels of the feature last. */
export const transactionSettingScenarios: readonly Scenario[] = [...timeouts, expirations, features]
