import { DescribeLogDirs } from '../../protocol/apis/describe-log-dirs.ts'
import { Fetch } from '../../protocol/apis/fetch.ts'
import { ListOffsets } from '../../protocol/apis/list-offsets.ts'
import { Metadata } from '../../protocol/apis/metadata.ts'
import { OffsetForLeaderEpoch } from '../../protocol/apis/offset-for-leader-epoch.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import type { PartitionImage } from '../../src/metadata/metadata-image.ts'
import type { ReadBatch } from './batch-reader.ts'
import { EARLIEST, isRefusal, type PartitionFetch, takeFetch } from './broker-consumer.ts'
import type { PartitionHistory } from './broker-model.ts'
import type { BrokerWorld } from './broker-world.ts'
import { ClusterClient, isRoutingError } from './cluster-client.ts'
import { leaderEpochEnds } from './leader-epoch-ends.ts'
import { CheckFailed, check } from './storage-model.ts'

const NO_OPERATIONS = { includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false }
const LATEST = -1
const LARGEST_TIMESTAMP = -3
/** Time in which a slow disk has synced what is being appended. */
const LONGEST_SYNC_MS = 60_000
/** First version that followers answer, too. */
const FROM_FOLLOWERS = 11
/** Attempts to read a partition whose log start offset moves meanwhile. */
const ATTEMPTS = 5

/** The leader of a partition, and its metadata. */
interface Led {
  readonly leader: number
  readonly image: PartitionImage | undefined
}

interface Found {
  readonly start: number
  readonly highWatermark: number
  readonly batches: readonly ReadBatch[]
}

/** Reads whole partitions and compares them with the responses that clients got. */
export class BrokerAuditor {
  readonly #world: BrokerWorld
  readonly #client: ClusterClient
  /** High watermarks read while too few replicas were in sync. */
  readonly #held = new Map<PartitionHistory, { readonly image: PartitionImage; readonly highWatermark: number }>()

  constructor(world: BrokerWorld) {
    this.#world = world
    this.#client = new ClusterClient(world.broker, 'auditor', { isReliable: true })
  }

  /** Ids of the existing topics by name. */
  async topics(): Promise<Map<string, string>> {
    const ask = { topics: null, allowAutoTopicCreation: false, ...NO_OPERATIONS }
    const { topics } = await this.#settle(this.#client.ask(Metadata, 12, ask))
    return new Map(topics.map(({ name, topicId }) => [name!, topicId]))
  }

  /**
   * Returns the high watermark of the partition; undefined if the disk failed during the read. withEpochs: the leader is
   * asked where epochs end, too.
   */
  async audit(partition: PartitionHistory, { withEpochs = false } = {}): Promise<number | undefined> {
    const { knownEnd } = partition
    const held = this.#world.heldAs(partition)
    const found = await this.#readAll(partition)
    if (found === undefined) return undefined
    const { batches, highWatermark } = found
    const heldNow = this.#world.heldAs(partition)
    if (held !== undefined && heldNow === held) this.#checkHeld(partition, held, highWatermark)
    const isHeld = held !== undefined || heldNow !== undefined
    // As in Kafka, recovery keeps the higher of two epochs that contradict each other, for the batches behind them, too.
    if (partition.tornBefore > 0 && leaderEpochEnds(batches) === undefined) partition.hasDamagedEpochs = true
    partition.verify(batches, { highWatermark, knownEnd, isHeld, nowMs: this.#world.host.clock.nowMs() })
    if (withEpochs && !partition.hasDamagedEpochs) await this.#checkEpochs(partition, batches)
    return highWatermark
  }

  /** The leader says that an epoch ends behind its last batch, and before the next one's first. */
  async #checkEpochs(partition: PartitionHistory, batches: readonly ReadBatch[]): Promise<void> {
    const { topic, index, name, tornBefore } = partition
    const ends = leaderEpochEnds(batches.filter(({ baseOffset }) => baseOffset >= tornBefore))
    check(ends !== undefined, `${name}: the epochs of its batches fall`)
    for (const { leaderEpoch, lastOffset, nextOffset } of ends) {
      const led = this.#leaderOf(partition)
      if (led === undefined) return
      const topics = [{ topic: topic.plan.name, partitions: [{ partition: index, leaderEpoch }] }]
      const answer = await this.#settle(this.#client.at(led.leader).ask(OffsetForLeaderEpoch, 4, { topics }))
      const { errorCode, endOffset, leaderEpoch: found } = answer.topics[0]!.partitions[0]!
      // Records of the epoch may be deleted meanwhile. A wrong epoch of a torn batch hides those after it.
      if (errorCode !== 0 || endOffset < 0 || found !== leaderEpoch) return
      const isRight = endOffset > lastOffset && endOffset <= nextOffset
      check(
        isRight,
        `${name}: epoch ${leaderEpoch} ends at ${endOffset}, with records to ${lastOffset}, from ${nextOffset}`,
      )
    }
  }

  /** As long as too few replicas are in sync, the high watermark stays. */
  #checkHeld(partition: PartitionHistory, image: PartitionImage, highWatermark: number): void {
    const before = this.#held.get(partition)
    const hasRisen = before?.image === image && highWatermark > before.highWatermark
    check(!hasRisen, `${partition.name}: the high watermark rises to ${highWatermark}, and too few are in sync`)
    this.#held.set(partition, { image, highWatermark })
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
    // A newer record that may not be read yet hides it; a time index that lost its last entries forgets it. As in Kafka.
    const isThere = largest.timestamp >= most || largest.timestamp === -1 || partition.hasDamagedTimes
    check(isThere, `${partition.name}: the largest timestamp is ${largest.timestamp}, not ${most}`)
  }

