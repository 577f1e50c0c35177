import { RawClient } from '../../compat-tests/raw-client.ts'
import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { Fetch } from '../../protocol/apis/fetch.ts'
import { Metadata } from '../../protocol/apis/metadata.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { batchesOf } from '../../protocol/records/record-batch.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'

/** Versions that every broker since 3.0 speaks; the newest that name topics, not ids. */
const PRODUCE_VERSION = 9
const FETCH_VERSION = 12

const PARTITIONS = 6
const CONNECTIONS = 3
const IN_FLIGHT = 5
const BATCH_BYTES = 65_536
const FETCH_BYTES = 1_048_576

/** Creates a topic and waits until each partition has a leader. */
export async function createTopic(client: RawClient, name: string, partitions = PARTITIONS): Promise<void> {
  const topic = { name, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] }
  await client.send(CreateTopics, 5, { topics: [topic], timeoutMs: 30_000 })
  for (;;) {
    const { topics } = await client.send(Metadata, 9, {
      topics: [{ name, topicId: ZERO_UUID }],
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })
    const known = topics[0]?.partitions ?? []
    if (known.length === partitions && known.every(({ leaderId }) => leaderId >= 0)) return
  }
}

/** A batch of about BATCH_BYTES of records of that size, the same for each request: the broker cannot tell. */
export function sampleBatch(recordBytes: number): { bytes: Buffer; count: number } {
  const value = Buffer.from(Array.from({ length: recordBytes }, (_, index) => 97 + ((index * 7) % 26)))
  const count = Math.max(1, Math.floor(BATCH_BYTES / recordBytes))
  const timestamp = Date.now()
  return { bytes: buildBatch(Array.from({ length: count }, () => ({ timestamp, key: null, value }))), count }
}

/** Produces that many bytes with acks=1 over several connections with requests in flight, as a busy client does. */
export async function produceBytes(
  port: number,
  topic: string,
  recordBytes: number,
  totalBytes: number,
): Promise<void> {
  const { bytes } = sampleBatch(recordBytes)
  let left = Math.ceil(totalBytes / bytes.length)
  let partition = 0
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => RawClient.connect(port)))
  const lane = async (client: RawClient) => {
    while (left-- > 0) {
      const index = partition++ % PARTITIONS
      const topicData = [{ name: topic, topicId: ZERO_UUID, partitionData: [{ index, records: bytes }] }]
      const { responses } = await client.send(Produce, PRODUCE_VERSION, { acks: 1, timeoutMs: 30_000, topicData })
      const code = responses[0]?.partitionResponses[0]?.errorCode
      if (code !== 0) throw new Error(`produce answered ${code}`)
    }
  }
  await Promise.all(clients.flatMap((client) => Array.from({ length: IN_FLIGHT }, () => lane(client))))
  for (const client of clients) client.close()
}

/** Fetches a topic from its start to `totalBytes`, one connection a partition; answers the bytes of records received. */
export async function consumeBytes(port: number, topic: string, totalBytes: number): Promise<number> {
  let received = 0
  const readPartition = async (partition: number) => {
    const client = await RawClient.connect(port)
    let offset = 0
    for (;;) {
      const records = await fetchOnce(client, topic, partition, offset)
      if (records.length === 0) break
      received += records.length
      for (const batch of batchesOf(records).batches) offset = batch.nextOffset
      if (received >= totalBytes) break
    }
    client.close()
  }
  await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => readPartition(partition)))
  return received
}

export async function fetchOnce(
  client: RawClient,
  topic: string,
  partition: number,
  fetchOffset: number,
  wait = { maxWaitMs: 100, minBytes: 1 },
): Promise<Buffer> {
  const partitions = [{ partition, fetchOffset, partitionMaxBytes: FETCH_BYTES, logStartOffset: -1 }]
  const { responses } = await client.send(Fetch, FETCH_VERSION, {
    ...wait,
    maxBytes: 50 * FETCH_BYTES,
    isolationLevel: 0,
    topics: [{ topic, topicId: ZERO_UUID, partitions }],
    forgottenTopicsData: [],
  })
  const found = responses[0]?.partitions[0]
  if (found === undefined) return Buffer.alloc(0)
  if (found.errorCode !== 0) throw new Error(`fetch answered ${found.errorCode}`)
  const slices = found.records ?? []
  return slices.length === 1 ? slices[0]! : Buffer.concat(slices)
}
