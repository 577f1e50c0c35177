import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { Fetch } from '../../protocol/apis/fetch.ts'
import { ListOffsets } from '../../protocol/apis/list-offsets.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { type BatchOptions, buildBatch, type NewRecord } from '../../protocol/records/batch-builder.ts'
import { batchesOf } from '../../protocol/records/record-batch.ts'
import { RecordFault, readRecords } from '../../protocol/records/record-reader.ts'
import { RawClient } from '../raw-client.ts'
import { waitFor } from '../wait-for.ts'

const NO_TOPIC_ID = '00000000-0000-0000-0000-000000000000'

/** The broker's response to a batch. */
export interface Produced {
  /** Name of the error, NONE if there was none. */
  readonly error: string
  readonly baseOffset: number
  readonly logAppendTimeMs: number
}

/** Requests about partition 0 of a topic. It returns their errors, which a stock client would hide. */
export class TopicClient {
  readonly #client: RawClient

  private constructor(client: RawClient) {
    this.#client = client
  }

  static async connect(port: number): Promise<TopicClient> {
    return new TopicClient(await RawClient.connect(port))
  }

  close(): void {
    this.#client.close()
  }

  /** Resolves once the topic can be written to. */
  async create(name: string, configs: Readonly<Record<string, string>> = {}): Promise<void> {
    const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
    const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: entries }
    const { topics } = await this.#client.send(CreateTopics, 5, { topics: [topic], timeoutMs: 10_000 })
    if (topics[0]!.errorCode !== 0) throw new Error(`${errorName(topics[0]!.errorCode)} ${topics[0]!.errorMessage}`)
    await waitFor(`${name} has a leader`, async () => (await this.offsetAt(name, -1)).error === 'NONE')
  }

  async produce(topic: string, records: readonly NewRecord[], options: BatchOptions = {}): Promise<Produced> {
    const stamped = records.map((record) => ({ timestamp: Date.now(), ...record }))
    const partitionData = [{ index: 0, records: buildBatch(stamped, options) }]
    const { responses } = await this.#client.send(Produce, 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 10_000,
      topicData: [{ name: topic, topicId: NO_TOPIC_ID, partitionData }],
    })
    const { errorCode, baseOffset, logAppendTimeMs } = responses[0]!.partitionResponses[0]!
    return { error: errorName(errorCode), baseOffset, logAppendTimeMs: Number(logAppendTimeMs) }
  }

  /** Values with their offsets, from an offset on, as many as one response contains; or the error. */
  async fetch(
    topic: string,
    fetchOffset: number,
  ): Promise<{ error: string; records: { offset: number; value: string }[] }> {
    const partitions = [{ partition: 0, fetchOffset, logStartOffset: -1, partitionMaxBytes: 1 << 20 }]
    const { responses } = await this.#client.send(Fetch, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ topic, topicId: NO_TOPIC_ID, partitions }],
      forgottenTopicsData: [],
    })
    const { errorCode, records } = responses[0]!.partitions[0]!
    const { batches } = batchesOf(Buffer.concat(records ?? []))
    return {
      error: errorName(errorCode),
      records: batches.flatMap((batch) => {
        if (!batch.hasValidCrc()) throw new Error(`the batch at ${batch.baseOffset} has a wrong checksum`)
        const found = readRecords(batch)
        if (found instanceof RecordFault) throw new Error(found.message)
        const wanted = found.filter(({ offset }) => offset >= fetchOffset)
        return wanted.map(({ offset, value }) => ({ offset, value: String(value) }))
      }),
    }
  }

  /** ListOffsets: of a timestamp, or -1 latest, -2 earliest, -3 largest timestamp, -4 earliest local. */
  async offsetAt(topic: string, timestamp: number): Promise<{ error: string; offset: number; timestamp: number }> {
    const { topics } = await this.#client.send(ListOffsets, 8, {
      replicaId: -1,
      isolationLevel: 0,
      timeoutMs: 10_000,
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp }] }],
    })
    const found = topics[0]!.partitions[0]!
    return { error: errorName(found.errorCode), offset: Number(found.offset), timestamp: Number(found.timestamp) }
  }
}
