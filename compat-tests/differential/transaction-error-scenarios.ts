import { AddPartitionsToTxn } from '../../protocol/apis/add-partitions-to-txn.ts'
import { DeleteRecords } from '../../protocol/apis/delete-records.ts'
import { DescribeTransactions } from '../../protocol/apis/describe-transactions.ts'
import { EndTxn } from '../../protocol/apis/end-txn.ts'
import { Fetch } from '../../protocol/apis/fetch.ts'
import { InitProducerId } from '../../protocol/apis/init-producer-id.ts'
import { ListTransactions } from '../../protocol/apis/list-transactions.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { WriteTxnMarkers } from '../../protocol/apis/write-txn-markers.ts'
import { waitFor } from '../wait-for.ts'
import { coordinatorReady } from './group-scenarios.ts'
import { batchOf, FIRST_PRODUCE_BY_ID, placeOf } from './record-scenarios.ts'
import { inAges, inVersions, type Scenario } from './scenario.ts'
import { marker } from './transaction-marker-scenarios.ts'
import { aged, classic, type Identity, transactions, withVersion } from './transactions.ts'

const oddAdditions = inVersions(AddPartitionsToTxn, 'odd lists', async (send, version) => {
  await coordinatorReady(send)
  const name = `tx-odd-add-${version}`
  const place = await placeOf(send, name)
  const tx = transactions(send, withVersion(AddPartitionsToTxn, version))
  const who = await tx.begin(name)
  await tx.addTopics('no partitions', who, { [name]: [] })
  await tx.describe('no partitions were added', name)
  await tx.add('one twice', who, place, 1, 1)
  await tx.addTopics('internal topics', who, { __consumer_offsets: [0], __transaction_state: [0] })
  await tx.describe('internal topics', name)
  await tx.end('ends', who, false)
})

const withoutProducers = inVersions(Produce, 'transactional batches without a producer', async (send, version) => {
  const name = `tx-no-producer-${version}`
  const place = await placeOf(send, name)
  const tx = transactions(send, withVersion(Produce, version))
  const who = await tx.begin(name)
  const nobody = { producerId: -1, producerEpoch: -1 }
  await tx.produce('no producer', who, place, -1, nobody)
  await tx.produce('no producer id', who, place, 0, { producerId: -1 })
  await tx.produce('no producer and no transactional id', who, place, -1, { ...nobody, transactionalId: null })
  await tx.produce('a negative producer id', who, place, 0, { producerId: -7 })
  await tx.describe('in the end', name)
  await tx.look('in the end', place)
})

/** Batches of two producers in one request. */
const twoProducers = inVersions(Produce, 'two producers in one request', async (send, version) => {
  const name = `tx-two-producers-${version}`
  const place = await placeOf(send, name)
  const tx = transactions(send, classic)
  const [who, other] = [await tx.begin(`${name}-a`), await tx.begin(`${name}-b`)]
  for (const each of [who, other]) await tx.add('(add)', each, place, 0, 1)
  const topic = version >= FIRST_PRODUCE_BY_ID ? { topicId: place.topicId } : { name }
  const batch = ({ producerId, producerEpoch }: Identity, baseSequence: number) =>
    batchOf(['a', 'b'], { producerId, producerEpoch, baseSequence, transactional: true })
  const ask = (what: string, ...partitions: (readonly Buffer[])[]) =>
    send(Produce, version, what, {
      ...{ transactionalId: who.transactionalId, acks: -1, timeoutMs: 5000 },
      topicData: [
        { ...topic, partitionData: partitions.map((each, index) => ({ index, records: Buffer.concat(each) })) },
      ],
    })
  await ask('in two partitions', [batch(who, 0)], [batch(other, 0)])
  await ask('in one partition', [batch(who, 0), batch(other, 0)])
  await tx.look('nothing', place)
})

const oddMarkers = inVersions(WriteTxnMarkers, 'odd lists', async (send, version) => {
  const name = `tx-odd-marker-${version}`
  const place = await placeOf(send, name)
  const tx = transactions(send)
  const who = await tx.begin(name)
  await tx.produce('(produce)', who, place, 0)
  const write = marker(send, version)
  await write('no partitions', who, { [name]: [] })
  await write('no topics', who, {})
  await write('a negative epoch', { ...who, producerEpoch: -1 }, { [name]: [0] })
  await tx.describeProducers('still open', place, 0)
})

