import { DeleteRecords } from '../../protocol/apis/delete-records.ts'
import { DescribeProducers } from '../../protocol/apis/describe-producers.ts'
import { Fetch } from '../../protocol/apis/fetch.ts'
import { InitProducerId } from '../../protocol/apis/init-producer-id.ts'
import { ListOffsets } from '../../protocol/apis/list-offsets.ts'
import { OffsetForLeaderEpoch } from '../../protocol/apis/offset-for-leader-epoch.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { type BatchOptions, buildBatch } from '../../protocol/records/batch-builder.ts'
import type { InputValue } from '../../protocol/schema.ts'
import { waitFor } from '../wait-for.ts'
import { inVersions, type Scenario } from './scenario.ts'
import { logsAreThere, makeTopic } from './topic-scenarios.ts'
import type { Loose, Send } from './transcript.ts'

/** An id that no topic has. */
export const fakeId = 'f4keAAAAAAAAAAAAAAAAAA'
/** Not the current time: the same in every run, and within the topic's limits. */
export const someTimeMs = Date.now() - 60_000
const timeoutMs = 5000

/** A batch with one record per value, one second apart. */
export function batchOf(
  values: readonly (string | null)[],
  options: BatchOptions = {},
  key: string | null = 'k',
): Buffer {
  return buildBatch(
    values.map((value, i) => ({ timestamp: someTimeMs + i * 1000, key, value })),
    options,
  )
}

/** A topic by name and id. */
export interface Place {
  readonly name: string
  readonly topicId: string
}

/** Creates a topic with two partitions and waits for its logs. */
export async function placeOf(send: Send, name: string, configs: Record<string, string> = {}): Promise<Place> {
  const settings = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
  const topicId = await makeTopic(send, name, { numPartitions: 2, configs: settings })
  await logsAreThere(send, name, 2)
  return { name, topicId }
}

async function producerIdOf(send: Send): Promise<number> {
  const request = { transactionalId: null, transactionTimeoutMs: 1000 }
  // Kafka's broker first asks its controller for a block of ids.
  return waitFor('a producer id', async () => {
    const { errorCode, producerId } = await send(InitProducerId, 4, '~', request)
    return errorCode === 0 && String(producerId)
  }).then(Number)
}

/** First version of Produce that identifies topics by id. */
export const FIRST_PRODUCE_BY_ID = 13
/** First version of Fetch that identifies topics by id. */
export const FIRST_FETCH_BY_ID = 13

/** Produces, by default to partition 0. */
export function producer(send: Send, version: number) {
  return (what: string, place: Place, records: Buffer | null, wish: object = {}, index = 0) => {
    const named = version >= FIRST_PRODUCE_BY_ID ? { topicId: place.topicId } : { name: place.name }
    const topicData = [{ ...named, partitionData: [{ index, records }] }]
    return send(Produce, version, what, { acks: -1, timeoutMs, topicData, ...wish })
  }
}

function damaged(batch: Buffer, position: number, value: number): Buffer {
  const copy = Buffer.from(batch)
  copy[position] = value
  return copy
}

