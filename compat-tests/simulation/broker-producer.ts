import { InitProducerId } from '../../protocol/apis/init-producer-id.ts'
import { Produce, type ProduceResponse } from '../../protocol/apis/produce.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import type { PartitionImage } from '../../src/metadata/metadata-image.ts'
import { ID_HEADER, type SentRecord } from './batch-reader.ts'
import type { Ends, PartitionHistory, TopicHistory } from './broker-model.ts'
import type { BrokerWorld } from './broker-world.ts'
import { ClusterClient, isRoutingError } from './cluster-client.ts'
import { check } from './storage-model.ts'
import { LARGEST_VALUE_BYTES } from './topic-plan.ts'

/** Most batches in flight per partition: the log keeps this many for duplicates. */
const MAX_IN_FLIGHT = 5
/** Few keys, so that compaction has work. */
const KEYS = 10
/** Value whose batch is decompressed in slices or on a thread. Repetitive, so that a batch of them fits into the smallest segment. */
const LARGE_VALUE_BYTES = 140_000
/** One value in so many is large, where it is stored compressed. */
const VALUES_PER_LARGE = 25
/** Codecs that make such a value small. */
const SMALL_CODECS = ['gzip', 'lz4', 'zstd']
/** First version that identifies topics by id alone. */
const WITH_TOPIC_IDS = 13

interface Outgoing {
  readonly records: readonly SentRecord[]
  readonly count: number
  readonly bytes: Buffer
  /** Number of the broker's run in which it was sent first. */
  readonly runNumber: number
  isRetry: boolean
}

/** A producer's state for one partition. */
interface PartitionState {
  readonly partition: PartitionHistory
  nextSequence: number
  /** In sequence order. */
  unacknowledged: Outgoing[]
  inFlight: number
  /** Why a batch of this round was refused: later batches have a gap before them. */
  refusal: 'refused' | 'appended' | 'forgotten' | undefined
  /** A batch was accepted after a gap. */
  isAhead: boolean
  acknowledged: { readonly outgoing: Outgoing; readonly baseOffset: number } | undefined
  /** The partition's `losses` at the last acknowledgement. */
  losses: number
}

interface Sending {
  readonly state: PartitionState
  readonly outgoing: Outgoing
  /** Where the partition is led, as far as the producer knows. */
  readonly nodeId: number
}

interface Asked {
  readonly partition: PartitionHistory
  readonly ends: Ends
  /** Metadata at that time if too few replicas were in sync. */
  readonly held: PartitionImage | undefined
}

/** Producer ids returned by brokers: none may repeat. */
export class AllocatedProducerIds {
  readonly #ids = new Set<number>()

  add(id: number): void {
    check(!this.#ids.has(id), `the producer id ${id} was given twice`)
    this.#ids.add(id)
  }
}

/**
 * A client that sends to several partitions at once, with several requests in flight. An idempotent one resends
 * unacknowledged batches in order until they are acknowledged; if the log has lost its state, it continues with a new
 * producer id. Others send everything once.
 */
export class BrokerProducer {
  readonly #world: BrokerWorld
  readonly #client: ClusterClient
  readonly #isIdempotent: boolean
  readonly #acks: number
  readonly #version: number
  readonly #compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  readonly #allocatedIds: AllocatedProducerIds
  readonly #states = new Map<PartitionHistory, PartitionState>()
  #producerId = -1
  #producerEpoch = -1
  #mustReset = false
  #isBusy = false

  constructor(world: BrokerWorld, name: string, allocatedIds: AllocatedProducerIds) {
    const { random } = world
    this.#world = world
    this.#client = new ClusterClient(world.broker, name)
    this.#allocatedIds = allocatedIds
    this.#isIdempotent = !random.oneIn(4)
    this.#acks = this.#isIdempotent ? -1 : random.pick([-1, 1, 0])
    this.#version = random.pick([7, 9, 12, 13]) // 7: the first with zstd
    this.#compression = random.pick(['none', 'none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)
  }

  /** No batch is in flight or waits to be sent again. */
  get isAtRest(): boolean {
    return [...this.#states.values()].every(
      ({ partition, unacknowledged, inFlight }) =>
        partition.topic.isLost || (unacknowledged.length === 0 && inFlight === 0),
    )
  }

