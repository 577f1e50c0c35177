import { DescribeLogDirs } from '../../protocol/apis/describe-log-dirs.ts'
import { Fetch } from '../../protocol/apis/fetch.ts'
import { ListOffsets } from '../../protocol/apis/list-offsets.ts'
import { Metadata } from '../../protocol/apis/metadata.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { EARLIEST, isRefusal, type PartitionFetch, takeFetch } from './broker-consumer.ts'
import type { PartitionHistory, ReadBatch } from './broker-model.ts'
import type { BrokerWorld } from './broker-world.ts'
import { SimulatedClient } from './simulated-client.ts'
import { CheckFailed, check } from './storage-model.ts'

const NO_OPERATIONS = { includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false }
const LATEST = -1
const LARGEST_TIMESTAMP = -3
/** Attempts to read a partition whose log start offset moves meanwhile. */
const ATTEMPTS = 5

interface Found {
  readonly start: number
  readonly highWatermark: number
  readonly batches: readonly ReadBatch[]
}

/** Reads whole partitions and compares them with the responses that clients got. */
export class BrokerAuditor {
  readonly #world: BrokerWorld
  #client: SimulatedClient

  constructor(world: BrokerWorld) {
    this.#world = world
    this.#client = new SimulatedClient(world.broker, 'auditor')
  }

  /** Ids of the existing topics by name. */
  async topics(): Promise<Map<string, string>> {
    const ask = { topics: null, allowAutoTopicCreation: false, ...NO_OPERATIONS }
    const { topics } = await this.#settle(this.#client.ask(Metadata, 12, ask))
    return new Map(topics.map(({ name, topicId }) => [name!, topicId]))
  }

  /** Returns the high watermark of the partition; undefined if the disk failed during the read. */
  async audit(partition: PartitionHistory): Promise<number | undefined> {
    const { knownEnd } = partition
    const found = await this.#readAll(partition)
    if (found === undefined) return undefined
    const { batches, highWatermark } = found
    partition.verify(batches, { highWatermark, knownEnd, nowMs: this.#world.host.clock.nowMs() })
    return highWatermark
  }

  /** Checks offset lookups by timestamp, and the log's start and end. */
  async lookUp(partition: PartitionHistory): Promise<void> {
    const found = await this.#readAll(partition)
    const latest = await this.#offsetFor(partition, LATEST)
    if (found === undefined || latest === undefined) return
    check(latest.offset >= found.highWatermark, `${partition.name}: the latest offset is ${latest.offset}`)
    const records = found.batches.flatMap((batch) => batch.records).filter(({ offset }) => offset >= found.start)
    if (partition.topic.plan.isCompacted || records.length === 0) return
    const wanted = this.#world.random.pick(records).timestampMs + this.#world.random.below(3) - 1
    const first = records.find(({ timestampMs }) => timestampMs >= wanted)
    const answer = await this.#offsetFor(partition, wanted)
    const largest = await this.#offsetFor(partition, LARGEST_TIMESTAMP)
    const isUnmoved = (await this.#offsetFor(partition, EARLIEST))?.offset === found.start
    if (answer === undefined || largest === undefined || !isUnmoved) return
    this.#world.counts.lookUps++
    if (first !== undefined)
      check(answer.offset === first.offset, `${partition.name}: ${wanted} is at ${answer.offset}`)
    const most = Math.max(...records.map(({ timestampMs }) => timestampMs))
    // A newer record that may not be read yet hides it, as in Kafka.
    const isThere = largest.timestamp >= most || largest.timestamp === -1
    check(isThere, `${partition.name}: the largest timestamp is ${largest.timestamp}, not ${most}`)
  }

  /** Checks that the partition is empty: everything is older than retention.ms and retention has run. */
  async checkEmpty(partition: PartitionHistory): Promise<void> {
    const { ends } = partition
    const earliest = await this.#offsetFor(partition, EARLIEST)
    const latest = await this.#offsetFor(partition, LATEST)
    if (earliest === undefined || latest === undefined) return
    this.#world.sawStart(partition, earliest.offset, ends)
    check(
      earliest.offset === latest.offset,
      `${partition.name}: retention left ${earliest.offset} to ${latest.offset}, which are old enough`,
    )
  }

  /** Data directories that went offline, as DescribeLogDirs names them. */
  async failedDirectories(): Promise<ReadonlySet<string>> {
    const { results } = await this.#settle(this.#client.ask(DescribeLogDirs, 4, { topics: null }))
    const failed = results.filter(({ errorCode }) => errorName(errorCode) === 'KAFKA_STORAGE_ERROR')
    return new Set(failed.map(({ logDir }) => logDir))
  }

  /** Checks that nothing of a partition in a failed directory is served, and that clients see it without a leader. */
  async checkOffline(partition: PartitionHistory): Promise<void> {
    const { topic, index, name } = partition
    const found = await this.#offsetFor(partition, LATEST)
    check(found === undefined, `${name}: its data directory failed, and its end is served`)
    const { errorCode } = await this.#fetch(partition, { version: 12, offset: 0, maxBytes: 1 })
    check(errorName(errorCode) === 'KAFKA_STORAGE_ERROR', `${name}: its data directory failed, and it is read`)
    const ask = { topics: [{ name: topic.plan.name, topicId: ZERO_UUID }], allowAutoTopicCreation: false }
    const { topics } = await this.#settle(this.#client.ask(Metadata, 9, { ...ask, ...NO_OPERATIONS }))
    const { leaderId, offlineReplicas } = topics[0]!.partitions[index]!
    check(leaderId === -1 && offlineReplicas.length === 1, `${name}: its data directory failed, and it has a leader`)
    this.#world.counts.offline++
  }

  async #offsetFor(partition: PartitionHistory, timestamp: number) {
    const { topic, index, name } = partition
    const topics = [{ name: topic.plan.name, partitions: [{ partitionIndex: index, timestamp }] }]
    const ask = { replicaId: -1, isolationLevel: 0, topics, timeoutMs: 0 }
    const answer = await this.#settle(this.#client.ask(ListOffsets, 8, ask))
    const found = answer.topics[0]!.partitions[0]!
    const error = errorName(found.errorCode)
    if (error === 'NONE') return found
    check(
      isRefusal(error, 8) && this.#world.mayRefuseFor(partition),
      `${name}: the offset for ${timestamp} is ${error}`,
    )
    return undefined
  }

  async #readAll(partition: PartitionHistory): Promise<Found | undefined> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { ends } = partition
      const earliest = await this.#offsetFor(partition, EARLIEST)
      if (earliest === undefined) return undefined
      this.#world.sawStart(partition, earliest.offset, ends)
      const found = await this.#readFrom(partition, earliest.offset)
      if (found !== 'moved') return found
    }
    throw new CheckFailed(`${partition.name}: the start moves whenever it is read`)
  }