const production = inVersions(Produce, 'batches of every kind', async (send, version) => {
  const place = await placeOf(send, `produce-${version}`)
  const compacted = await placeOf(send, `produce-${version}-compacted`, { 'cleanup.policy': 'compact' })
  const stamped = await placeOf(send, `produce-${version}-stamped`, { 'message.timestamp.type': 'LogAppendTime' })
  const small = await placeOf(send, `produce-${version}-small`, { 'max.message.bytes': '200' })
  const nowhere = { name: `produce-${version}-none`, topicId: fakeId }
  const produce = producer(send, version)
  const one = batchOf(['a'])
  await produce('one', place, one)
  await produce('three', place, batchOf(['a', 'b', null]))
  await produce('acks 1', place, one, { acks: 1 })
  await produce('acks 2', place, one, { acks: 2 })
  await produce('acks -2', place, one, { acks: -2 })
  await produce('no time', place, one, { timeoutMs: 0 })
  for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const)
    await produce(compression, place, batchOf(['a'.repeat(100), 'b'], { compression }))
  await produce('a partition that is not there', place, one, {}, 7)
  await produce('a negative partition', place, one, {}, -1)
  await produce('a topic that is not there', nowhere, one)
  await produce('nothing', place, Buffer.alloc(0))
  await produce('two batches', place, Buffer.concat([one, one]))
  await produce('half a batch', place, one.subarray(0, one.length - 5))
  await produce('a batch and a half', place, Buffer.concat([one, one.subarray(0, 70)]))
  await produce('garbage', place, Buffer.alloc(80, 7))
  await produce('a wrong checksum', place, damaged(one, 20, one[20]! ^ 1))
  await produce('magic 1', place, damaged(one, 16, 1))
  const unreadable = damaged(one, 16, 7)
  const named = version >= FIRST_PRODUCE_BY_ID ? { topicId: place.topicId } : { name: place.name }
  const parts = [one, unreadable].map((records, index) => ({ index, records }))
  const topics = [{ ...named, partitionData: parts }]
  await send(Produce, version, 'one good and one unreadable', { acks: -1, timeoutMs, topicData: topics })
  await produce('a size that is none', place, damaged(damaged(one, 11, 5), 10, 0))
  await produce('a few bytes', place, one.subarray(0, 9))
  await produce('magic 3', place, damaged(one, 16, 3))
  await produce('a base offset', place, batchOf(['a'], { baseOffset: 9 }))
  await produce('a control batch', place, batchOf(['a'], { control: true }))
  await produce('a transactional batch without a transaction', place, batchOf(['a'], { transactional: true }))
  await produce('no key', place, batchOf(['a'], {}, null))
  await produce('no key in a compacted topic', compacted, batchOf(['a', 'b'], {}, null))
  await produce('a key in a compacted topic', compacted, one)
  await produce('a topic that stamps', stamped, one)
  await produce('too large', small, batchOf(['a'.repeat(300)]))
  const early = buildBatch([{ timestamp: -1, key: null, value: 'x' }])
  await produce('no timestamp', place, early)
  const late = buildBatch([{ timestamp: someTimeMs + 7_200_000, key: null, value: 'x' }])
  await produce('a timestamp to come', place, late)
  const partitionData = [
    { index: 0, records: one },
    { index: 9, records: one },
    { index: 1, records: damaged(one, 20, one[20]! ^ 1) },
  ]
  await send(Produce, version, 'several partitions', { acks: -1, timeoutMs, topicData: [{ ...named, partitionData }] })
  await produce('null to a topic that is not there', nowhere, null)
  // Not to an existing topic: Kafka then fails to build its response and never sends it.
  await send(Produce, version, 'no topics', { acks: -1, timeoutMs, topicData: [] })
  await send(Produce, version, 'no partitions', { acks: -1, timeoutMs, topicData: [{ ...named, partitionData: [] }] })
})

const idempotence = inVersions(Produce, 'sequences', async (send, version) => {
  const place = await placeOf(send, `sequences-${version}`)
  const produce = producer(send, version)
  const producerId = await producerIdOf(send)
  const sequence = (what: string, baseSequence: number, producerEpoch = 0, wish: BatchOptions = {}) =>
    produce(what, place, batchOf(['a', 'b'], { producerId, producerEpoch, baseSequence, ...wish }))
  await sequence('the first', 0)
  await sequence('the second', 2)
  await sequence('the second again', 2)
  await sequence('the first again', 0)
  await sequence('a gap', 8)
  await sequence('the next epoch in the middle', 5, 1)
  await sequence('the next epoch', 0, 1)
  await sequence('an old epoch', 4, 0)
  await sequence('no sequence', -1, 1)
  await sequence('a negative epoch', 2, -1)
  await sequence('a producer that nobody knows', 3, 0, { producerId: producerId + 10_000 })
  await sequence('an acknowledged transaction', 2, 1, { transactional: true })
  const ask = (what: string, name: string, ...partitionIndexes: number[]) =>
    send(DescribeProducers, 0, what, { topics: [{ name, partitionIndexes }] })
  await ask('who wrote', place.name, 0, 1, 7, -1)
  await ask('a topic that is not there', 'sequences-none', 0)
  await ask('a name that is none', 'a b', 0)
  await ask('no partitions', place.name)
  await send(DescribeProducers, 0, 'nothing', { topics: [] })
})

/** One partition of a fetch request. */
export type FetchPartition = Loose<InputValue<typeof Fetch.request.fields>['topics'][number]['partitions'][number]>

function fetcher(send: Send, version: number, place: Place) {
  const named = version >= FIRST_FETCH_BY_ID ? { topicId: place.topicId } : { topic: place.name }
  return (what: string, partitions: FetchPartition[], wish: object = {}) =>
    send(Fetch, version, what, {
      ...{ maxWaitMs: 0, minBytes: 0 },
      topics: [{ ...named, partitions: partitions.map((each) => ({ partitionMaxBytes: 1 << 20, ...each })) }],
      ...wish,
    })
}

