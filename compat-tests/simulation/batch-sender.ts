import { Produce } from '../../protocol/apis/produce.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { mayBeGone } from './all-topics.ts'
import { ID_HEADER } from './batch-reader.ts'
import type { PartitionHistory } from './broker-model.ts'
import { ClusterClient, isRoutingError } from './cluster-client.ts'
import { answerOf, Refused } from './patient-requests.ts'
import { check } from './storage-model.ts'
import type { Instance, Producer, WrittenRecord } from './transaction-ledger.ts'
import type { TransactionWorld } from './transaction-world.ts'
import type { Turns } from './turns.ts'

/** First version that identifies topics by id alone. */
const WITH_TOPIC_IDS = 13

/** It works later. */
const passing: ReadonlySet<string> = new Set([
  ...['NOT_ENOUGH_REPLICAS', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'KAFKA_STORAGE_ERROR', 'REQUEST_TIMED_OUT'],
  ...['CONCURRENT_TRANSACTIONS', 'COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR'],
  ...['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID', 'NETWORK_EXCEPTION'],
])
/** A client without answer gives up once in so many times: its request may still be carried out. */
const LOSSES_PER_SURRENDER = 3
/** A value that is stored compressed, and takes its time to be looked into. */
const LARGE_VALUE_BYTES = 140_000
/** One batch in so many has such values. */
const BATCHES_PER_LARGE = 15
const gone: ReadonlySet<string> = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID', 'INCONSISTENT_TOPIC_ID'])

export interface OutgoingBatch {
  readonly partition: PartitionHistory
  readonly records: readonly WrittenRecord[]
  readonly bytes: Buffer
  /** The run of the process in which it was sent first; undefined: it was not sent yet. */
  sentInRun: number | undefined
}

interface Sent {
  readonly batch: OutgoingBatch
  /** Undefined: there was no answer. */
  readonly error: string | undefined
}

/** Sends batches to the leaders of their partitions, again and again until each is acknowledged. */
export class BatchSender {
  readonly #world: TransactionWorld
  readonly #turns: Turns
  readonly #client: ClusterClient
  readonly #transactionalId: string | null
  readonly #version: number
  readonly #instance: Instance | undefined
  /** Next sequence number by partition. */
  readonly #sequences = new Map<PartitionHistory, number>()
  /** Of a producer without transactional id; undefined: it is not idempotent. */
  producer: Producer | undefined

  /** instance: of a producer with a transactional id. */
  constructor(
    world: TransactionWorld,
    turns: Turns,
    as: {
      readonly name: string
      readonly version: number
      readonly transactionalId?: string
      readonly instance?: Instance
    },
  ) {
    this.#world = world
    this.#turns = turns
    this.#client = new ClusterClient(world.broker, as.name)
    this.#version = as.version
    this.#transactionalId = as.transactionalId ?? null
    this.#instance = as.instance
  }

  /** Sequence numbers begin anew: the producer has a new epoch. */
  restart(): void {
    this.#sequences.clear()
  }

