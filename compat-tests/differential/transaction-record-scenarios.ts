import { CreatePartitions } from '../../protocol/apis/create-partitions.ts'
import { DeleteRecords } from '../../protocol/apis/delete-records.ts'
import { DeleteTopics } from '../../protocol/apis/delete-topics.ts'
import { Fetch, type FetchResponse } from '../../protocol/apis/fetch.ts'
import { ListOffsets } from '../../protocol/apis/list-offsets.ts'
import { batchesOf } from '../../protocol/records/record-batch.ts'
import { batchOf, FIRST_FETCH_BY_ID, type Place, placeOf, producer, someTimeMs } from './record-scenarios.ts'
import { inVersions, type Scenario } from './scenario.ts'
import { changesAreApplied } from './topic-scenarios.ts'
import { settled, transactions, withVersion } from './transactions.ts'
import type { Send } from './transcript.ts'

const timeoutMs = 5000

/** A log in which transactions overlap: `a` aborts, `b` commits, `c` aborts later, `d` stays open. */
async function overlapping(send: Send, place: Place, onEach: (what: string) => Promise<void> = async () => {}) {
  const tx = transactions(send)
  const [a, b, c, d] = [
    await tx.begin(`${place.name}-a`),
    await tx.begin(`${place.name}-b`),
    await tx.begin(`${place.name}-c`),
    await tx.begin(`${place.name}-d`),
  ]
  const plain = producer(send, 9)
  await plain('(plain)', place, batchOf(['plain']))
  await tx.produce('(a)', a, place, 0)
  await tx.produce('(b)', b, place, 0)
  await plain('(plain)', place, batchOf(['plain']))
  await onEach('a and b')
  await tx.end('(a aborts)', a, false)
  await onEach('a has aborted')
  await tx.produce('(c)', c, place, 0)
  await tx.produce('(b)', b, place, 2)
  await tx.end('(b commits)', b, true)
  await onEach('b has committed')
  await tx.produce('(d)', d, place, 0)
  await tx.end('(c aborts)', c, false)
  await plain('(plain)', place, batchOf(['plain']))
  await onEach('c has aborted')
  return { tx, d }
}

const fetches = inVersions(Fetch, 'overlapping transactions', async (send, version) => {
  const place = await placeOf(send, `tx-fetch-${version}`)
  const tx = transactions(send, withVersion(Fetch, version))
  const { d } = await overlapping(send, place, async (what) => {
    for (const level of [0, 1]) await tx.fetch(`${what}, level ${level}`, place, level)
  })
  for (let offset = 0; offset <= 17; offset++) await tx.fetch(`from ${offset}`, place, 1, offset)
  await tx.end('(d commits)', d, true)
  await tx.fetch('d has committed', place, 1)
  for (const offset of [3, 10, 17, 18]) await tx.fetch(`d has committed, from ${offset}`, place, 1, offset)
  const size = batchOf(['a', 'b']).length
  for (const count of [1, 2, 3, 5, 8]) {
    const topic = version >= FIRST_FETCH_BY_ID ? { topicId: place.topicId } : { topic: place.name }
    const partitions = [{ partition: 0, fetchOffset: 1, partitionMaxBytes: count * size }]
    const request = { maxWaitMs: 0, minBytes: 0, isolationLevel: 1, topics: [{ ...topic, partitions }] }
    await send(Fetch, version, `${count} batches`, request, whatMatters)
  }
})

/** Beside the whole batches, the aborted transactions that begin before their end: Kafka's index may add later ones. */
function whatMatters({ responses }: FetchResponse) {
  return responses.flatMap(({ partitions }) =>
    partitions.map(({ records, abortedTransactions, ...rest }) => {
      const bytes = Buffer.isBuffer(records) ? records : Buffer.concat(records ?? [])
      const batches = batchesOf(bytes).batches.map(({ baseOffset }) => baseOffset)
      const last = batches.at(-1) ?? -1
      const aborted = abortedTransactions?.filter(({ firstOffset }) => firstOffset <= last)
      return { ...rest, batches, aborted }
    }),
  )
}