  async #readFrom(partition: PartitionHistory, start: number): Promise<Found | 'moved' | undefined> {
    const { random } = this.#world
    const version = random.pick([5, 11, 12, 17])
    const maxBytes = random.pick([1, 2000, 1_048_576])
    const batches: ReadBatch[] = []
    let end: number | undefined
    for (let offset = start; end === undefined || offset < end; ) {
      const { ends } = partition
      const answer = await this.#fetch(partition, { version, offset, maxBytes })
      const error = errorName(answer.errorCode)
      if (error === 'OFFSET_OUT_OF_RANGE') return 'moved'
      if (error !== 'NONE') {
        check(
          isRefusal(error, version) && this.#world.mayRefuseFor(partition),
          `${partition.name}: ${offset} is ${error}`,
        )
        return undefined
      }
      end ??= answer.highWatermark
      const taken = takeFetch(this.#world, partition, answer, { offset, ends })
      if (taken.batches.length === 0) {
        // Compaction may have removed all records up to the end.
        check(offset >= end || partition.topic.plan.isCompacted, `${partition.name}: a read at ${offset} gave nothing`)
        break
      }
      batches.push(...taken.batches)
      offset = taken.nextOffset
    }
    return { start, highWatermark: end!, batches }
  }

  async #fetch(
    { topic, index: partition }: PartitionHistory,
    { version, offset, maxBytes }: { version: number; offset: number; maxBytes: number },
  ): Promise<PartitionFetch> {
    const wanted = { partition, fetchOffset: offset, partitionMaxBytes: maxBytes }
    const answer = await this.#settle(
      this.#client.ask(Fetch, version, {
        ...{ maxWaitMs: 0, minBytes: 0, maxBytes: 50_000_000, forgottenTopicsData: [] },
        topics: [{ topic: topic.plan.name, topicId: topic.id, partitions: [wanted] }],
      }),
    )
    return answer.responses[0]!.partitions[0] as PartitionFetch
  }

  #settle<T>(answer: Promise<T>): Promise<T> {
    return this.#world.host.settle(answer)
  }
}