const fetches = inVersions(Fetch, 'from every kind of place', async (send, version) => {
  const place = await placeOf(send, `fetch-${version}`)
  const produce = producer(send, 9)
  for (const value of ['a', 'b', 'c']) await produce(`(${value})`, place, batchOf([value, value]))
  const fetch = fetcher(send, version, place)
  const at = (fetchOffset: number, wish: object = {}) => ({ partition: 0, fetchOffset, ...wish })
  for (const offset of [0, 1, 3, 6]) await fetch(`offset ${offset}`, [at(offset)])
  await fetch('beyond the end', [at(7)])
  await fetch('before the start', [at(-1)])
  await fetch('an empty partition', [{ partition: 1, fetchOffset: 0 }])
  await fetch('both partitions', [at(0), { partition: 1, fetchOffset: 0 }])
  await fetch('a partition that is not there', [{ partition: 5, fetchOffset: 0 }])
  await fetch('a negative partition', [{ partition: -1, fetchOffset: 0 }])
  await fetch('no partitions', [])
  await fetch('one byte of a partition', [at(0, { partitionMaxBytes: 1 })])
  await fetch('no byte of a partition', [at(0, { partitionMaxBytes: 0 })])
  await fetch('a hundred bytes', [at(0)], { maxBytes: 100 })
  await fetch('no bytes', [at(0)], { maxBytes: 0 })
  await fetch('what is committed', [at(2)], { isolationLevel: 1 })
  await fetch('waits in vain', [at(6)], { maxWaitMs: 50, minBytes: 1 })
  await fetchOf(send, version, 'a topic that is not there', { name: `fetch-${version}-none`, topicId: fakeId })
  if (version >= 9) {
    await fetch('the leader’s epoch', [at(0, { currentLeaderEpoch: 0 })])
    await fetch('an epoch to come', [at(0, { currentLeaderEpoch: 1 })])
  }
  if (version < 12) return
  await fetch('the last fetched epoch', [at(3, { lastFetchedEpoch: 0 })])
  await fetch('a last fetched epoch to come', [at(3, { lastFetchedEpoch: 3 })])
})

function fetchOf(send: Send, version: number, what: string, place: Place) {
  return fetcher(send, version, place)(what, [{ partition: 0, fetchOffset: 0 }])
}

const sessions: Scenario[] = [7, 12, 18].map((version) => ({
  name: `Fetch v${version}: sessions`,
  run: async (send) => {
    const place = await placeOf(send, `session-${version}`)
    const produce = producer(send, 9)
    await produce('(a)', place, batchOf(['a']))
    const fetch = fetcher(send, version, place)
    const both = [0, 1].map((partition) => ({ partition, fetchOffset: 0 }))
    const { sessionId } = await fetch('opens one', both, { sessionEpoch: 0 })
    const on = (sessionEpoch: number, wish: object = {}) => ({ sessionId, sessionEpoch, topics: [], ...wish })
    await fetch('the same again', [], on(1))
    await fetch('further on', [{ partition: 0, fetchOffset: 1 }], { sessionId, sessionEpoch: 2 })
    await fetch('nothing new', [], on(3))
    await produce('(b)', place, batchOf(['b']))
    await fetch('something new', [], on(4))
    await fetch('an old epoch', [], on(4))
    await fetch('an epoch to come', [], on(9))
    const named = version >= FIRST_FETCH_BY_ID ? { topicId: place.topicId } : { topic: place.name }
    await fetch('forgets one', [], on(5, { forgottenTopicsData: [{ ...named, partitions: [0] }] }))
    await fetch('without it', [], on(6))
    await fetch('an error in it', [{ partition: 9, fetchOffset: 0 }], { sessionId, sessionEpoch: 7 })
    await fetch('closes it', [], on(-1))
    await fetch('once it is closed', [], on(8))
    await fetch('a session that nobody knows', [], on(1, { sessionId: 12_345 }))
    await fetch('an epoch without a session', [], on(3, { sessionId: 0 }))
  },
}))

const offsets = inVersions(ListOffsets, 'every question', async (send, version) => {
  const place = await placeOf(send, `list-${version}`)
  const produce = producer(send, 9)
  await produce('(three)', place, batchOf(['a', 'b', 'c']))
  await produce('(two)', place, batchOf(['d', 'e'], { compression: 'gzip' }))
  const list = (what: string, partitions: object[], wish: object = {}) =>
    send(ListOffsets, version, what, { replicaId: -1, topics: [{ name: place.name, partitions }], ...wish } as never)
  const questions = [-1, -2, -3, -4, -5, -6, -7, 0, someTimeMs, someTimeMs + 1, someTimeMs + 1500, someTimeMs + 60_000]
  for (const [i, timestamp] of questions.entries()) {
    await list(`question ${i}`, [{ partitionIndex: 0, timestamp }])
    await list(`question ${i} of nothing`, [{ partitionIndex: 1, timestamp }])
  }
  const latest = (partitionIndex: number, more: object = {}) => ({ partitionIndex, timestamp: -1, ...more })
  await list('several', [latest(0), latest(1), latest(7), latest(-1)])
  await list('one twice', [latest(0), latest(0)])
  await list('no partitions', [])
  await send(ListOffsets, version, 'no topics', { replicaId: -1, topics: [] })
  await send(ListOffsets, version, 'a topic that is not there', {
    replicaId: -1,
    topics: [{ name: 'list-none', partitions: [latest(0)] }],
  })
  await list('a debugging consumer', [latest(0)], { replicaId: -2 })
  if (version >= 2) await list('what is committed', [latest(0)], { isolationLevel: 1 })
  if (version >= 2) await list('an isolation that is none', [latest(0), latest(9)], { isolationLevel: 7 })
  if (version < 4) return
  await list('the leader’s epoch', [latest(0, { currentLeaderEpoch: 0 })])
  await list('an epoch to come', [latest(0, { currentLeaderEpoch: 5 })])
})

