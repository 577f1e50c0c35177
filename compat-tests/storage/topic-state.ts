import { expect } from 'chai'
import { Kafka, logLevel } from 'kafkajs'
import { DescribeProducers } from '../../protocol/apis/describe-producers.ts'
import { Fetch } from '../../protocol/apis/fetch.ts'
import { ListOffsets } from '../../protocol/apis/list-offsets.ts'
import { OffsetForLeaderEpoch } from '../../protocol/apis/offset-for-leader-epoch.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { describeFile } from '../golden-records/record-files.ts'
import { RawClient } from '../raw-client.ts'
import type { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'

export const NO_TOPIC_ID = '00000000-0000-0000-0000-000000000000'
export const FIRST_MS = Date.now() - 3_600_000

export async function withClient<T>(broker: TestBroker, task: (client: RawClient) => Promise<T>): Promise<T> {
  const client = await RawClient.connect(broker.port)
  try {
    return await task(client)
  } finally {
    client.close()
  }
}

/** Every batch and record of a topic, in the text of describeFile. */
export async function readAll(broker: TestBroker, topic: string): Promise<string[]> {
  return withClient(broker, async (client) => {
    const [start, end] = [await offsetAt(client, topic, -2), await offsetAt(client, topic, -1)]
    const lines: string[] = []
    for (let at = start.offset; at < end.offset; ) {
      const partitions = [{ partition: 0, fetchOffset: at, logStartOffset: -1, partitionMaxBytes: 1 << 20 }]
      const { responses } = await client.send(Fetch, 12, {
        maxWaitMs: 0,
        minBytes: 1,
        topics: [{ topic, topicId: NO_TOPIC_ID, partitions }],
        forgottenTopicsData: [],
      })
      const { errorCode, records: found } = responses[0]!.partitions[0]!
      expect(errorName(errorCode), topic).to.equal('NONE')
      const text = describeFile(Buffer.concat(found ?? []))
      if (text.length === 0) break
      lines.push(...text)
      at = 1 + Math.max(...text.map((line) => Number(/^(?:batch .* offsets \d+-)?(\d+)/.exec(line)![1])))
    }
    return lines
  })
}

async function offsetAt(client: RawClient, name: string, timestamp: number) {
  const { topics: answers } = await client.send(ListOffsets, 6, {
    replicaId: -1,
    isolationLevel: 0,
    timeoutMs: 10_000,
    topics: [{ name, partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp }] }],
  })
  const { errorCode, offset, timestamp: found, leaderEpoch } = answers[0]!.partitions[0]!
  // The start and end of a topic have the current leader's epoch.
  const epoch = timestamp >= 0 && { leaderEpoch }
  return { errorCode, offset: Number(offset), timestamp: Number(found), ...epoch }
}

/** The end of partition 0, open transactions included. */
export async function endOf(broker: TestBroker, topic: string): Promise<number> {
  return withClient(broker, async (client) => (await offsetAt(client, topic, -1)).offset)
}

export type TopicState = Awaited<ReturnType<typeof stateOf>>

/** What clients can read about a topic's log, except what a leader change alters. */
export async function stateOf(broker: TestBroker, topic: string) {
  const content = await readAll(broker, topic)
  return withClient(broker, async (client) => {
    const offsets = []
    for (const timestamp of [-1, -2, FIRST_MS, FIRST_MS + 4700, FIRST_MS + 15_000, FIRST_MS + 9e6]) {
      offsets.push(await offsetAt(client, topic, timestamp))
    }
    const place = [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0 }]
    const epochs = await client.send(OffsetForLeaderEpoch, 4, { replicaId: -1, topics: [{ topic, partitions: place }] })
    const { leaderEpoch, endOffset } = epochs.topics[0]!.partitions[0]!
    const { topics: described } = await client.send(DescribeProducers, 0, {
      topics: [{ name: topic, partitionIndexes: [0] }],
    })
    const producers = described[0]!.partitions[0]!.activeProducers.map((each) => ({ ...each }))
    return { offsets, epoch: { leaderEpoch, endOffset: Number(endOffset) }, producers, content }
  })
}

/** Waits for leadership: a broker may listen before it leads. */
export async function leadsAll(broker: TestBroker, names: readonly string[]): Promise<void> {
  await withClient(broker, (client) =>
    waitFor('it leads each partition', async () => {
      const answers = await Promise.all(names.map((name) => offsetAt(client, name, -1)))
      return answers.every(({ errorCode }) => errorCode === 0)
    }),
  )
}

export async function statesOf(broker: TestBroker, names: readonly string[]): Promise<Map<string, TopicState>> {
  const states = new Map<string, TopicState>()
  for (const name of names) states.set(name, await stateOf(broker, name))
  return states
}

/** What a stock consumer reads from the beginning; it does not receive aborted records. */
export async function consumed(broker: TestBroker, topic: string, count: number): Promise<string[]> {
  const kafka = new Kafka({
    brokers: [broker.bootstrap],
    logLevel: logLevel.NOTHING,
    retry: { retries: 60, maxRetryTime: 1000 },
  })
  const consumer = kafka.consumer({ groupId: `reader of ${topic}`, readUncommitted: false })
  const values: string[] = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      values.push(String(message.value))
    },
  })
  await waitFor(`${count} records of ${topic} are read`, () => values.length >= count, 30_000)
  await consumer.disconnect()
  return values
}
