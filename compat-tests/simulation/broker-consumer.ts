import { Fetch, type FetchResponse } from '../../protocol/apis/fetch.ts'
import { ListOffsets } from '../../protocol/apis/list-offsets.ts'
import { errorName } from '../../protocol/error-codes.ts'
import type { PartitionImage } from '../../src/metadata/metadata-image.ts'
import type { Ends, PartitionHistory, TopicHistory } from './broker-model.ts'
import type { BrokerWorld } from './broker-world.ts'
import { ClusterClient, isRoutingError } from './cluster-client.ts'
import { checkReplica, ReadReplicas } from './read-replicas.ts'
import { fetchTopics, forgottenTopics, ReadSessions } from './read-sessions.ts'
import { check } from './storage-model.ts'

export const EARLIEST = -2
/** First version that identifies topics by id alone. */
const WITH_TOPIC_IDS = 13
/** Newest version without KAFKA_STORAGE_ERROR. */
const WITHOUT_STORAGE_ERROR = 5
/** First version whose clients may read from followers. */
const WITH_RACKS = 11

export type PartitionFetch = FetchResponse['responses'][number]['partitions'][number]

/** State when a partition was requested. */
export interface AskedFetch {
  readonly offset: number
  readonly ends: Ends
}

interface SentFetch extends AskedFetch {
  /** The partition in the metadata of the cluster. */
  readonly image: PartitionImage | undefined
}

/** Whether the error is the one for a failing disk. */
export function isRefusal(error: string, version: number): boolean {
  return error === (version <= WITHOUT_STORAGE_ERROR ? 'NOT_LEADER_OR_FOLLOWER' : 'KAFKA_STORAGE_ERROR')
}

/** Checks a fetch response against the known state and returns its batches. */
export function takeFetch(world: BrokerWorld, partition: PartitionHistory, answer: PartitionFetch, asked: AskedFetch) {
  const { name, topic } = partition
  const { highWatermark, lastStableOffset, records } = answer
  world.sawStart(partition, answer.logStartOffset ?? -1, asked.ends)
  partition.sawHighWatermark(highWatermark, asked.ends)
  check(lastStableOffset === highWatermark, `${name}: stable up to ${lastStableOffset}, not up to ${highWatermark}`)
  const batches = partition.reader.read(Buffer.concat(records as Buffer[]), partition.tornBefore > 0)
  let next = asked.offset
  for (const [i, { baseOffset, lastOffset, records: read }] of batches.entries()) {
    check(lastOffset < highWatermark, `${name}: ${lastOffset} was read above the high watermark ${highWatermark}`)
    const follows = i === 0 ? baseOffset <= next && lastOffset >= next : baseOffset === next
    const isFitting = topic.plan.isCompacted ? lastOffset >= next : follows
    check(isFitting, `${name}: ${baseOffset} to ${lastOffset} were read at ${next}`)
    for (const record of read) partition.found(record)
    world.counts.read += read.length
    next = lastOffset + 1
  }
  return { batches, nextOffset: next }
}

/**
 * Reads partitions from their start, with long polls and, if its version has them, in a session. With a rack it reads
 * from the replicas that leaders name.
 */
export class BrokerConsumer {
  readonly #world: BrokerWorld
  readonly #client: ClusterClient
  readonly #version: number
  /** Empty: it has none. */
  readonly #rack: string
  readonly #replicas: ReadReplicas
  /** Next offset; undefined: to be looked up. */
  readonly #positions = new Map<PartitionHistory, number | undefined>()
  /** Last OFFSET_OUT_OF_RANGE, and `losses` at that time. */
  readonly #outOfRange = new Map<PartitionHistory, { offset: number; losses: number; runNumber: number }>()
  readonly #losses = new Map<PartitionHistory, number>()
  readonly #sessions: ReadSessions
  #isBusy = false

  constructor(world: BrokerWorld, name: string, rack: string) {
    this.#world = world
    this.#rack = rack
    this.#replicas = new ReadReplicas(world.host.clock)
    this.#client = new ClusterClient(world.broker, name)
    this.#version = world.random.pick([5, 6, 11, 12, 13, 16, 17])
    this.#sessions = new ReadSessions(this.#version)
  }

