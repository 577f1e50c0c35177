import { CreateTopics } from '../../../protocol/apis/create-topics.ts'
import { InitProducerId } from '../../../protocol/apis/init-producer-id.ts'
import { Produce } from '../../../protocol/apis/produce.ts'
import { errorName } from '../../../protocol/error-codes.ts'
import { buildBatch } from '../../../protocol/records/batch-builder.ts'
import { ZERO_UUID } from '../../../protocol/schema.ts'
import { RawClient } from '../../raw-client.ts'
import { waitFor } from '../../wait-for.ts'
import { type CommittedRecord, hasOpenTransaction, readCommitted } from './committed-records.ts'

/** For brokers that come and go. */
const WRITTEN_WITHIN_MS = 60_000

/** What an idempotent producer says of itself. */
interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
}

/**
 * Topics of one or more brokers with so many partitions each, written and read without a client. Some of the brokers may
 * be away: each question goes to one after the other until one answers it.
 */
export class BrokerTopics {
  readonly #ports: readonly number[]
  readonly #partitions: number
  readonly #sequences = new Map<string, number>()
  #identity: ProducerIdentity | undefined

  /** ports: of the brokers. */
  constructor(ports: readonly number[], partitions: number) {
    this.#ports = ports
    this.#partitions = partitions
  }

  async create(...names: readonly string[]): Promise<void> {
    const topics = names.map((name) => ({
      name,
      numPartitions: this.#partitions,
      replicationFactor: this.#ports.length,
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
    const identity = await this.#producer()
    let left = records.map((each, index) => ({
      index,
      records: buildBatch(
        each.map(([key, value]) => ({ key, value })),
        { timestampMs, ...identity, baseSequence: this.#nextSequence(`${topic}-${index}`, each.length) },
      ),
    }))
    let attempts = 0
    const write = async () => {
      const port = this.#ports[attempts++ % this.#ports.length]!
      const refused = await this.#produce(port, topic, left)
      left = left.filter(({ index }) => refused.has(index))
      if (left.length > 0) throw new Error([...refused.values()].join())
      return true
    }
    // Some partitions have their leader later than others. What was written, but not answered, is not written twice.
    await waitFor(`${topic} is written`, write, WRITTEN_WITHIN_MS)
  }

  async #producer(): Promise<ProducerIdentity> {
    this.#identity ??= await waitFor('a producer id', () =>
      this.ask(async (client) => {
        const none = { producerId: -1, producerEpoch: -1, enable2Pc: false, keepPreparedTxn: false }
        const asked = { transactionalId: null, transactionTimeoutMs: 60_000, ...none }
        const { errorCode, producerId, producerEpoch } = await client.send(InitProducerId, 4, asked)
        check('InitProducerId', errorCode)
        return { producerId, producerEpoch }
      }),
    )
    return this.#identity
  }

  /** The sequence of the next batch, which has so many records. */
  #nextSequence(partition: string, count: number): number {
    const sequence = this.#sequences.get(partition) ?? 0
    this.#sequences.set(partition, sequence + count)
    return sequence
  }

  /** Partitions that took nothing from this broker, and their errors. */
  async #produce(port: number, topic: string, partitionData: readonly { index: number; records: Buffer }[]) {
    const topicData = [{ name: topic, topicId: ZERO_UUID, partitionData: [...partitionData] }]
    const request = { transactionalId: null, acks: -1, timeoutMs: 10_000, topicData }
    const { responses } = await askOne(port, (client) => client.send(Produce, 9, request))
    const refused = responses[0]!.partitionResponses.filter(({ errorCode }) => errorCode !== 0)
    return new Map(refused.map(({ index, errorCode }) => [index, errorName(errorCode)]))
  }

  /** Committed values of each partition. Rejects while a transaction is open. */
  async committed(topic: string): Promise<string[][]> {
    const partitions = await this.committedRecords(topic)
    return partitions.map((records) => records.map(({ value }) => value))
  }

  /** Committed records of each partition. Rejects while a transaction is open. */
  async committedRecords(topic: string): Promise<CommittedRecord[][]> {
    return this.#each((client, partition) => readCommitted(client, topic, partition))
  }

  /** Whether there is an open transaction in some partition. */
  async isOpen(topic: string): Promise<boolean> {
    return (await this.#each((client, partition) => hasOpenTransaction(client, topic, partition))).includes(true)
  }

  /** Resolves to the first answer of a broker that does not reject. */
  async ask<T>(question: (client: RawClient) => Promise<T>): Promise<T> {
    let lastError: unknown
    for (const port of this.#ports)
      try {
        return await askOne(port, question)
      } catch (error) {
        lastError = error
      }
    throw lastError
  }

  /** Apache Kafka has leaders a moment after a topic is created. */
  async #ready(topic: string): Promise<void> {
    await waitFor(`leaders of ${topic}`, async () => {
      await this.isOpen(topic)
      return true
    })
  }

  async #each<T>(question: (client: RawClient, partition: number) => Promise<T>): Promise<T[]> {
    const all: T[] = []
    for (let partition = 0; partition < this.#partitions; partition++)
      all.push(await this.ask((client) => question(client, partition)))
    return all
  }
}

async function askOne<T>(port: number, question: (client: RawClient) => Promise<T>): Promise<T> {
  const client = await RawClient.connect(port)
  try {
    return await question(client)
  } finally {
    client.close()
  }
}

function check(what: string, errorCode: number): void {
  if (errorCode !== 0) throw new Error(`${what}: ${errorName(errorCode)}`)
}