/** Several segments, and an index with an entry for each batch. */
const segments: Scenario = {
  name: 'Fetch: aborted transactions across segments',
  run: async (send) => {
    const settings = { 'segment.bytes': '1048576', 'index.interval.bytes': '1' }
    const place = await placeOf(send, 'tx-segments', settings)
    const tx = transactions(send)
    const large = { values: ['x'.repeat(400_000)] }
    let [a, b] = [await tx.begin('tx-segments-a'), await tx.begin('tx-segments-b')]
    await tx.produce('(b)', b, place, 0, large)
    for (let i = 0; i < 4; i++) {
      await tx.produce(`(a ${i})`, a, place, 0, large)
      a = await tx.end(`(a ends ${i})`, a, i === 2)
    }
    b = await tx.end('(b aborts)', b, false)
    const end = { fetchOffset: 10, partitionMaxBytes: 1 }
    for (let offset = 0; offset <= 10; offset++) {
      for (const partitionMaxBytes of [1, 450_000, 850_000, 1 << 23]) {
        const seen = await readCommitted(send, place, offset, partitionMaxBytes)
        const topics = [{ topicId: place.topicId, partitions: [{ partition: 0, ...end }] }]
        const what = `${partitionMaxBytes} bytes at a time from ${offset}`
        await send(Fetch, 18, what, { maxWaitMs: 0, minBytes: 0, isolationLevel: 1, topics }, () => seen)
      }
    }
  },
}

/**
 * Offsets of the batches that a consumer of committed records shows its application, from this offset to the end. How
 * many requests it takes differs: Kafka reads one segment at a time.
 */
async function readCommitted(send: Send, place: Place, from: number, partitionMaxBytes: number): Promise<number[]> {
  const seen: number[] = []
  for (let fetchOffset = from; ; ) {
    const topics = [{ topicId: place.topicId, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes }] }]
    const { responses } = await send(Fetch, 18, '~', { maxWaitMs: 0, minBytes: 0, isolationLevel: 1, topics })
    const { records, abortedTransactions } = responses[0]!.partitions[0]!
    const { batches } = batchesOf(Buffer.concat((records as readonly Buffer[] | null) ?? []))
    if (batches.length === 0) return seen
    const toCome = [...(abortedTransactions ?? [])].sort((x, y) => x.firstOffset - y.firstOffset)
    const aborted = new Set<number>()
    for (const batch of batches) {
      while (toCome.length > 0 && toCome[0]!.firstOffset <= batch.lastOffset) aborted.add(toCome.shift()!.producerId)
      if (batch.isControl) aborted.delete(batch.producerId)
      else if (!aborted.has(batch.producerId)) seen.push(batch.baseOffset)
    }
    fetchOffset = batches.at(-1)!.lastOffset + 1
  }
}

/** Fetches that wait for the end of a transaction. */
const waits: Scenario[] = inVersions(Fetch, 'waits for the end of a transaction', async (send, version, opener) => {
  const name = `tx-wait-${version}`
  const place = await placeOf(send, name)
  const tx = transactions(send)
  let who = await tx.begin(name)
  for (const committed of [true, false]) {
    await tx.produce('(produce)', who, place, 0)
    const other = await opener()
    const { responses } = await transactions(send, withVersion(Fetch, version)).fetch('what is there', place, 1)
    const fetchOffset = responses[0]!.partitions[0]!.lastStableOffset
    const topic = version >= FIRST_FETCH_BY_ID ? { topicId: place.topicId } : { topic: name }
    const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }]
    const request = { maxWaitMs: 15_000, minBytes: 1, isolationLevel: 1, topics: [{ ...topic, partitions }] }
    const startedMs = performance.now()
    const waiting = other(Fetch, version, `waits, ${committed}`, request, (answer) => ({
      ...answer,
      waitedInVain: performance.now() - startedMs > 14_000,
      responses: answer.responses.map(({ partitions: all, ...rest }) => ({
        ...rest,
        partitions: all.map(({ records, ...partition }) => partition),
      })),
    }))
    await producer(send, 9)('(plain, beside the transaction)', place, batchOf(['plain']))
    who = await tx.end('(end)', who, committed)
    await waiting
  }
})