const unknownVersions: Scenario[] = [-1, 4, 127].map((transactionVersion) => ({
  name: `WriteTxnMarkers v2: with version ${transactionVersion} of the transaction`,
  run: async (send) => {
    const name = `tx-marker-version-${transactionVersion}`
    const place = await placeOf(send, name)
    const tx = transactions(send)
    const who = await tx.begin(name)
    await tx.produce('(produce)', who, place, 0)
    await marker(send, 2)('the same epoch', who, { [name]: [0] }, { transactionVersion })
    await tx.describeProducers('the same epoch', place, 0)
    await marker(send, 2)('the next epoch', aged(who, 1), { [name]: [0] }, { transactionVersion })
    await tx.describeProducers('the next epoch', place, 0)
  },
}))

/**
 * Transactions that never end: their coordinator gives up at a partition that has a marker of a later coordinator.
 */
const stuck = inAges('transactions that are stuck in their end', async ({ send, at, age }) => {
  await coordinatorReady(send)
  for (const committed of [true, false]) {
    const name = `tx-stuck-${age}-${committed}`
    const place = await placeOf(send, name)
    const other = await placeOf(send, `${name}-other`)
    const tx = transactions(send, at)
    const who = await tx.begin(name)
    await tx.add('(add)', who, place, 0, 1)
    await tx.add('(add another)', who, other, 0)
    await tx.produce('(produce)', who, place, 0)
    await tx.produce('(produce another)', who, other, 0)
    await marker(send, at(WriteTxnMarkers))('a later coordinator', who, { [name]: [0] }, { coordinatorEpoch: 9 })
    const ended = await send(EndTxn, at(EndTxn), 'ends', { ...who, committed })
    const next = at(EndTxn) >= 5 ? { ...who, producerEpoch: ended.producerEpoch } : who
    // Kafka takes partitions out of a transaction as their markers are written. What is left is compared in the end.
    await waitFor(
      'the other markers',
      async () => {
        const { transactionStates } = await send(DescribeTransactions, 0, '~', { transactionalIds: [name] })
        return transactionStates[0]!.topics.flatMap(({ partitions }) => partitions).length === 1
      },
      2000,
    ).catch(() => {})
    for (const [of, each] of [
      ['', who],
      [', in the next epoch', next],
    ] as const) {
      await send(EndTxn, at(EndTxn), `the same again${of}`, { ...each, committed })
      await send(EndTxn, at(EndTxn), `the other way round${of}`, { ...each, committed: !committed })
      await tx.add(`adds${of}`, each, place, 0)
      await tx.addOffsets(`adds a group${of}`, each, name)
      await tx.produce(`produces${of}`, each, place, 2)
      await tx.produce(`produces elsewhere${of}`, each, other, 0, { index: 1 })
    }
    await tx.init('a second producer', name)
    if (at(InitProducerId) >= 3) await tx.init('resumes', name, next)
    await tx.describe('in the end', name)
  }
})

const levels = inVersions(Fetch, 'isolation levels that are none', async (send, version) => {
  const place = await placeOf(send, `tx-levels-${version}`)
  const tx = transactions(send, withVersion(Fetch, version))
  for (const level of [2, -1, 127]) await tx.fetch(`level ${level}`, place, level)
})

const partlyDropped = inVersions(DeleteRecords, 'up to the middle of a transaction', async (send, version) => {
  const name = `tx-drop-part-${version}`
  const place = await placeOf(send, name)
  const tx = transactions(send)
  const who = await tx.begin(name)
  await tx.produce('(first)', who, place, 0)
  const partitions = [{ partitionIndex: 0, offset: 1 }]
  await send(DeleteRecords, version, 'a part', { topics: [{ name, partitions }], timeoutMs: 5000 })
  await tx.look('a part', place)
  await tx.end('(end)', who, false)
  await tx.look('aborted', place)
})

const oddFilters = inVersions(ListTransactions, 'unknown states twice', (send, version) =>
  send(ListTransactions, version, 'one twice', { stateFilters: ['nonsense', 'more', 'nonsense'] }).then(() => {}),
)

/** Requests of transactions that no client sends, and states that should not last. */
export const transactionErrorScenarios: readonly Scenario[] = [
  ...oddAdditions,
  ...withoutProducers,
  ...twoProducers,
  ...oddMarkers,
  ...unknownVersions,
  ...stuck,
  ...levels,
  ...partlyDropped,
  ...oddFilters,
]
