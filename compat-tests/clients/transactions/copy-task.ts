import { CreateTopics } from '../../../protocol/apis/create-topics.ts'
import { OffsetFetch } from '../../../protocol/apis/offset-fetch.ts'
import { Produce } from '../../../protocol/apis/produce.ts'
import { errorName } from '../../../protocol/error-codes.ts'
import { buildBatch } from '../../../protocol/records/batch-builder.ts'
import { ZERO_UUID } from '../../../protocol/schema.ts'
import { RawClient } from '../../raw-client.ts'
import { waitFor } from '../../wait-for.ts'
import type { CopyProcess } from './copy-process.ts'
import { type Isolation, readValues } from './isolated-reader.ts'

export const PARTITIONS = 3

/** A topic of numbered records, and the one to which a group copies them. Record n is in partition n modulo PARTITIONS. */
export class CopyTask {
  readonly input: string
  readonly output: string
  readonly group: string
  readonly #port: number
  #count = 0

  private constructor(port: number, name: string) {
    this.#port = port
    this.input = `${name}-input`
    this.output = `${name}-output`
    this.group = `${name}-group`
  }

  /** Creates both topics. */
  static async create(port: number, name: string): Promise<CopyTask> {
    const task = new CopyTask(port, name)
    const topics = [task.input, task.output].map((topic) => ({
      name: topic,
      numPartitions: PARTITIONS,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    }))
    const made = await task.#ask((client) => client.send(CreateTopics, 5, { topics, timeoutMs: 10_000 }))
    for (const { errorCode } of made.topics) check('CreateTopics', errorCode)
    // Apache Kafka has leaders a moment later.
    for (const topic of [task.input, task.output])
      await waitFor(`leaders of ${topic}`, () => task.#read(topic, 'read_committed'))
    return task
  }

  /** Records written so far. */
  get count(): number {
    return this.#count
  }

  /** Writes the next records to the input. */
  async write(count: number): Promise<void> {
    const numbers = Array.from({ length: count }, (_, index) => this.#count + index)
    const values = Array.from({ length: PARTITIONS }, (_, partition) =>
      numbers.filter((number) => number % PARTITIONS === partition).map(String),
    )
    await this.#produce(this.input, values)
    this.#count += count
  }

  /** Writes `end` to each partition of the output, where readers stop. */
  async end(): Promise<void> {
    await this.#produce(
      this.output,
      Array.from({ length: PARTITIONS }, () => ['end']),
    )
  }

  /** Waits until the group has committed all of the input, and no transaction that did so is open. */
  async copied(withinMs: number, check: () => void = () => {}): Promise<void> {
    await waitFor(
      `all of ${this.input} is copied`,
      async () => {
        check()
        return (await this.#committed()).every((offset, partition) => offset === this.#countOf(partition))
      },
      withinMs,
    )
  }

  /**
   * What is wrong with the output: each record has to be there once and in order for consumers that read what is
   * committed, and the others have to see what was aborted on purpose, too. Empty: nothing.
   */
  async failures(processes: readonly CopyProcess[]): Promise<string[]> {
    const committed = await this.#read(this.output, 'read_committed')
    return [
      ...committed.flatMap((values, partition) => this.#disorder(values, partition)),
      ...compareWithEvents(committed, await this.#read(this.output, 'read_uncommitted'), processes),
    ]
  }

  /** Values of each partition, without the ends. */
  async #read(topic: string, isolation: Isolation): Promise<string[][]> {
    return this.#ask(async (client) => {
      const all: string[][] = []
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const values = await readValues(client, topic, partition, isolation)
        all.push(values.filter((value) => value !== 'end'))
      }
      return all
    })
  }

  #countOf(partition: number): number {
    return Math.floor((this.#count - partition + PARTITIONS - 1) / PARTITIONS)
  }

  #disorder(values: readonly string[], partition: number): string[] {
    const numbers = values.map((value) => Number(value.split(' ')[0]))
    const wrong = numbers.findIndex((number, index) => number !== partition + index * PARTITIONS)
    if (wrong >= 0)
      return [
        `${this.output}-${partition}: at ${wrong} ${numbers.slice(Math.max(0, wrong - 2), wrong + 3)}, by ${values[wrong]}`,
      ]
    const count = this.#countOf(partition)
    return numbers.length === count ? [] : [`${this.output}-${partition}: ${numbers.length} of ${count} records`]
  }

  /** Committed offsets. Rejects while a transaction may change them. */
  async #committed(): Promise<number[]> {
    const partitionIndexes = Array.from({ length: PARTITIONS }, (_, partition) => partition)
    const asked = {
      groupId: this.group,
      topics: [{ name: this.input, partitionIndexes }],
      groups: [],
      requireStable: true,
    }
    const { errorCode, topics } = await this.#ask((client) => client.send(OffsetFetch, 7, asked))
    check('OffsetFetch', errorCode)
    for (const each of topics[0]!.partitions) check('OffsetFetch', each.errorCode)
    return topics[0]!.partitions
      .toSorted((a, b) => a.partitionIndex - b.partitionIndex)
      .map((each) => each.committedOffset)
  }

  /** values: for each partition. */
  async #produce(topic: string, values: readonly (readonly string[])[]): Promise<void> {
    const timestampMs = Date.now()
    const partitionData = values.map((each, index) => ({
      index,
      records: buildBatch(
        each.map((value) => ({ key: `k${value}`, value })),
        { timestampMs },
      ),
    }))
    const topicData = [{ name: topic, topicId: ZERO_UUID, partitionData }]
    const request = { transactionalId: null, acks: -1, timeoutMs: 10_000, topicData }
    const { responses } = await this.#ask((client) => client.send(Produce, 9, request))
    for (const { errorCode } of responses[0]!.partitionResponses) check(`Produce to ${topic}`, errorCode)
  }

  async #ask<T>(question: (client: RawClient) => Promise<T>): Promise<T> {
    const client = await RawClient.connect(this.#port)
    try {
      return await question(client)
    } finally {
      client.close()
    }
  }
}

function check(what: string, errorCode: number): void {
  if (errorCode !== 0) throw new Error(`${what}: ${errorName(errorCode)}`)
}

/** Compares the output with what its writers say of each transaction: `PID NUMBER`. */
function compareWithEvents(
  committed: readonly (readonly string[])[],
  uncommitted: readonly (readonly string[])[],
  processes: readonly CopyProcess[],
): string[] {
  const [visible, all] = [committed, uncommitted].map(countByTransaction) as [Map<string, number>, Map<string, number>]
  const failures: string[] = []
  for (const { pid, events } of processes)
    for (const { did, transaction, count } of events) {
      const name = `${pid} ${transaction}`
      const seen = `${visible.get(name) ?? 0} and ${all.get(name) ?? 0} of ${count} records are visible`
      if (did === 'committed' && (visible.get(name) !== count || all.get(name) !== count))
        failures.push(`transaction ${name} was committed: ${seen}`)
      if (did === 'aborted' && (visible.has(name) || all.get(name) !== count))
        failures.push(`transaction ${name} was aborted: ${seen}`)
    }
  return failures
}

function countByTransaction(values: readonly (readonly string[])[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const value of values.flat()) {
    const name = value.slice(value.indexOf(' ') + 1)
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}