  /** Checks that the partition is empty: everything is older than retention.ms and retention has run. */
  async checkEmpty(partition: PartitionHistory): Promise<void> {
    const { ends } = partition
    const wasHeld = this.#world.isHeld(partition)
    const earliest = await this.#offsetFor(partition, EARLIEST)
    const latest = await this.#offsetFor(partition, LATEST)
    if (earliest === undefined || latest === undefined) return
    this.#world.sawStart(partition, earliest.offset, ends)
    // Retention goes no further than the high watermark.
    if (wasHeld || this.#world.isHeld(partition)) return
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
    if (this.#leaderOf(partition) === undefined) return
    const found = await this.#offsetFor(partition, LATEST)
    check(found === undefined, `${name}: its data directory failed, and its end is served`)
    const { errorCode } = (await this.#fetch(partition, { version: 12, offset: 0, maxBytes: 1 }))!
    check(errorName(errorCode) === 'KAFKA_STORAGE_ERROR', `${name}: its data directory failed, and it is read`)
    const ask = { topics: [{ name: topic.plan.name, topicId: ZERO_UUID }], allowAutoTopicCreation: false }
    const { topics } = await this.#settle(this.#client.ask(Metadata, 9, { ...ask, ...NO_OPERATIONS }))
    const { leaderId, offlineReplicas } = topics[0]!.partitions[index]!
    const isOffline = this.#world.broker.isSeveral ? offlineReplicas.length > 0 : offlineReplicas.length === 1
    check(leaderId === -1 && isOffline, `${name}: its data directory failed, and it has a leader`)
    this.#world.counts.offline++
  }

  /** Undefined if there is none to be had now. */
  async #offsetFor(partition: PartitionHistory, timestamp: number) {
    const { host } = this.#world
    const untilMs = host.clock.monotonicMs() + LONGEST_SYNC_MS
    for (;;) {
      const found = await this.#askOffset(partition, timestamp)
      if (found !== 'pending') return found
      // A new leader does not know the end before what was appended before it is written.
      check(
        host.clock.monotonicMs() < untilMs,
        `${partition.name}: the offset for ${timestamp} does not become available`,
      )
      await host.advance(100)
    }
  }

  async #askOffset(partition: PartitionHistory, timestamp: number) {
    const { topic, index, name } = partition
    const topics = [{ name: topic.plan.name, partitions: [{ partitionIndex: index, timestamp }] }]
    const ask = { replicaId: -1, isolationLevel: 0, topics, timeoutMs: 0 }
    const before = this.#leaderOf(partition)
    if (before === undefined) return undefined
    const wasHeld = this.#world.isHeld(partition)
    const answer = await this.#settle(this.#client.at(before.leader).ask(ListOffsets, 8, ask))
    const found = answer.topics[0]!.partitions[0]!
    const error = errorName(found.errorCode)
    if (error === 'NONE') return found
    if (error === 'OFFSET_NOT_AVAILABLE' && this.#world.broker.isSeveral)
      return wasHeld || this.#world.isHeld(partition) || this.#world.mayRefuseFor(partition) ? undefined : 'pending'
    if (this.#hasMoved(partition, before, error)) return undefined
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
      const before = this.#leaderOf(partition)
      const answer = await this.#fetch(partition, { version, offset, maxBytes })
      if (answer === undefined) return undefined
      const error = errorName(answer.errorCode)
      if (error === 'OFFSET_OUT_OF_RANGE') return 'moved'
      if (error !== 'NONE') {
        if (this.#hasMoved(partition, before, error)) return undefined
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

  /** Undefined if no broker can be asked. */
  async #fetch(
    history: PartitionHistory,
    { version, offset, maxBytes }: { version: number; offset: number; maxBytes: number },
  ): Promise<PartitionFetch | undefined> {
    const { topic, index: partition } = history
    const nodeId = this.#readerOf(history, version)
    if (nodeId === undefined) return undefined
    const wanted = { partition, fetchOffset: offset, partitionMaxBytes: maxBytes }
    const answer = await this.#settle(
      this.#client.at(nodeId).ask(Fetch, version, {
        ...{ maxWaitMs: 0, minBytes: 0, maxBytes: 50_000_000, forgottenTopicsData: [] },
        topics: [{ topic: topic.plan.name, topicId: topic.id, partitions: [wanted] }],
      }),
    )
    return answer.responses[0]!.partitions[0] as PartitionFetch
  }

  #leaderOf({ topic, index }: PartitionHistory): Led | undefined {
    const { broker } = this.#world
    const leader = broker.leaderOf(topic.plan.name, index)
    return leader === undefined ? undefined : { leader, image: broker.partitionOf(topic.plan.name, index) }
  }

  /** The leader, or a follower that runs. */
  #readerOf(partition: PartitionHistory, version: number): number | undefined {
    const led = this.#leaderOf(partition)
    const { broker, random } = this.#world
    if (led === undefined || !broker.isSeveral || version < FROM_FOLLOWERS) return led?.leader
    return random.pick(led.image?.replicas.filter((node) => broker.serves(node)) ?? [led.leader])
  }

  /** Whether another broker leads, or another epoch began, since the request was sent. */
  #hasMoved(partition: PartitionHistory, before: Led | undefined, error: string): boolean {
    if (!this.#world.broker.isSeveral || !isRoutingError(error)) return false
    return this.#leaderOf(partition)?.image !== before?.image
  }

  #settle<T>(answer: Promise<T>): Promise<T> {
    return this.#world.host.settle(answer)
  }
}
