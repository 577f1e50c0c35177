import { performance } from 'node:perf_hooks'
import { RawClient, requestFrame } from '../../compat-tests/raw-client.ts'
import type { TestBroker } from '../../compat-tests/test-broker.ts'
import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { Fetch } from '../../protocol/apis/fetch.ts'
import { ListOffsets } from '../../protocol/apis/list-offsets.ts'
import { batchesOf } from '../../protocol/records/record-batch.ts'
import { produce, produceFrame, sampleBatch } from './load.ts'
import { LoadConnection } from './load-connection.ts'
import { copyData, madeData } from './made-data.ts'
import type { Figure, Section } from './section.ts'
import { offsetOfPair, PAIRS_A_SEGMENT, timestampOfPair, writeSparseLog } from './sparse-log.ts'
import { firstAnswer } from './start.ts'

const COUNTS = [1, 100, 1000]
const REQUESTS = 500
const RECORD_BYTES = 100
const STARTS = 2
const HOUR_MS = 3_600_000
const TIMEOUT_MS = 30_000

/** Logs of 1, 100 and 1,000 segments of 100 MB: the cost of opening and using them. The files are sparse. */
export const segments: Section = {
  name: 'segments',
  cold: true,
  runs: 1,
  prepare: () => madeData(fill),
  async run(contender, { quick, dataDir }) {
    const firstMs = Date.now() - HOUR_MS
    const broker = await contender.onData((to) => {
      copyData(dataDir, to)
      for (const count of COUNTS) writeSparseLog(to, topicName(count), count, firstMs)
    })
    try {
      const figures: Figure[] = []
      for (let start = 0; start < (quick ? 1 : STARTS); start++) figures.push(...(await started(broker, firstMs)))
      return figures
    } finally {
      await broker.dispose()
    }
  },
}

function topicName(count: number): string {
  return `segments-${count}`
}

/** Creates topics with one record each; their segments are added later. */
async function fill(port: number): Promise<void> {
  const client = await RawClient.connect(port)
  const topics = COUNTS.map((count) => ({
    name: topicName(count),
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }))
  await client.send(CreateTopics, 5, { topics, timeoutMs: TIMEOUT_MS })
  client.close()
  const connection = await LoadConnection.connect(port)
  for (const { name } of topics) await produce(connection, produceFrame(name, 0, sampleBatch(RECORD_BYTES, 1)))
  connection.close()
}

async function started(broker: TestBroker, firstMs: number): Promise<Figure[]> {
  const startedMs = performance.now()
  const restart = broker.restart()
  await firstAnswer(broker.port)
  const figures = [lowest('ready after', 'ms', performance.now() - startedMs)]
  await restart
  const connection = await LoadConnection.connect(broker.port)
  for (const count of COUNTS) figures.push(await opened(connection, count))
  // Compiles hot code first, so that its cost counts for none of them.
  await used(connection, COUNTS[0]!, firstMs)
  for (const count of COUNTS) figures.push(...(await used(connection, count, firstMs)))
  connection.close()
  await broker.stop()
  return figures
}

async function opened(connection: LoadConnection, count: number): Promise<Figure> {
  const startedMs = performance.now()
  while ((await listOffsets(connection, count, -1)) === undefined);
  return lowest(`first end, ${shown(count)}`, 'ms', performance.now() - startedMs)
}

async function used(connection: LoadConnection, count: number, firstMs: number): Promise<Figure[]> {
  const pairs = count * PAIRS_A_SEGMENT
  const near = (share: number) =>
    Math.floor(share * (pairs - PAIRS_A_SEGMENT)) + Math.floor(Math.random() * PAIRS_A_SEGMENT)
  const any = () => Math.floor(Math.random() * pairs)
  const frame = produceFrame(topicName(count), 0, sampleBatch(RECORD_BYTES, 1))
  // The first search for a timestamp reads the time indexes of all segments before it.
  const search = async (pair: number) =>
    expectOffset(pair, await listOffsets(connection, count, timestampOfPair(firstMs, pair)))
  const firstSearchMs = await mean(1, () => search(pairs - 1))
  return [
    lowest(`fetch at start, ${shown(count)}`, 'us', await mean(REQUESTS, () => fetchPair(connection, count, near(0)))),
    lowest(
      `fetch in middle, ${shown(count)}`,
      'us',
      await mean(REQUESTS, () => fetchPair(connection, count, near(0.5))),
    ),
    lowest(`fetch at end, ${shown(count)}`, 'us', await mean(REQUESTS, () => fetchPair(connection, count, near(1)))),
    lowest(`first by time, ${shown(count)}`, 'us', firstSearchMs),
    lowest(`by time, ${shown(count)}`, 'us', await mean(REQUESTS, () => search(any()))),
    lowest(`append, ${shown(count)}`, 'us', await mean(REQUESTS, () => produce(connection, frame))),
  ]
}

function shown(count: number): string {
  return count === 1 ? '1 segment' : `${count} segments`
}

/** Mean microseconds per call. */
async function mean(calls: number, call: () => Promise<void>): Promise<number> {
  const startedMs = performance.now()
  for (let i = 0; i < calls; i++) await call()
  return ((performance.now() - startedMs) * 1000) / calls
}

/** Reads one small batch. */
async function fetchPair(connection: LoadConnection, count: number, pair: number): Promise<void> {
  const fetchOffset = offsetOfPair(pair)
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: RECORD_BYTES, logStartOffset: -1 }]
  const frame = requestFrame(Fetch, 12, {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: RECORD_BYTES,
    isolationLevel: 0,
    topics: [{ topic: topicName(count), partitions }],
    forgottenTopicsData: [],
  } as never)
  const found = await connection.send(Fetch, 12, frame, ({ responses }) => {
    const [first] = responses[0]?.partitions[0]?.records ?? []
    return first && batchesOf(first).batches[0]?.baseOffset
  })
  expectOffset(pair, found)
}

/** undefined: the partition has no leader yet. */
function listOffsets(connection: LoadConnection, count: number, timestamp: number): Promise<number | undefined> {
  const topics = [{ name: topicName(count), partitions: [{ partitionIndex: 0, timestamp }] }]
  const frame = requestFrame(ListOffsets, 1, { replicaId: -1, topics } as never)
  return connection.send(ListOffsets, 1, frame, ({ topics }) => {
    const answer = topics[0]?.partitions[0]
    return answer?.errorCode === 0 ? answer.offset : undefined
  })
}

function expectOffset(pair: number, offset: number | undefined): void {
  if (offset !== offsetOfPair(pair)) throw new Error(`offset ${offset} instead of ${offsetOfPair(pair)}`)
}

function lowest(name: string, unit: string, value: number): Figure {
  return { name, unit, value, best: 'lowest' }
}