const questions = inVersions(ListOffsets, 'in transactions', async (send, version) => {
  const name = `tx-list-offsets-${version}`
  const place = await placeOf(send, name)
  const tx = transactions(send, withVersion(ListOffsets, version))
  const timestamps = [-1, -2, -3, -4, -5, 0, someTimeMs, someTimeMs + 1000, someTimeMs + 1001]
  const ask = async (what: string) => {
    for (const [i, timestamp] of timestamps.entries())
      for (const level of [0, 1])
        await tx.listOffsets(`${what}, question ${i}, level ${level}`, place, timestamp, level)
  }
  const { d } = await overlapping(send, place, ask)
  await tx.end('(d commits)', d, true)
  await ask('d has committed')
})

const drops = inVersions(DeleteRecords, 'in the middle of a transaction', async (send, version) => {
  const name = `tx-drop-records-${version}`
  const place = await placeOf(send, name)
  const tx = transactions(send)
  const drop = (what: string, offset: number) =>
    send(DeleteRecords, version, what, {
      ...{ topics: [{ name, partitions: [{ partitionIndex: 0, offset }] }], timeoutMs },
    })
  let who = await tx.begin(name)
  for (const committed of [true, false]) {
    await tx.produce('(first)', who, place, 0)
    await tx.produce('(second)', who, place, 2)
    await drop('everything', -1)
    await tx.look(`dropped, ${committed}`, place)
    await tx.produce('(third)', who, place, 4)
    await tx.look(`written on, ${committed}`, place)
    who = await tx.end('(end)', who, committed)
    await tx.look(`ended, ${committed}`, place)
  }
})

const topicsThatGo: Scenario[] = [true, false].map((committed) => ({
  name: `DeleteTopics: a topic of a transaction that ${committed ? 'commits' : 'aborts'}`,
  run: async (send) => {
    const name = `tx-topic-goes-${committed}`
    const [place, stays] = [await placeOf(send, name), await placeOf(send, `${name}-stays`)]
    const tx = transactions(send)
    const who = await tx.begin(name)
    for (const each of [place, stays]) await tx.produce('(produce)', who, each, 0)
    await tx.add('(add)', who, place, 1)
    await send(DeleteTopics, 5, 'one of them', { topicNames: [name], timeoutMs })
    await changesAreApplied(send)
    await tx.describe('deleted', name)
    await tx.produce('to the one that is gone', who, place, 2)
    await tx.add('adds the one that is gone', who, place, 0)
    await tx.describeProducers('the one that is gone', place, 0)
    const again = await placeOf(send, name)
    await tx.produce('to the new one, which is in the transaction', who, again, 2)
    await tx.produce('to the new one, from 0', who, again, 0, { index: 1 })
    const next = await tx.end('ends', who, committed)
    await tx.describe('ended', name)
    for (const partition of [0, 1]) await tx.look(`the new one, ${partition}`, again, partition)
    await tx.look('the one that stays', stays)
    await tx.produce('the next transaction', next, again, 0)
    await send(DeleteTopics, 5, 'the only one', { topicNames: [name], timeoutMs })
    await changesAreApplied(send)
    await tx.end('ends the next one', next, !committed)
    await settled(send, name)
    await tx.describe('in the end', name)
  },
}))

const growth: Scenario = {
  name: 'CreatePartitions: in the middle of a transaction',
  run: async (send) => {
    const name = 'tx-grows'
    const place = await placeOf(send, name)
    const tx = transactions(send)
    const who = await tx.begin(name)
    await tx.produce('(produce)', who, place, 0)
    await tx.add('a partition to come', who, place, 2)
    await send(CreatePartitions, 3, 'one more', { topics: [{ name, count: 3, assignments: null }], timeoutMs })
    await changesAreApplied(send)
    await tx.produce('to the new one', who, place, 0, { index: 2 })
    await tx.end('commits', who, true)
    await tx.look('the new one', place, 2)
  },
}

/** What readers see of transactions, and what changes of topics do to them. */
export const transactionRecordScenarios: readonly Scenario[] = [
  ...fetches,
  segments,
  ...waits,
  ...questions,
  ...drops,
  ...topicsThatGo,
  growth,
]
