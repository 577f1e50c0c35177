import { ConsumerGroupDescribe } from '../../../protocol/apis/consumer-group-describe.ts'
import { DescribeGroups } from '../../../protocol/apis/describe-groups.ts'
import { OffsetFetch } from '../../../protocol/apis/offset-fetch.ts'
import { errorName } from '../../../protocol/error-codes.ts'
import type { RawClient } from '../../raw-client.ts'
import { waitFor } from '../../wait-for.ts'
import { BrokerTopics } from './broker-topics.ts'
import type { CopyProcess } from './copy-process.ts'

export const PARTITIONS = 3

/** A topic of numbered records, and the one to which a group copies them. Record n is in partition n modulo PARTITIONS. */
export class CopyTask {
  readonly input: string
  readonly output: string
  readonly group: string
  readonly #topics: BrokerTopics
  #count = 0

  private constructor(ports: readonly number[], name: string) {
    this.#topics = new BrokerTopics(ports, PARTITIONS)
    this.input = `${name}-input`
    this.output = `${name}-output`
    this.group = `${name}-group`
  }

  /** Creates both topics, with a replica on each broker. ports: of the brokers. */
  static async create(ports: readonly number[], name: string): Promise<CopyTask> {
    const task = new CopyTask(ports, name)
    await task.#topics.create(task.input, task.output)
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
    await this.#topics.write(this.input, values)
    this.#count += count
  }

  /** Writes `end` to each partition of the output, where readers stop. */
  async end(): Promise<void> {
    await this.#topics.write(
      this.output,
      Array.from({ length: PARTITIONS }, () => ['end']),
    )
  }

  /** Waits until the group has committed all of the input, and no transaction is open. */
  async copied(withinMs: number, check: () => void = () => {}): Promise<void> {
    const isCopied = async () => {
      check()
      const offsets = await this.#committed()
      if (!offsets.every((offset, partition) => offset === this.#countOf(partition))) throw new Error(`at ${offsets}`)
      return this.#topics.committed(this.output)
    }
    await waitFor(`all of ${this.input} is copied`, isCopied, withinMs).catch((error) => {
      throw new Error(`${error.message}: ${error.cause?.message}`, { cause: error })
    })
  }

  /** The group as its coordinator describes it, for messages. */
  async describeGroup(): Promise<string> {
    const describe = async (client: RawClient) => {
      const [classic, modern] = await Promise.all([
        client.send(DescribeGroups, 5, { groups: [this.group], includeAuthorizedOperations: false }),
        client.send(ConsumerGroupDescribe, 1, { groupIds: [this.group], includeAuthorizedOperations: false }),
      ])
      const found = [...classic.groups, ...modern.groups].filter(({ members }) => members.length > 0)
      if (found.length === 0) throw new Error(`${this.group} has no members`)
      return JSON.stringify(found)
    }
    return this.#topics.ask(describe).catch((error: Error) => error.message)
  }

  /**
   * What is wrong with the output for consumers that read what is committed: each record has to be there once and in
   * order, with all records of the transactions that the processes call committed, and none of those that they call
   * aborted. Empty: nothing.
   */
  async failures(processes: readonly CopyProcess[]): Promise<string[]> {
    const values = await this.#topics.committed(this.output)
    return [
      ...values.flatMap((each, partition) => this.#disorder(each, partition)),
      ...compareWithEvents(values, processes),
    ]
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
  #committed(): Promise<number[]> {
    const partitionIndexes = Array.from({ length: PARTITIONS }, (_, partition) => partition)
    const asked = {
      groupId: this.group,
      topics: [{ name: this.input, partitionIndexes }],
      groups: [],
      requireStable: true,
    }
    return this.#topics.ask(async (client) => {
      const { errorCode, topics } = await client.send(OffsetFetch, 7, asked)
      const refused = [errorCode, ...topics[0]!.partitions.map((each) => each.errorCode)].find((each) => each !== 0)
      if (refused !== undefined) throw new Error(`OffsetFetch: ${errorName(refused)}`)
      return topics[0]!.partitions
        .toSorted((a, b) => a.partitionIndex - b.partitionIndex)
        .map((each) => each.committedOffset)
    })
  }
}

/** Compares committed values with what their writers say of each transaction. */
function compareWithEvents(values: readonly (readonly string[])[], processes: readonly CopyProcess[]): string[] {
  const visible = countByTransaction(values)
  const failures: string[] = []
  for (const { pid, events } of processes)
    for (const { did, transaction, count } of events) {
      const seen = visible.get(`${pid} ${transaction}`) ?? 0
      const expected = { committed: count, aborted: 0 }[did as string]
      if (expected !== undefined && seen !== expected)
        failures.push(`${seen} of ${count} records are committed of transaction ${transaction} that ${pid} ${did}`)
    }
  return failures
}

/** Number of values of each transaction, by `PID TRANSACTION`. */
function countByTransaction(values: readonly (readonly string[])[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const value of values.flat()) {
    const name = value.slice(value.indexOf(' ') + 1)
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}