  compose(partition: PartitionHistory, records: readonly WrittenRecord[]): OutgoingBatch {
    const { host, random } = this.#world
    const producer = this.#instance?.producer ?? this.producer
    const baseSequence = this.#sequences.get(partition) ?? 0
    if (producer !== undefined) this.#sequences.set(partition, baseSequence + records.length)
    const isLarge = random.oneIn(BATCHES_PER_LARGE)
    const compression = random.pick(isLarge ? (['gzip', 'lz4'] as const) : (['none', 'none', 'gzip', 'lz4'] as const))
    const named =
      producer === undefined ? {} : { ...producer, baseSequence, transactional: this.#transactionalId !== null }
    const bytes = buildBatch(
      records.map(({ id, copyOf }) => ({
        key: copyOf ?? null,
        value: 'x'.repeat(isLarge ? LARGE_VALUE_BYTES : random.pick([1, 20, 500])),
        timestamp: host.clock.nowMs(),
        headers: [{ key: ID_HEADER, value: id }],
      })),
      { compression, ...named },
    )
    return { partition, records, bytes, sentInRun: undefined }
  }

  /**
   * Batches of one partition are sent in order, each in a request of its own, without waiting for the one before. True if
   * all are acknowledged. False: a topic is gone, or a transactional producer gives up, and the transaction must be
   * aborted. Throws Refused if one is refused for good.
   */
  async send(batches: readonly OutgoingBatch[]): Promise<boolean> {
    let left = batches
    while (left.length > 0) {
      await this.#turns.maybe()
      if (left.some(({ partition: { topic } }) => topic.isDeleted)) return false
      if (!(await this.#findLeaders(left))) continue
      const sent = await this.#sendOnce(left)
      if (
        sent.some(
          ({ batch, error }) => error !== undefined && gone.has(error) && mayBeGone(batch.partition.topic.plan.name),
        )
      )
        return false
      left = this.#leftOf(sent)
      if (sent.some(({ error }) => error === undefined) && this.#givesUp()) return false
      if (left.length > 0) await this.#turns.next()
    }
    return true
  }

  #givesUp(): boolean {
    const { random, counts } = this.#world
    if (this.#instance === undefined || !random.oneIn(LOSSES_PER_SURRENDER)) return false
    counts.surrenders++
    return true
  }

  /** Sends all once, and forgets them: for records of no producer. */
  async sendOnce(batches: readonly OutgoingBatch[]): Promise<void> {
    if (await this.#findLeaders(batches)) await this.#sendOnce(batches)
  }

  /** False if a leader is not known: after the next turn it is looked for again. */
  async #findLeaders(batches: readonly OutgoingBatch[]): Promise<boolean> {
    await answerOf(() => this.#client.refresh())
    if (batches.every(({ partition }) => this.#client.leaderOf(partition) !== undefined)) return true
    this.#client.lost()
    await this.#turns.next()
    return false
  }

  #sendOnce(batches: readonly OutgoingBatch[]): Promise<Sent[]> {
    const rounds: Map<PartitionHistory, OutgoingBatch>[] = []
    for (const batch of batches) {
      const round = rounds.find((each) => !each.has(batch.partition))
      if (round === undefined) rounds.push(new Map([[batch.partition, batch]]))
      else round.set(batch.partition, batch)
    }
    const requests: Promise<Sent[]>[] = []
    for (const round of rounds) {
      const byLeader = new Map<number, OutgoingBatch[]>()
      for (const batch of round.values()) {
        const leader = this.#client.leaderOf(batch.partition)!
        byLeader.set(leader, [...(byLeader.get(leader) ?? []), batch])
      }
      for (const [nodeId, each] of byLeader) requests.push(this.#sendTo(nodeId, each))
    }
    return Promise.all(requests).then((sent) => sent.flat())
  }

  async #sendTo(nodeId: number, batches: readonly OutgoingBatch[]): Promise<Sent[]> {
    const wasFenced = this.#instance?.isFenced === true
    const retries = new Set(batches.filter(({ sentInRun }) => sentInRun !== undefined))
    for (const batch of batches) batch.sentInRun ??= this.#world.runNumber
    const answer = await answerOf(() => this.#client.at(nodeId).ask(Produce, this.#version, this.#request(batches)))
    if (answer === undefined) {
      this.#client.lost()
      return batches.map((batch) => ({ batch, error: undefined }))
    }
    return batches.map((batch) => {
      const { topic, index, name } = batch.partition
      const isIt = (each: { name?: string; topicId?: string }) =>
        this.#version < WITH_TOPIC_IDS ? each.name === topic.plan.name : each.topicId === topic.id
      const found = answer.value.responses.find(isIt)?.partitionResponses.find((each) => each.index === index)
      check(found !== undefined, `a produce to ${name} was not answered`)
      const error = errorName(found.errorCode)
      const { records } = batch
      this.#world.trace({ partition: name, producer: this.#instance?.producer, first: records[0]!.id, error }, 'sent')
      if (wasFenced) {
        this.#world.counts.zombieRequests++
        const isOld = retries.has(batch)
        check(error !== 'NONE' || isOld, `${name}: records of ${this.#instance!.name} are taken, and it is fenced`)
      }
      return { batch, error }
    })
  }

  #request(batches: readonly OutgoingBatch[]) {
    const topics = [...new Set(batches.map(({ partition }) => partition.topic))]
    return {
      transactionalId: this.#transactionalId,
      acks: -1,
      timeoutMs: 30_000,
      topicData: topics.map((topic) => ({
        name: topic.plan.name,
        topicId: topic.id,
        partitionData: batches
          .filter(({ partition }) => partition.topic === topic)
          .map(({ partition, bytes }) => ({ index: partition.index, records: bytes })),
      })),
    }
  }

  /** What must be sent again, in order. */
  #leftOf(sent: readonly Sent[]): OutgoingBatch[] {
    const left: OutgoingBatch[] = []
    const behind = new Set<PartitionHistory>()
    for (const { batch, error } of sent) {
      if (error === 'NONE') continue
      const isAhead = error === 'OUT_OF_ORDER_SEQUENCE_NUMBER' && behind.has(batch.partition)
      if (error === 'OUT_OF_ORDER_SEQUENCE_NUMBER' && !isAhead) this.#checkForgotten(batch, sent)
      if (error === 'CONCURRENT_TRANSACTIONS') this.#world.counts.concurrent++
      if (error !== undefined && isRoutingError(error)) this.#client.lost()
      if (error === undefined || isRoutingError(error) || passing.has(error) || isAhead) {
        behind.add(batch.partition)
        left.push(batch)
      } else throw new Refused(error)
    }
    return left
  }

  /**
   * The log does not know the batch. That is valid after a restart, from which the log knows the last batch of a producer
   * only, as in Kafka: then a later one was sent, too.
   */
  #checkForgotten(batch: OutgoingBatch, sent: readonly Sent[]): void {
    const isLast = sent.findLast((each) => each.batch.partition === batch.partition)!.batch === batch
    const isOlder = batch.sentInRun !== this.#world.runNumber && !isLast
    const { name } = batch.partition
    check(isOlder || this.#world.isFailing, `${name}: ${batch.records[0]!.id} is out of order, and was sent in order`)
    throw new Refused('OUT_OF_ORDER_SEQUENCE_NUMBER', true)
  }
}