const epochs = inVersions(OffsetForLeaderEpoch, 'every epoch', async (send, version) => {
  const place = await placeOf(send, `epoch-${version}`)
  await producer(send, 9)('(three)', place, batchOf(['a', 'b', 'c']))
  const ask = (what: string, topic: string, ...partitions: object[]) =>
    send(OffsetForLeaderEpoch, version, what, { replicaId: -1, topics: [{ topic, partitions }] } as never)
  for (const leaderEpoch of [0, 1, -1, -2]) await ask(`epoch ${leaderEpoch}`, place.name, { partition: 0, leaderEpoch })
  await ask('an empty partition', place.name, { partition: 1, leaderEpoch: 0 })
  await ask('the leader’s own', place.name, { partition: 0, leaderEpoch: 0, currentLeaderEpoch: 0 })
  await ask('a leader to come', place.name, { partition: 0, leaderEpoch: 0, currentLeaderEpoch: 4 })
  await ask('a partition that is not there', place.name, { partition: 7, leaderEpoch: 0 })
  await ask('a topic that is not there', 'epoch-none', { partition: 0, leaderEpoch: 0 })
  await ask('no partitions', place.name)
  await send(OffsetForLeaderEpoch, version, 'nothing', { topics: [] })
})

const deletions = inVersions(DeleteRecords, 'up to every kind of place', async (send, version) => {
  const place = await placeOf(send, `drop-${version}`)
  const compacted = await placeOf(send, `drop-${version}-compacted`, { 'cleanup.policy': 'compact' })
  const produce = producer(send, 9)
  for (const each of [place, compacted]) await produce('(five)', each, batchOf(['a', 'b', 'c', 'd', 'e']))
  const drop = (what: string, name: string, ...partitions: [partitionIndex: number, offset: number][]) =>
    send(DeleteRecords, version, what, {
      topics: [{ name, partitions: partitions.map(([partitionIndex, offset]) => ({ partitionIndex, offset })) }],
      timeoutMs,
    })
  await drop('some', place.name, [0, 2])
  await drop('fewer', place.name, [0, 1])
  await drop('none', place.name, [0, 0])
  await drop('too many', place.name, [0, 6])
  await drop('a negative offset', place.name, [0, -2])
  await drop('partitions that are not there', place.name, [0, 3], [7, 0], [-1, 0])
  await drop('a topic that is not there', 'drop-none', [0, 0])
  await drop('a compacted topic', compacted.name, [0, 2])
  await drop('an internal topic', '__consumer_offsets', [0, 0])
  await drop('a name that is none', 'a b', [0, 0])
  await drop('no partitions', place.name)
  await drop('one twice', place.name, [0, 4], [0, 4])
  await drop('one twice, with two offsets', place.name, [1, 0], [0, 5], [0, 4])
  await drop('everything', place.name, [0, -1], [1, -1])
  await send(DeleteRecords, version, 'nothing', { topics: [], timeoutMs })
  await fetcher(send, 12, place)('what is left', [{ partition: 0, fetchOffset: 0 }])
})

const producerIds = inVersions(InitProducerId, 'without transactions', async (send, version) => {
  await producerIdOf(send)
  const init = (what: string, wish: object = {}) =>
    send(InitProducerId, version, what, { transactionalId: null, transactionTimeoutMs: 1000, ...wish })
  await init('one')
  await init('another')
  await init('no time', { transactionTimeoutMs: 0 })
  await init('an empty transactional id', { transactionalId: '' })
  if (version < 3) return
  await init('one that it says it has', { producerId: 5, producerEpoch: 0 })
  await init('an id without an epoch', { producerId: 5 })
  await init('an epoch without an id', { producerEpoch: 5 })
})

/** Records: produced, fetched, searched and deleted. */
export const recordScenarios: readonly Scenario[] = [
  ...production,
  ...idempotence,
  ...fetches,
  ...sessions,
  ...offsets,
  ...epochs,
  ...deletions,
  ...producerIds,
]
