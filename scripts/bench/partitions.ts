import { performance } from 'node:perf_hooks'
import { RawClient } from '../../compat-tests/raw-client.ts'
import type { TestBroker } from '../../compat-tests/test-broker.ts'
import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { ListOffsets } from '../../protocol/apis/list-offsets.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { sampleBatch } from './load.ts'
import { copyData, madeData } from './made-data.ts'
import { cpuSeconds, residentMb } from './measured-process.ts'
import type { Figure, Section } from './section.ts'
import { firstAnswer } from './start.ts'

const PARTITIONS_EACH = 100
const RECORDS_EACH = 10
const RECORD_BYTES = 100
const IDLE_MS = 1000
const STARTS = 3
const TIMEOUT_MS = 30_000

/**
 * Start with many partitions, each with one segment and some records, after a clean stop. Both brokers work on copies
 * of one directory.
 */
export const partitions: Section = {
  name: 'partitions',
  cold: true,
  runs: 1,
  prepare: ({ quick }) => madeData((port) => fill(port, topicCount(quick))),
  async run(contender, { quick, dataDir }) {
    const broker = await contender.onData((to) => copyData(dataDir, to))
    const figures: Figure[] = []
    try {
      // Apache Kafka takes a minute or more, so one run is enough.
      const starts = quick || contender.name === 'Apache Kafka' ? 1 : STARTS
      for (let start = 0; start < starts; start++) {
        if (start > 0) await broker.stop()
        figures.push(...(await started(broker, quick)))
      }
      return figures
    } finally {
      await broker.dispose()
    }
  },
}

function topicCount(quick: boolean): number {
  return quick ? 10 : 100
}

function topicName(index: number): string {
  return `partitions-${index}`
}

async function fill(port: number, topics: number): Promise<void> {
  const client = await RawClient.connect(port)
  const batch = sampleBatch(RECORD_BYTES, RECORDS_EACH)
  for (let index = 0; index < topics; index++) {
    const name = topicName(index)
    const topic = { name, numPartitions: PARTITIONS_EACH, replicationFactor: 1, assignments: [], configs: [] }
    await client.send(CreateTopics, 5, { topics: [topic], timeoutMs: TIMEOUT_MS })
    const partitionData = Array.from({ length: PARTITIONS_EACH }, (_, index) => ({ index, records: batch }))
    const topicData = [{ name, partitionData }]
    const { responses } = await client.send(Produce, 9, { acks: 1, timeoutMs: TIMEOUT_MS, topicData } as never)
    const refused = responses[0]?.partitionResponses.find(({ errorCode }) => errorCode !== 0)
    if (refused !== undefined) throw new Error(`produce answered error ${refused.errorCode}`)
  }
  client.close()
}

async function started(broker: TestBroker, quick: boolean): Promise<Figure[]> {
  const startedMs = performance.now()
  const restart = broker.restart()
  await firstAnswer(broker.port)
  const readyMs = performance.now() - startedMs
  const cpu = cpuSeconds(broker.pid)
  const client = await RawClient.connect(broker.port)
  await untilThere(client, topicCount(quick) - 1)
  const servedMs = performance.now() - startedMs
  await restart
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
  const idleMb = residentMb(broker.pid)
  for (let topic = 0; topic < topicCount(quick); topic++) await untilThere(client, topic)
  client.close()
  const lowest = (name: string, unit: string, value: number): Figure => ({ name, unit, value, best: 'lowest' })
  return [
    lowest('ready after', 'ms', readyMs),
    lowest('CPU until then', 'ms', cpu * 1000),
    lowest('offsets of a topic after', 'ms', servedMs),
    lowest('idle memory', 'MB', idleMb),
    lowest('memory, all asked for', 'MB', residentMb(broker.pid)),
  ]
}

/** Waits until all partitions of a topic return their end offset, which must be after the last record. */
async function untilThere(client: RawClient, topic: number): Promise<void> {
  const partitions = Array.from({ length: PARTITIONS_EACH }, (_, partitionIndex) => ({ partitionIndex, timestamp: -1 }))
  const request = { replicaId: -1, topics: [{ name: topicName(topic), partitions }] } as never
  for (;;) {
    const { topics } = await client.send(ListOffsets, 1, request)
    const answers = topics[0]!.partitions
    if (answers.every(({ errorCode }) => errorCode === 0)) {
      if (answers.some(({ offset }) => offset !== RECORDS_EACH)) throw new Error('a partition lost its records')
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
