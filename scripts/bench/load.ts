import { RawClient, requestFrame } from '../../compat-tests/raw-client.ts'
import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { DeleteTopics } from '../../protocol/apis/delete-topics.ts'
import { Fetch } from '../../protocol/apis/fetch.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { batchesOf } from '../../protocol/records/record-batch.ts'
import { LoadConnection } from './load-connection.ts'

/** Versions that every broker since 3.0 supports; the newest that identify topics by name. */
const PRODUCE_VERSION = 9
const FETCH_VERSION = 12

const CONNECTIONS = 3
const IN_FLIGHT = 5
const BATCH_BYTES = 65_536
const FETCH_BYTES = 1_048_576
/** Request timeout of Kafka's clients. */
const TIMEOUT_MS = 30_000

/** Creates a topic while `work` runs and deletes it afterwards, so that data does not pile up. */
export async function withTopic<T>(port: number, name: string, partitions: number, work: () => Promise<T>): Promise<T> {
  await createTopic(port, name, partitions)
  try {
    return await work()
  } finally {
    const client = await RawClient.connect(port)
    await client.send(DeleteTopics, 5, { topics: [], topicNames: [name], timeoutMs: TIMEOUT_MS })
    client.close()
  }
}

/** Creates a topic and waits until it has leaders. */
export async function createTopic(port: number, name: string, partitions: number): Promise<void> {
  const client = await RawClient.connect(port)
  const topic = { name, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] }
  await client.send(CreateTopics, 5, { topics: [topic], timeoutMs: TIMEOUT_MS })
  client.close()
  for (let partition = 0; partition < partitions; partition++) await untilLed(port, name, partition)
}

// Apache Kafka reports the leader of a new partition some milliseconds before that broker leads it.
async function untilLed(port: number, topic: string, partition: number): Promise<void> {
  const connection = await LoadConnection.connect(port)
  const frame = fetchFrame(topic, partition, 0, { maxWaitMs: 0, minBytes: 0 })
  const errorCode = () =>
    connection.send(Fetch, FETCH_VERSION, frame, ({ responses }) => responses[0]?.partitions[0]?.errorCode)
  while ((await errorCode()) !== 0);
  connection.close()
}

/** A batch of about BATCH_BYTES of records of that size, the same in each request; the broker cannot notice that. */
export function sampleBatch(recordBytes: number, count = Math.max(1, Math.floor(BATCH_BYTES / recordBytes))): Buffer {
  const value = Buffer.from(Array.from({ length: recordBytes }, (_, index) => 97 + ((index * 7) % 26)))
  const timestamp = Date.now()
  return buildBatch(Array.from({ length: count }, () => ({ timestamp, key: null, value })))
}

/** Encodes a produce request with acks=1. */
export function produceFrame(topic: string, partition: number, records: Buffer): Buffer {
  const topicData = [{ name: topic, partitionData: [{ index: partition, records }] }]
  return requestFrame(Produce, PRODUCE_VERSION, { acks: 1, timeoutMs: TIMEOUT_MS, topicData } as never)
}

/** Resolves when the broker has acknowledged it. */
export async function produce(connection: LoadConnection, frame: Buffer): Promise<void> {
  const errorCode = await connection.send(
    Produce,
    PRODUCE_VERSION,
    frame,
    ({ responses }) => responses[0]?.partitionResponses[0]?.errorCode,
  )
  if (errorCode !== 0) throw new Error(`produce answered error ${errorCode}`)
}

/**
 * Produces batches to the partitions in turn, over several connections with requests in flight, like a busy client.
 * Resolves to the number of batches: fewer if `isOver` ended it early.
 */
export async function produceMany(
  port: number,
  topic: string,
  partitions: number,
  batch: Buffer,
  { batches, isOver = () => false }: { batches: number; isOver?: () => boolean },
): Promise<number> {
  const frames = Array.from({ length: partitions }, (_, partition) => produceFrame(topic, partition, batch))
  const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => LoadConnection.connect(port)))
  let sent = 0
  const lane = async (connection: LoadConnection) => {
    while (sent < batches && !isOver()) await produce(connection, frames[sent++ % partitions]!)
  }
  await Promise.all(connections.flatMap((connection) => Array.from({ length: IN_FLIGHT }, () => lane(connection))))
  for (const connection of connections) connection.close()
  return sent
}

function fetchFrame(
  topic: string,
  partition: number,
  fetchOffset: number,
  wait: { maxWaitMs: number; minBytes: number },
  isolationLevel = 0,
): Buffer {
  const partitions = [{ partition, fetchOffset, partitionMaxBytes: FETCH_BYTES, logStartOffset: -1 }]
  return requestFrame(Fetch, FETCH_VERSION, {
    ...wait,
    maxBytes: 50 * FETCH_BYTES,
    isolationLevel,
    topics: [{ topic, partitions }],
    forgottenTopicsData: [],
  } as never)
}

/**
 * Fetches once from that offset, with a wait of up to half a second; returns the next offset and the number of bytes.
 * isolationLevel 1: committed records only.
 */
export function fetchOnce(
  connection: LoadConnection,
  topic: string,
  partition: number,
  offset: number,
  isolationLevel = 0,
): Promise<{ nextOffset: number; bytes: number }> {
  const frame = fetchFrame(topic, partition, offset, { maxWaitMs: 500, minBytes: 1 }, isolationLevel)
  return connection.send(Fetch, FETCH_VERSION, frame, ({ responses }) => {
    const found = responses[0]?.partitions[0]
    if (found?.errorCode !== 0) throw new Error(`fetch answered error ${found?.errorCode}`)
    let [nextOffset, bytes] = [offset, 0]
    for (const records of found.records ?? []) {
      bytes += records.length
      for (const batch of batchesOf(records).batches) nextOffset = batch.nextOffset
    }
    return { nextOffset, bytes }
  })
}

/** Reads a topic from its start, one connection per partition, until each partition has returned that many records. */
export async function consumeMany(
  port: number,
  topic: string,
  partitions: number,
  recordsEach: readonly number[],
  isolationLevel = 0,
) {
  const readPartition = async (partition: number) => {
    const connection = await LoadConnection.connect(port)
    let offset = 0
    while (offset < recordsEach[partition]!) {
      const { nextOffset } = await fetchOnce(connection, topic, partition, offset, isolationLevel)
      offset = nextOffset
    }
    connection.close()
  }
  await Promise.all(Array.from({ length: partitions }, (_, partition) => readPartition(partition)))
}