  /** Resends unacknowledged batches, and sends new ones if `fresh`. */
  act(topics: readonly TopicHistory[], fresh: boolean): void {
    if (this.#isBusy) return
    this.#isBusy = true
    const step = this.#step(topics, fresh)
      .catch((error) => {
        this.#client.lost()
        throw error
      })
      .finally(() => {
        this.#isBusy = false
      })
    this.#world.watch(step)
  }

  async #step(topics: readonly TopicHistory[], fresh: boolean): Promise<void> {
    for (const partition of [...this.#states.keys()]) if (partition.topic.isLost) this.#states.delete(partition)
    if (this.#mustReset) return this.#reset()
    if (this.#isIdempotent && this.#producerId < 0) return this.#init()
    const alive = topics.filter((topic) => topic.isAlive).flatMap((topic) => topic.partitions)
    if (fresh && alive.length > 0) for (let i = 0; i < 3; i++) this.#addPartition(this.#world.random.pick(alive))
    if (this.#client.isStale) await this.#client.refresh()
    this.#sendRound(fresh)
  }

  #addPartition(partition: PartitionHistory): void {
    if (this.#states.has(partition)) return
    const { losses } = partition
    const empty = { nextSequence: 0, unacknowledged: [], inFlight: 0, refusal: undefined, acknowledged: undefined }
    this.#states.set(partition, { partition, losses, isAhead: false, ...empty })
  }

  async #init(): Promise<void> {
    const wish = { transactionalId: null, transactionTimeoutMs: 60_000 }
    const answer = await this.#client.ask(InitProducerId, 4, wish)
    if (answer.errorCode !== 0) {
      const error = errorName(answer.errorCode)
      check(this.#world.mayRefuse && error === 'COORDINATOR_LOAD_IN_PROGRESS', `no producer id was given: ${error}`)
      return
    }
    this.#allocatedIds.add(answer.producerId)
    this.#producerId = answer.producerId
    this.#producerEpoch = answer.producerEpoch
  }

  /** Like a client whose sequence number is refused for good. */
  #reset(): void {
    if ([...this.#states.values()].some(({ inFlight }) => inFlight > 0)) return
    this.#mustReset = false
    this.#producerId = -1
    this.#states.clear()
  }

  #sendRound(fresh: boolean): void {
    const { random } = this.#world
    const rounds: Sending[][] = []
    for (const state of this.#states.values()) {
      if (state.inFlight > 0 || !state.partition.topic.isAlive || random.oneIn(3)) continue
      const nodeId = this.#nodeFor(state.partition)
      if (nodeId === undefined) {
        this.#client.lost()
        continue
      }
      state.refusal = undefined
      const { acknowledged, unacknowledged } = state
      if (this.#isIdempotent && unacknowledged.length === 0 && acknowledged !== undefined && random.oneIn(4)) {
        this.#sendAgain({ state, outgoing: acknowledged.outgoing, nodeId }, acknowledged.baseOffset)
        continue
      }
      const count = fresh ? random.below(MAX_IN_FLIGHT - unacknowledged.length + 1) : 0
      for (let i = 0; i < count; i++) unacknowledged.push(this.#compose(state))
      unacknowledged.forEach((outgoing, i) => {
        rounds[i] ??= []
        rounds[i].push({ state, outgoing, nodeId })
      })
    }
    for (const sendings of rounds) {
      for (const nodeId of new Set(sendings.map((each) => each.nodeId)))
        this.#send(
          nodeId,
          sendings.filter((each) => each.nodeId === nodeId),
        )
    }
  }

  /** The leader; sometimes any broker: it may have led, and must refuse. Undefined if no leader is known. */
  #nodeFor(partition: PartitionHistory): number | undefined {
    const { broker, random } = this.#world
    return broker.isSeveral && random.oneIn(10) ? broker.anyNode : this.#client.leaderOf(partition)
  }

  #compose(state: PartitionState): Outgoing {
    const { random, host, runNumber } = this.#world
    const count = 1 + random.below(4)
    const nowMs = host.clock.nowMs() - random.below(1000)
    const records = Array.from({ length: count }, () => {
      const id = this.#world.nextId(state.partition)
      const sizeBytes = random.oneIn(10) ? undefined : random.pick([10, 50, LARGEST_VALUE_BYTES])
      const value = sizeBytes === undefined ? null : `${id} `.padEnd(this.#sizeOf(state, id, sizeBytes), id)
      return { id, key: `key ${random.below(KEYS)}`, value, timestampMs: nowMs + random.below(50) }
    })
    state.partition.sent.add(records)
    const bytes = buildBatch(
      records.map(({ id, key, value, timestampMs: timestamp }) => {
        return { key, value, timestamp, headers: [{ key: ID_HEADER, value: id }] }
      }),
      { compression: this.#compression, ...this.#sequenceOf(state) },
    )
    state.nextSequence += count
    return { records, count, bytes, runNumber, isRetry: false }
  }

  /** Drawn by the id, so that the other random numbers of a seed stay as they are. */
  #sizeOf({ partition }: PartitionState, id: string, sizeBytes: number): number {
    const isLarge = this.#world.sendsLarge || Number(id.split('/').at(-1)) % VALUES_PER_LARGE === 0
    const stored = partition.topic.plan.configs['compression.type']!
    const isSmallStored = stored === 'producer' || SMALL_CODECS.includes(stored)
    return isLarge && isSmallStored && SMALL_CODECS.includes(this.#compression) ? LARGE_VALUE_BYTES : sizeBytes
  }

  #sequenceOf(state: PartitionState) {
    if (!this.#isIdempotent) return {}
    return { producerId: this.#producerId, producerEpoch: this.#producerEpoch, baseSequence: state.nextSequence }
  }

  #send(nodeId: number, sendings: readonly Sending[]): void {
    if (this.#acks === 0) {
      for (const { state } of sendings) state.unacknowledged = []
      this.#client.at(nodeId).tell(Produce, this.#version, this.#request(sendings))
      return
    }
    for (const { state } of sendings) state.inFlight++
    const before = new Map(sendings.map(({ state }) => [state, this.#asking(state)] as const))
    const sentMs = this.#world.host.clock.monotonicMs()
    const asked = this.#client.at(nodeId).ask(Produce, this.#version, this.#request(sendings))
    this.#world.watch(
      asked.then(
        (answer) => {
          for (const sending of sendings) {
            this.#answered(sending, { ...this.#find(answer, before.get(sending.state)!), sentMs })
            sending.outgoing.isRetry = true
          }
        },
        (error) => {
          this.#client.lost()
          for (const sending of sendings) {
            this.#unanswered(sending)
            sending.outgoing.isRetry = true
          }
          throw error
        },
      ),
    )
  }

  #request(sendings: readonly Sending[]) {
    const nowMs = this.#world.host.clock.nowMs()
    for (const { state, outgoing } of sendings) state.partition.sending(outgoing.records, nowMs)
    const topics = [...new Set(sendings.map(({ state }) => state.partition.topic))]
    return {
      acks: this.#acks,
      timeoutMs: 30_000,
      topicData: topics.map((topic) => ({
        name: topic.plan.name,
        topicId: topic.id,
        partitionData: sendings
          .filter(({ state }) => state.partition.topic === topic)
          .map(({ state, outgoing }) => ({ index: state.partition.index, records: outgoing.bytes })),
      })),
    }
  }

  #find({ responses }: Pick<ProduceResponse, 'responses'>, { partition, ends, held }: Asked) {
    const { topic, index } = partition
    const isIt = (each: { name?: string; topicId?: string }) =>
      this.#version < WITH_TOPIC_IDS ? each.name === topic.plan.name : each.topicId === topic.id
    const found = responses.find(isIt)?.partitionResponses.find((each) => each.index === index)
    check(found !== undefined, `a produce to ${topic.plan.name}-${index} was not answered`)
    const { errorCode, baseOffset, logStartOffset = -1 } = found
    if (errorCode === 0) {
      this.#world.sawStart(partition, logStartOffset, ends)
      const isShort = this.#acks === -1 && held !== undefined && this.#world.heldAs(partition) === held
      check(!isShort, `${partition.name}: acknowledged with acks=all, and too few replicas are in sync`)
    }
    return { error: errorName(errorCode), baseOffset }
  }

  #asking({ partition }: PartitionState): Asked {
    return { partition, ends: partition.ends, held: this.#world.heldAs(partition) }
  }

  #unanswered({ state, outgoing }: Sending): void {
    state.inFlight--
    if (!this.#isIdempotent) state.unacknowledged = state.unacknowledged.filter((each) => each !== outgoing)
  }

  #answered(
    sending: Sending,
    { error, baseOffset, sentMs }: { error: string; baseOffset: number; sentMs: number },
  ): void {
    const { state, outgoing } = sending
    const { partition } = state
    this.#unanswered(sending)
    if (!partition.topic.isAlive) return
    if (error === 'NONE') {
      this.#checkGap(state, outgoing)
      partition.acknowledged(baseOffset, outgoing.records)
      this.#world.counts.acknowledged += outgoing.count
      state.unacknowledged = state.unacknowledged.filter((each) => each !== outgoing)
      state.acknowledged = { outgoing, baseOffset }
      state.losses = partition.losses
      return
    }
    this.#world.counts.refused++
    const isOfDisk = error === 'KAFKA_STORAGE_ERROR'
    if (isOfDisk) {
      check(this.#world.mayRefuseFor(partition, sentMs), `${partition.name}: the disk is in order`)
      this.#world.refusedAppends++
    }
    if (isOfDisk || this.#isRefusedBySeveral(error)) {
      // The first attempt of a retry, whose response was lost, may be in the log: then the next batch follows it.
      const mayBeThere = outgoing.isRetry || error === 'NOT_ENOUGH_REPLICAS_AFTER_APPEND'
      state.refusal ??= mayBeThere ? 'appended' : 'refused'
    } else if (state.refusal === undefined || error !== 'OUT_OF_ORDER_SEQUENCE_NUMBER') this.#forgotten(sending, error)
  }

  /** Another broker leads, or too few replicas are in sync. That is never so with one broker. */
  #isRefusedBySeveral(error: string): boolean {
    if (!this.#world.broker.isSeveral) return false
    if (isRoutingError(error)) this.#client.lost()
    return isRoutingError(error) || error.startsWith('NOT_ENOUGH_REPLICAS')
  }

  /**
   * A batch was accepted although the one before it was refused. Valid if it is a duplicate, if the one before may be in
   * the log, or if the log has no state of the producer: then it accepts any first sequence, as Kafka does.
   */
  #checkGap(state: PartitionState, outgoing: Outgoing): void {
    const { refusal, acknowledged, partition, losses } = state
    if (refusal === undefined || refusal === 'forgotten' || !this.#isIdempotent) return
    if (acknowledged === undefined || partition.losses > losses) state.isAhead = true
    const isValid = outgoing.isRetry || refusal === 'appended' || state.isAhead
    check(isValid, `${partition.name}: a producer got ahead of what was refused`)
  }

  /**
   * The log does not know the producer's last batches. That is valid after a loss. After any other end of the broker the
   * log knows only the last batch, so this one must be an older one that the log contains.
   */
  #forgotten({ state, outgoing }: Sending, error: string): void {
    const { name, losses } = state.partition
    const isKnown = error === 'OUT_OF_ORDER_SEQUENCE_NUMBER' || error === 'DUPLICATE_SEQUENCE_NUMBER'
    check(isKnown && this.#isIdempotent, `${name}: an append was refused: ${error}`)
    state.refusal = 'forgotten'
    // For an unknown producer the log may have accepted a later batch whose response was lost.
    if (losses === state.losses && state.acknowledged !== undefined && !state.isAhead) {
      const mayBeReopened = this.#world.faultyRun === this.#world.runNumber
      const isOlder = outgoing.runNumber !== this.#world.runNumber || mayBeReopened
      check(isOlder, `${name}: ${error} for what was sent in this run`)
      state.partition.mustContain(outgoing.records)
    }
    this.#mustReset = true
  }

  /**
   * Resends an acknowledged batch, like a network that duplicates packets. The log must refuse it as a duplicate, unless
   * it has lost the original.
   */
  #sendAgain(sending: Sending, baseOffset: number): void {
    const { state, outgoing, nodeId } = sending
    const { partition } = state
    state.inFlight++
    const before = this.#asking(state)
    const asked = this.#client.at(nodeId).ask(Produce, this.#version, this.#request([sending]))
    const answered = asked
      .finally(() => state.inFlight--)
      .then((answer) => {
        if (!partition.topic.isAlive) return
        const { error, baseOffset: again } = this.#find(answer, before)
        const isLost = partition.losses > state.losses || baseOffset < partition.start
        if (error === 'KAFKA_STORAGE_ERROR')
          return check(this.#world.mayRefuseFor(partition), `${partition.name}: the disk is in order`)
        if (this.#isRefusedBySeveral(error)) return
        if (isLost) this.#mustReset = true
        if (isLost && error !== 'NONE') return
        check(error === 'NONE', `${partition.name}: what was acknowledged at ${baseOffset} is ${error} when sent again`)
        check(isLost || again === baseOffset, `${partition.name}: ${baseOffset} is ${again} when sent again`)
        partition.acknowledged(again, outgoing.records)
        this.#world.counts.duplicates++
      })
    this.#world.watch(answered)
  }
}
