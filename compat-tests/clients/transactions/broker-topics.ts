import { CreateTopics } from '../../../protocol/apis/create-topics.ts'
import { Produce } from '../../../protocol/apis/produce.ts'
import { errorName } from '../../../protocol/error-codes.ts'
import { buildBatch } from '../../../protocol/records/batch-builder.ts'
import { ZERO_UUID } from '../../../protocol/schema.ts'
import { RawClient } from '../../raw-client.ts'
import { waitFor } from '../../wait-for.ts'
import { hasOpenTransaction, readCommitted } from './committed-values.ts'

/** Topics of a broker with so many partitions each, written and read without a client. */
export class BrokerTopics {
  readonly #port: number
  readonly #partitions: number

  constructor(port: number, partitions: number) {
    this.#port = port
    this.#partitions = partitions
  }

  async create(...names: readonly string[]): Promise<void> {
    const topics = names.map((name) => ({
      name,
      numPartitions: this.#partitions,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    }))
    const made = await this.ask((client) => client.send(CreateTopics, 5, { topics, timeoutMs: 10_000 }))
    for (const { errorCode } of made.topics) check('CreateTopics', errorCode)
    for (const name of names) await this.#ready(name)
  }

  /** Writes values to each partition, whose keys are `k` and the value. */
  async write(topic: string, values: readonly (readonly string[])[]): Promise<void> {
    await this.writeKeyed(
      topic,
      values.map((each) => each.map((value) => [`k${value}`, value] as const)),
    )
  }

  /** Writes records, key and value, to each partition. */
  async writeKeyed(topic: string, records: readonly (readonly (readonly [key: string, value: string])[])[]) {
    const timestampMs = Date.now()
    let left = records.map((each, index) => ({
      index,
      records: buildBatch(
        each.map(([key, value]) => ({ key, value })),
        { timestampMs },
      ),
    }))
    // Apache Kafka leads some partitions later than others.
    await waitFor(`${topic} is written`, async () => {
      const refused = await this.#produce(topic, left)
      left = left.filter(({ index }) => refused.has(index))
      if (left.length > 0) throw new Error([...refused.values()].join())
      return true
    })
  }

  /** Partitions without a leader, which took nothing, and their errors. */
  async #produce(topic: string, partitionData: readonly { index: number; records: Buffer }[]) {
    const topicData = [{ name: topic, topicId: ZERO_UUID, partitionData: [...partitionData] }]
    const request = { transactionalId: null, acks: -1, timeoutMs: 10_000, topicData }
    const { responses } = await this.ask((client) => client.send(Produce, 9, request))
    const refused = responses[0]!.partitionResponses.filter(({ errorCode }) => errorCode !== 0)
    return new Map(refused.map(({ index, errorCode }) => [index, errorName(errorCode)]))
  }

  /** Committed values of each partition. Rejects while a transaction is open. */
  async committed(topic: string): Promise<string[][]> {
    return this.#each((client, partition) => readCommitted(client, topic, partition))
  }

  /** Whether there is an open transaction in some partition. */
  async isOpen(topic: string): Promise<boolean> {
    return (await this.#each((client, partition) => hasOpenTransaction(client, topic, partition))).includes(true)
  }

  async ask<T>(question: (client: RawClient) => Promise<T>): Promise<T> {
    const client = await RawClient.connect(this.#port)
    try {
      return await question(client)
    } finally {
      client.close()
    }
  }

  /** Apache Kafka has leaders a moment after a topic is created. */
  async #ready(topic: string): Promise<void> {
    await waitFor(`leaders of ${topic}`, async () => {
      await this.isOpen(topic)
      return true
    })
  }

  async #each<T>(question: (client: RawClient, partition: number) => Promise<T>): Promise<T[]> {
    return this.ask(async (client) => {
      const all: T[] = []
      for (let partition = 0; partition < this.#partitions; partition++) all.push(await question(client, partition))
      return all
    })
  }
}

function check(what: string, errorCode: number): void {
  if (errorCode !== 0) throw new Error(`${what}: ${errorName(errorCode)}`)
}
