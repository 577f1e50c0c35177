import { OffsetFetch } from '../../protocol/apis/offset-fetch.ts'
import { WriteTxnMarkers } from '../../protocol/apis/write-txn-markers.ts'
import { coordinatorReady } from './group-scenarios.ts'
import { placeOf } from './record-scenarios.ts'
import { inVersions, type Scenario } from './scenario.ts'
import { aged, classic, type Identity, transactions } from './transactions.ts'
import type { Send } from './transcript.ts'

/** Writes markers like a coordinator, or like `kafka-transactions abort`. */
export function marker(send: Send, version: number) {
  return (
    what: string,
    { producerId, producerEpoch }: Identity,
    topics: Record<string, number[]>,
    wish: { coordinatorEpoch?: number; transactionResult?: boolean; transactionVersion?: number } = {},
  ) => {
    const list = Object.entries(topics).map(([name, partitionIndexes]) => ({ name, partitionIndexes }))
    const { coordinatorEpoch = 0, transactionResult = false, ...more } = wish
    const one = { producerId, producerEpoch, transactionResult, coordinatorEpoch, topics: list, ...more }
    return send(WriteTxnMarkers, version, what, { markers: [one] })
  }
}

const markers = inVersions(WriteTxnMarkers, 'of every kind', async (send, version) => {
  const name = `tx-marker-${version}`
  const place = await placeOf(send, name)
  const tx = transactions(send, classic)
  const write = marker(send, version)
  const who = await tx.begin(name)
  await tx.init('(bump)', name)
  const bumped = aged(who, 1)
  await write('before any record', bumped, { [name]: [0] })
  await tx.look('before any record', place)
  await tx.add('(add)', bumped, place, 0, 1)
  await tx.produce('(produce)', bumped, place, 0)
  await tx.produce('(produce to the other)', bumped, place, 0, { index: 1 })
  await write('partitions that are not there', bumped, { [name]: [7, -1], [`${name}-none`]: [0] })
  await write('an old epoch', who, { [name]: [0] })
  await write('a negative coordinator epoch', bumped, { [name]: [1] }, { coordinatorEpoch: -1 })
  await tx.look('nothing has ended', place)
  await write('aborts', bumped, { [name]: [0, 1] })
  await tx.look('aborted', place)
  await write('aborts again', bumped, { [name]: [0] })
  await write('commits what was aborted', bumped, { [name]: [0] }, { transactionResult: true })
  await tx.look('committed, too', place)
  await tx.describe('its coordinator', name)
  await tx.produce('(produce again)', bumped, place, 2)
  await write('a coordinator to come', bumped, { [name]: [0] }, { coordinatorEpoch: 5, transactionResult: true })
  await write('an old coordinator', bumped, { [name]: [0] }, { coordinatorEpoch: 4 })
  await write('an old coordinator of the other', bumped, { [name]: [1] }, { coordinatorEpoch: 0 })
  await tx.look('committed', place)
  await write('the next epoch', aged(bumped, 1), { [name]: [1] })
  await write('an epoch far away', aged(bumped, 9), { [name]: [1] })
  await tx.look('an epoch far away', place, 1)
  await tx.produce('an epoch that a marker ended', bumped, place, 2, { index: 1 })
  const stranger = { ...who, producerId: who.producerId + 10_000, producerEpoch: 3 }
  await write('a producer that never wrote', stranger, { [name]: [1] }, { transactionResult: true })
  await tx.look('in the end', place, 1)
  const both = [bumped, stranger].map(({ producerId, producerEpoch }, i) => ({
    ...{ producerId, producerEpoch, transactionResult: i === 0, coordinatorEpoch: 6 },
    topics: [{ name, partitionIndexes: [0, 1, 5] }],
  }))
  await send(WriteTxnMarkers, version, 'two producers', { markers: both })
  await send(WriteTxnMarkers, version, 'one producer twice', { markers: [both[0]!, both[0]!] })
  await send(WriteTxnMarkers, version, 'nothing', { markers: [] })
})

/** Markers of transaction.version 2: each must raise the epoch of the transaction that it ends. */
const versioned: Scenario = {
  name: 'WriteTxnMarkers v2: with the version of the transaction',
  run: async (send) => {
    const name = 'tx-marker-versioned'
    const place = await placeOf(send, name)
    const tx = transactions(send)
    const write = marker(send, 2)
    const who = await tx.begin(name)
    await tx.produce('(produce)', who, place, 0)
    for (const transactionVersion of [2, 3])
      await write(`the same epoch, version ${transactionVersion}`, who, { [name]: [0] }, { transactionVersion })
    await tx.look('the same epoch', place)
    await write('the next epoch', aged(who, 1), { [name]: [0] }, { transactionVersion: 2 })
    await tx.look('the next epoch', place)
    await write('the next epoch again', aged(who, 1), { [name]: [0] }, { transactionVersion: 2 })
    await write('the next epoch, version 1', aged(who, 1), { [name]: [0] }, { transactionVersion: 1 })
    await write('a lower epoch', who, { [name]: [0] }, { transactionVersion: 2 })
    await write('a lower epoch, version 0', who, { [name]: [0] }, { transactionVersion: 0 })
    await tx.look('in the end', place)
  },
}

const offsets: Scenario = {
  name: 'WriteTxnMarkers: to the offsets of groups',
  run: async (send) => {
    await coordinatorReady(send)
    const tx = transactions(send)
    for (const transactionResult of [true, false]) {
      const name = `tx-marker-offsets-${transactionResult}`
      const place = await placeOf(send, name)
      const who = await tx.begin(name)
      const look = (what: string) =>
        send(OffsetFetch, 9, what, {
          ...{ groups: [{ groupId: name, topics: [{ name, partitionIndexes: [0] }] }], requireStable: true },
        })
      await tx.commitOffsets('(pending)', who, name, place, [{ partitionIndex: 0, committedOffset: 4 }])
      await look('pending')
      await marker(send, 2)('ends', who, { __consumer_offsets: [0] }, { transactionResult })
      await look('ended by a marker')
      await marker(send, 2)('ends again', who, { __consumer_offsets: [0, 77] }, { transactionResult })
      await tx.describe('its coordinator', name)
      await tx.end('ends', who, !transactionResult)
      await look('ended by its coordinator')
    }
  },
}

/** Markers that clients write, and what they do to transactions. */
export const transactionMarkerScenarios: readonly Scenario[] = [...markers, versioned, offsets]
