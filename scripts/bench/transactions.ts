import { performance } from 'node:perf_hooks'
import { RawClient } from '../../compat-tests/raw-client.ts'
import { DescribeTransactions } from '../../protocol/apis/describe-transactions.ts'
import { BenchProducer, type TransactionLoad } from './bench-producer.ts'
import { consumeMany, createTopic, fetchOnce, withTopic } from './load.ts'
import { LoadConnection } from './load-connection.ts'
import { cpuSeconds, residentMb } from './measured-process.ts'
import { percentiles } from './paced-records.ts'
import type { Figure, Section } from './section.ts'

const PRODUCERS = 4
/** Loads by records and partitions of one transaction, and how many of them are measured. */
const LOADS = [
  { records: 1, partitions: 1, count: 4000 },
  { records: 100, partitions: 1, count: 4000 },
  { records: 100, partitions: 100, count: 400 },
  { records: 10_000, partitions: 1, count: 200 },
  { records: 10_000, partitions: 100, count: 200 },
] as const

let topicCount = 0

/** Transactions of several producers that each wait for the end of one before the next. */
export const transactions: Section = {
  name: 'transactions',
  run: async ({ broker }, { quick }) => {
    const figures: Figure[] = []
    for (const { records, partitions, count } of LOADS) {
      const topic = `transactions-${topicCount++}`
      const load = { topic, records, partitions }
      const total = quick ? Math.ceil(count / 10) : count
      const measured = await withTopic(broker.port, topic, partitions, () => rate(broker, load, total))
      figures.push(...measured)
    }
    return figures
  },
}

interface MeasuredBroker {
  readonly port: number
  readonly pid: number
}

async function rate(broker: MeasuredBroker, load: TransactionLoad, count: number): Promise<Figure[]> {
  const producers = await producersOf(broker.port, load)
  await inTurn(producers, Math.ceil(count / 4))
  const cpu = cpuSeconds(broker.pid)
  const startedMs = performance.now()
  await inTurn(producers, count)
  const seconds = (performance.now() - startedMs) / 1000
  const cpuMs = (1000 * (cpuSeconds(broker.pid) - cpu)) / count
  for (const producer of producers) producer.close()
  const what = `${plural(load.records, 'record')}, ${plural(load.partitions, 'partition')}`
  return [
    { name: what, unit: '1/s', value: count / seconds, best: 'highest' },
    { name: `${what}, CPU`, unit: 'ms', value: cpuMs, best: 'lowest' },
  ]
}

function plural(count: number, noun: string): string {
  return `${count} ${count === 1 ? noun : `${noun}s`}`
}

function producersOf(port: number, load: TransactionLoad): Promise<BenchProducer[]> {
  const ids = Array.from({ length: PRODUCERS }, (_, i) => `${load.topic}-${i}`)
  return Promise.all(ids.map((id) => BenchProducer.start(port, id, load)))
}

async function inTurn(producers: readonly BenchProducer[], count: number): Promise<void> {
  let begun = 0
  const work = async (producer: BenchProducer) => {
    while (begun++ < count) await producer.transaction()
  }
  await Promise.all(producers.map(work))
}

/** One transaction after the other: from the request that ends it until a waiting consumer has its record. */
export const committedLatency: Section = {
  name: 'transactions: commit to visible',
  run: async ({ broker }, { quick }) => {
    const topic = `visible-${topicCount++}`
    const load = { topic, partitions: 1, records: 1 }
    return withTopic(broker.port, topic, 1, async () => {
      const producer = await BenchProducer.start(broker.port, topic, load)
      const consumer = await LoadConnection.connect(broker.port)
      const [committed, visible]: [number[], number[]] = [[], []]
      let offset = 0
      for (let i = 0; i < (quick ? 200 : 1000); i++) {
        let endingMs = 0
        const reading = (async () => {
          const { nextOffset } = await fetchOnce(consumer, topic, 0, offset, 1)
          offset = nextOffset
          if (i > 100) visible.push(performance.now() - endingMs)
        })()
        await producer.transaction(true, () => {
          endingMs = performance.now()
        })
        if (i > 100) committed.push(performance.now() - endingMs)
        await reading
      }
      producer.close()
      consumer.close()
      return [...percentiles('committed', committed), ...percentiles('visible', visible)]
    })
  },
}

/** The same topic of committed transactions, read by both isolation levels. */
export const isolation: Section = {
  name: 'transactions: isolation levels',
  run: async ({ broker }, { quick }) => {
    const topic = `isolation-${topicCount++}`
    const load = { topic, partitions: 1, records: 100 }
    const count = quick ? 500 : 5000
    return withTopic(broker.port, topic, 1, async () => {
      const producers = await producersOf(broker.port, load)
      await inTurn(producers, count)
      for (const producer of producers) producer.close()
      // Each transaction has a marker.
      const records = count * (load.records + 1)
      const figures: Figure[] = []
      for (const [level, name] of [
        [0, 'read_uncommitted'],
        [1, 'read_committed'],
      ] as const) {
        const startedMs = performance.now()
        for (let i = 0; i < 3; i++) await consumeMany(broker.port, topic, 1, [records], level)
        const seconds = (performance.now() - startedMs) / 1000
        figures.push({ name, unit: '1/s', value: (3 * count * load.records) / seconds, best: 'highest' })
      }
      return figures
    })
  },
}

/** Many transactional ids: memory, and the time after a restart until they are known. */
export const transactionalIds: Section = {
  name: 'transactions: many ids',
  cold: true,
  runs: 2,
  run: async (contender, { quick }) => {
    const broker = await contender.start()
    try {
      const topic = 'ids'
      const load = { topic, partitions: 1, records: 1 }
      const count = quick ? 1000 : 10_000
      await createTopic(broker.port, topic, 1)
      await BenchProducer.start(broker.port, 'first', load).then((each) => each.close())
      const before = residentMb(broker.pid)
      for (let i = 0; i < count; i += 100) {
        const ids = Array.from({ length: 100 }, (_, j) => `id-${i + j}`)
        const producers = await Promise.all(ids.map((id) => BenchProducer.start(broker.port, id, load)))
        await Promise.all(producers.map((producer) => producer.transaction()))
        for (const producer of producers) producer.close()
      }
      const memory = residentMb(broker.pid)
      await broker.stop()
      const startedMs = performance.now()
      await broker.restart()
      await knownAgain(broker.port, `id-${count - 1}`)
      return [
        {
          name: `memory, ${count} ids`,
          unit: 'MB',
          value: memory,
          best: 'lowest',
          note: `${Math.round(before)} before`,
        },
        { name: 'known after a restart', unit: 'ms', value: performance.now() - startedMs, best: 'lowest' },
      ]
    } finally {
      await broker.dispose()
    }
  },
}

async function knownAgain(port: number, transactionalId: string): Promise<void> {
  const client = await RawClient.connect(port)
  for (;;) {
    const { transactionStates } = await client.send(DescribeTransactions, 0, { transactionalIds: [transactionalId] })
    if (transactionStates[0]?.errorCode === 0) return client.close()
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