  /** Whether it has read everything up to the high watermark, as found by the audit. */
  isAtEndOf(partition: PartitionHistory, highWatermark: number): boolean {
    return !this.#positions.has(partition) || (this.#positions.get(partition) ?? -1) >= highWatermark
  }

  /** Changes the subscription. */
  subscribe(topics: readonly TopicHistory[]): void {
    if (this.#isBusy) return
    const { random } = this.#world
    const wanted = topics.flatMap((topic) => topic.partitions).filter(() => !random.oneIn(3))
    for (const partition of [...this.#positions.keys()]) {
      if (!wanted.includes(partition)) this.#positions.delete(partition)
    }
    for (const partition of wanted) {
      if (!this.#positions.has(partition)) this.#positions.set(partition, undefined)
    }
  }

  act(): void {
    if (this.#isBusy) return
    this.#isBusy = true
    const step = this.#step()
      .catch((error) => {
        this.#sessions.clear()
        this.#client.lost()
        throw error
      })
      .finally(() => {
        this.#isBusy = false
      })
    this.#world.watch(step)
  }

  async #step(): Promise<void> {
    for (const partition of [...this.#positions.keys()]) {
      if (!partition.topic.isAlive) this.#positions.delete(partition)
    }
    this.#sessions.forgetDeleted()
    if (this.#client.isStale) await this.#client.refresh()
    const led = [...this.#positions.keys()].filter((partition) => this.#client.leaderOf(partition) !== undefined)
    if (led.length < this.#positions.size) this.#client.lost()
    const unknown = led.find((partition) => this.#positions.get(partition) === undefined)
    if (unknown !== undefined) await this.#lookUp(unknown)
    else if (led.length > 0) {
      const nodeId = this.#pickReplica(led)
      await this.#fetch(nodeId).catch((error) => {
        this.#replicas.lost(nodeId)
        throw error
      })
    }
  }

  #pickReplica(partitions: readonly PartitionHistory[]): number {
    const replicas = [...new Set(partitions.map((partition) => this.#replicaOf(partition)!))]
    return replicas.length === 1 ? replicas[0]! : this.#world.random.pick(replicas)
  }

  /** Where it reads the partition; undefined if it knows no leader. */
  #replicaOf(partition: PartitionHistory): number | undefined {
    const leader = this.#client.leaderOf(partition)
    return leader === undefined ? undefined : (this.#replicas.of(partition) ?? leader)
  }

  async #lookUp(partition: PartitionHistory): Promise<void> {
    const { topic, index: partitionIndex } = partition
    const topics = [{ name: topic.plan.name, partitions: [{ partitionIndex, timestamp: EARLIEST }] }]
    const { ends } = partition
    const version = 6
    const nodeId = this.#client.leaderOf(partition)!
    const answer = await this.#client.at(nodeId).ask(ListOffsets, version, {
      replicaId: -1,
      isolationLevel: 0,
      topics,
      timeoutMs: 0,
    })
    const { errorCode, offset } = answer.topics[0]!.partitions[0]!
    if (!this.#isFine(partition, errorName(errorCode), version)) return
    this.#world.sawStart(partition, offset, ends)
    const outOfRange = this.#outOfRange.get(partition)
    this.#outOfRange.delete(partition)
    const isFounded =
      outOfRange === undefined ||
      offset > outOfRange.offset ||
      partition.losses > outOfRange.losses ||
      // An unacknowledged move of the log start offset may be undone.
      this.#world.runNumber > outOfRange.runNumber
    check(isFounded, `${partition.name}: ${outOfRange?.offset} is out of range, but not below ${offset}`)
    this.#losses.set(partition, partition.losses)
    if (this.#positions.has(partition)) this.#positions.set(partition, offset)
  }

  /** False if the response has no usable content. */
  #isFine(partition: PartitionHistory, error: string, version = this.#version): boolean {
    if (!partition.topic.isAlive) return false
    if (error === 'NONE') return true
    this.#replicas.forget(partition)
    if (this.#world.broker.isSeveral && isRoutingError(error)) {
      this.#client.lost()
      return false
    }
    check(
      isRefusal(error, version) && this.#world.mayRefuseFor(partition),
      `${partition.name} cannot be read: ${error}`,
    )
    this.#world.counts.refused++
    return false
  }

  async #fetch(nodeId: number): Promise<void> {
    const { random, host, counts } = this.#world
    const wanted = [...this.#positions].filter(([partition]) => this.#replicaOf(partition) === nodeId)
    const asked = new Map(wanted.map(([partition, position]) => [partition, position!] as const))
    const maxWaitMs = random.pick([0, 50, 500, 3000])
    const sent = new Map(
      [...asked].map(([partition, offset]) => [partition, this.#sending(partition, offset)] as const),
    )
    const startedMs = host.clock.monotonicMs()
    const fetch = this.#sessions.next(nodeId, asked)
    const answer = await this.#client.at(nodeId).ask(Fetch, this.#version, {
      maxWaitMs,
      minBytes: random.pick([0, 1, 1, 500]),
      maxBytes: random.pick([1, 1000, 50_000_000]),
      isolationLevel: random.below(2),
      sessionId: fetch.sessionId,
      sessionEpoch: fetch.sessionEpoch,
      topics: fetchTopics(fetch, random.pick([1, 500, 1_048_576])),
      forgottenTopicsData: forgottenTopics(fetch),
      rackId: this.#rack,
    })
    if (maxWaitMs > 0 && host.clock.monotonicMs() - startedMs >= maxWaitMs) counts.longPolls++
    const session = this.#sessions.take(nodeId, fetch, answer)
    if (session === 'gone') return
    if (session === 'opened') counts.sessions++
    for (const topic of answer.responses) for (const each of topic.partitions) this.#take(topic, each, { nodeId, sent })
  }

  #sending(partition: PartitionHistory, offset: number): SentFetch {
    const { topic, index, ends } = partition
    return { offset, ends, image: this.#world.broker.partitionOf(topic.plan.name, index) }
  }

  #take(
    { topic, topicId }: { topic?: string; topicId?: string },
    answer: PartitionFetch,
    { nodeId, sent }: { nodeId: number; sent: ReadonlyMap<PartitionHistory, SentFetch> },
  ): void {
    const isIt = (each: PartitionHistory) =>
      each.index === answer.partitionIndex &&
      (this.#version < WITH_TOPIC_IDS ? each.topic.plan.name === topic : each.topic.id === topicId)
    const [partition, asked] = [...sent].find(([each]) => isIt(each)) ?? []
    check(
      partition !== undefined && asked !== undefined,
      `a fetch answered ${topic} ${topicId}-${answer.partitionIndex}, which nobody asked for`,
    )
    if (!partition.topic.isAlive) return
    const error = errorName(answer.errorCode)
    if (error === 'OFFSET_OUT_OF_RANGE') {
      if (this.#replicas.forget(partition)) return
      const losses = this.#losses.get(partition) ?? 0
      this.#outOfRange.set(partition, { offset: asked.offset, losses, runNumber: this.#world.runNumber })
      this.#positions.set(partition, undefined)
    } else if (this.#isFine(partition, error, this.#version)) {
      const { nextOffset } = takeFetch(this.#world, partition, answer, asked)
      if (this.#positions.has(partition)) this.#positions.set(partition, nextOffset)
      this.#takeReplica(partition, answer, { nodeId, asked })
    }
  }

  #takeReplica(
    partition: PartitionHistory,
    { preferredReadReplica = -1, records }: PartitionFetch,
    { nodeId, asked: { image } }: { nodeId: number; asked: SentFetch },
  ): void {
    const { broker, counts } = this.#world
    const { topic, index, name } = partition
    const isNamed = preferredReadReplica >= 0
    const isEmpty = (records as Buffer[]).every(({ length }) => length === 0)
    check(!isNamed || isEmpty, `${name}: a leader names another replica, and sends records`)
    if (isNamed) this.#replicas.prefer(partition, preferredReadReplica)
    if (this.#version < WITH_RACKS || image === undefined || broker.partitionOf(topic.plan.name, index) !== image)
      return
    checkReplica(broker, { name, image, nodeId, rack: this.#rack, preferredReadReplica })
    if (nodeId !== image.leader && !isEmpty) counts.readNearby++
  }
}
