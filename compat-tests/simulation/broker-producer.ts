import { InitProducerId } from '../../protocol/apis/init-producer-id.ts'
import { Produce, type ProduceResponse } from '../../protocol/apis/produce.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { type Ends, ID_HEADER, type PartitionHistory, type SentRecord, type TopicHistory } from './broker-model.ts'
import type { BrokerWorld } from './broker-world.ts'
import { SimulatedClient } from './simulated-client.ts'
import { check } from './storage-model.ts'
import { LARGEST_VALUE_BYTES } from './topic-plan.ts'

/** Most batches in flight per partition: the log remembers as many. */
const MOST_UNDER_WAY = 5
/** Few keys, so that compaction has work. */
const KEYS = 10
/** First version that identifies topics by id alone. */
const WITH_TOPIC_IDS = 13

interface Outgoing {
  readonly records: readonly SentRecord[]
  readonly count: number
  readonly bytes: Buffer
  /** The life of the broker in which it was sent first. */
  readonly life: number
  isRetry: boolean
}

/** A producer's state for one partition. */
interface Lane {
  readonly partition: PartitionHistory
  nextSequence: number
  /** In sequence order. */
  unacknowledged: Outgoing[]
  underWay: number
  /** Why a batch of this round was refused: later batches have a gap before them. */
  refusal: 'disk' | 'forgotten' | undefined
  /** A batch was accepted after a gap. */
  isAhead: boolean
  acknowledged: { readonly outgoing: Outgoing; readonly baseOffset: number } | undefined
  /** The partition's `losses` at the last acknowledgement. */
  losses: number
}

interface Sending {
  readonly lane: Lane
  readonly outgoing: Outgoing
}

interface Asked {
  readonly partition: PartitionHistory
  readonly ends: Ends
}

/** Producer ids returned by brokers: none may repeat. */
export class GivenProducerIds {
  readonly #ids = new Set<number>()

  add(id: number): void {
    check(!this.#ids.has(id), `the producer id ${id} was given twice`)
    this.#ids.add(id)
  }
}

/**
 * A client that sends to several partitions at once, several requests ahead. An idempotent one sends what was not
 * acknowledged again, in its order, until it is; if the log has forgotten it, it begins anew with another id. Any other
 * sends everything once.
 */
export class BrokerProducer {
  readonly #world: BrokerWorld
  readonly #client: SimulatedClient
  readonly #isIdempotent: boolean
  readonly #acks: number
  readonly #version: number
  readonly #compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  readonly #givenIds: GivenProducerIds
  readonly #lanes = new Map<PartitionHistory, Lane>()
  #producerId = -1
  #producerEpoch = -1
  #mustBeginAnew = false
  #isBusy = false

  constructor(world: BrokerWorld, name: string, givenIds: GivenProducerIds) {
    const { random } = world
    this.#world = world
    this.#client = new SimulatedClient(world.broker, name)
    this.#givenIds = givenIds
    this.#isIdempotent = !random.oneIn(4)
    this.#acks = this.#isIdempotent ? -1 : random.pick([-1, 1, 0])
    this.#version = random.pick([7, 9, 12, 13]) // 7: the first with zstd
    this.#compression = random.pick(['none', 'none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)
  }

  /** No batch is in flight, and none is to be sent again. */
  get isAtRest(): boolean {
    return [...this.#lanes.values()].every(
      ({ partition, unacknowledged, underWay }) =>
        partition.topic.isLost || (unacknowledged.length === 0 && underWay === 0),
    )
  }

  /** Sends something, and more of it where `fresh`. */
  act(topics: readonly TopicHistory[], fresh: boolean): void {
    if (this.#isBusy) return
    this.#isBusy = true
    const step = this.#step(topics, fresh).finally(() => {
      this.#isBusy = false
    })
    this.#world.watch(step)
  }

  async #step(topics: readonly TopicHistory[], fresh: boolean): Promise<void> {
    for (const partition of [...this.#lanes.keys()]) if (partition.topic.isLost) this.#lanes.delete(partition)
    if (this.#mustBeginAnew) return this.#beginAnew()
    if (this.#isIdempotent && this.#producerId < 0) return this.#init()
    const alive = topics.filter((topic) => topic.isAlive).flatMap((topic) => topic.partitions)
    if (fresh && alive.length > 0) for (let i = 0; i < 3; i++) this.#lane(this.#world.random.pick(alive))
    this.#sendRound(fresh)
  }

  #lane(partition: PartitionHistory): void {
    if (this.#lanes.has(partition)) return
    const { losses } = partition
    const empty = { nextSequence: 0, unacknowledged: [], underWay: 0, refusal: undefined, acknowledged: undefined }
    this.#lanes.set(partition, { partition, losses, isAhead: false, ...empty })
  }

  async #init(): Promise<void> {
    const wish = { transactionalId: null, transactionTimeoutMs: 60_000 }
    const answer = await this.#client.ask(InitProducerId, 4, wish)
    if (answer.errorCode !== 0) {
      const error = errorName(answer.errorCode)
      check(this.#world.mayRefuse && error === 'COORDINATOR_LOAD_IN_PROGRESS', `no producer id was given: ${error}`)
      return
    }
    this.#givenIds.add(answer.producerId)
    this.#producerId = answer.producerId
    this.#producerEpoch = answer.producerEpoch
  }

  /** Like a client whose sequence number is refused for good. */
  #beginAnew(): void {
    if ([...this.#lanes.values()].some(({ underWay }) => underWay > 0)) return
    this.#mustBeginAnew = false
    this.#producerId = -1
    this.#lanes.clear()
  }

  #sendRound(fresh: boolean): void {
    const { random } = this.#world
    const rounds: Sending[][] = []
    for (const lane of this.#lanes.values()) {
      if (lane.underWay > 0 || !lane.partition.topic.isAlive || random.oneIn(3)) continue
      lane.refusal = undefined
      const { acknowledged, unacknowledged } = lane
      if (this.#isIdempotent && unacknowledged.length === 0 && acknowledged !== undefined && random.oneIn(4)) {
        this.#sendAgain(lane, acknowledged)
        continue
      }
      const count = fresh ? random.below(MOST_UNDER_WAY - unacknowledged.length + 1) : 0
      for (let i = 0; i < count; i++) unacknowledged.push(this.#compose(lane))
      unacknowledged.forEach((outgoing, i) => {
        rounds[i] ??= []
        rounds[i].push({ lane, outgoing })
      })
    }
    for (const sendings of rounds) this.#send(sendings)
  }

  #compose(lane: Lane): Outgoing {
    const { random, host, life } = this.#world
    const count = 1 + random.below(4)
    const nowMs = host.clock.nowMs() - random.below(1000)
    const records = Array.from({ length: count }, () => {
      const id = this.#world.nextId(lane.partition)
      const value = random.oneIn(10) ? null : `${id} `.padEnd(random.pick([10, 50, LARGEST_VALUE_BYTES]), id)
      return { id, key: `key ${random.below(KEYS)}`, value, timestampMs: nowMs + random.below(50) }
    })
    lane.partition.sent.add(records)
    const bytes = buildBatch(
      records.map(({ id, key, value, timestampMs: timestamp }) => {
        return { key, value, timestamp, headers: [{ key: ID_HEADER, value: id }] }
      }),
      { compression: this.#compression, ...this.#sequenceOf(lane) },
    )
    lane.nextSequence += count
    return { records, count, bytes, life, isRetry: false }
  }

  #sequenceOf(lane: Lane) {
    if (!this.#isIdempotent) return {}
    return { producerId: this.#producerId, producerEpoch: this.#producerEpoch, baseSequence: lane.nextSequence }
  }

  #send(sendings: readonly Sending[]): void {
    if (this.#acks === 0) {
      for (const { lane } of sendings) lane.unacknowledged = []
      this.#client.tell(Produce, this.#version, this.#request(sendings))
      return
    }
    for (const { lane } of sendings) lane.underWay++
    const ends = new Map(sendings.map(({ lane }) => [lane.partition, lane.partition.ends] as const))
    this.#world.watch(
      this.#client.ask(Produce, this.#version, this.#request(sendings)).then(
        (answer) => {
          for (const sending of sendings) {
            this.#answered(
              sending,
              this.#find(answer, { partition: sending.lane.partition, ends: ends.get(sending.lane.partition)! }),
            )
            sending.outgoing.isRetry = true
          }
        },
        (error) => {
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
    const topics = [...new Set(sendings.map(({ lane }) => lane.partition.topic))]
    return {
      acks: this.#acks,
      timeoutMs: 30_000,
      topicData: topics.map((topic) => ({
        name: topic.plan.name,
        topicId: topic.id,
        partitionData: sendings
          .filter(({ lane }) => lane.partition.topic === topic)
          .map(({ lane, outgoing }) => ({ index: lane.partition.index, records: outgoing.bytes })),
      })),
    }
  }

  #find({ responses }: Pick<ProduceResponse, 'responses'>, { partition, ends }: Asked) {
    const { topic, index } = partition
    const isIt = (each: { name?: string; topicId?: string }) =>
      this.#version < WITH_TOPIC_IDS ? each.name === topic.plan.name : each.topicId === topic.id
    const found = responses.find(isIt)?.partitionResponses.find((each) => each.index === index)
    check(found !== undefined, `a produce to ${topic.plan.name}-${index} was not answered`)
    const { errorCode, baseOffset, logStartOffset = -1 } = found
    if (errorCode === 0) this.#world.sawStart(partition, logStartOffset, ends)
    return { error: errorName(errorCode), baseOffset }
  }

  #unanswered({ lane, outgoing }: Sending): void {
    lane.underWay--
    if (!this.#isIdempotent) lane.unacknowledged = lane.unacknowledged.filter((each) => each !== outgoing)
  }

  #answered(sending: Sending, { error, baseOffset }: { error: string; baseOffset: number }): void {
    const { lane, outgoing } = sending
    const { partition } = lane
    this.#unanswered(sending)
    if (!partition.topic.isAlive) return
    if (error === 'NONE') {
      this.#checkGap(lane, outgoing)
      partition.acknowledged(baseOffset, outgoing.records)
      this.#world.counts.acknowledged += outgoing.count
      lane.unacknowledged = lane.unacknowledged.filter((each) => each !== outgoing)
      lane.acknowledged = { outgoing, baseOffset }
      lane.losses = partition.losses
      return
    }
    this.#world.counts.refused++
    if (error === 'KAFKA_STORAGE_ERROR') {
      check(this.#world.mayRefuseFor(partition), `${partition.name}: the disk is in order`)
      lane.refusal ??= 'disk'
      this.#world.refusedAppends++
    } else if (lane.refusal === undefined || error !== 'OUT_OF_ORDER_SEQUENCE_NUMBER') this.#forgotten(sending, error)
  }

  /**
   * A batch is accepted though one before it was refused: it is one that the log has already, or the log knows nothing
   * of the producer, and takes its first batch whatever its sequence is, as Kafka's does.
   */
  #checkGap(lane: Lane, outgoing: Outgoing): void {
    if (lane.refusal !== 'disk' || !this.#isIdempotent) return
    if (lane.acknowledged === undefined || lane.partition.losses > lane.losses) lane.isAhead = true
    check(outgoing.isRetry || lane.isAhead, `${lane.partition.name}: a producer got ahead of what was refused`)
  }

  /**
   * The log does not know the producer's last batches. After a loss it may not; after another end of the broker it knows
   * the last one only, so the batch is one from before that, and there.
   */
  #forgotten({ lane, outgoing }: Sending, error: string): void {
    const { name, losses } = lane.partition
    const isKnown = error === 'OUT_OF_ORDER_SEQUENCE_NUMBER' || error === 'DUPLICATE_SEQUENCE_NUMBER'
    check(isKnown && this.#isIdempotent, `${name}: an append was refused: ${error}`)
    lane.refusal = 'forgotten'
    // For an unknown producer the log may have accepted a later batch whose response was lost.
    if (losses === lane.losses && lane.acknowledged !== undefined && !lane.isAhead) {
      check(outgoing.life !== this.#world.life, `${name}: ${error} for what was sent in this life`)
      lane.partition.mustContain(outgoing.records)
    }
    this.#mustBeginAnew = true
  }

  /**
   * Resends an acknowledged batch, like a network that duplicates packets: it is a duplicate, or the original was lost.
   */
  #sendAgain(lane: Lane, { outgoing, baseOffset }: { outgoing: Outgoing; baseOffset: number }): void {
    const { partition } = lane
    lane.underWay++
    const { ends } = partition
    const asked = this.#client.ask(Produce, this.#version, this.#request([{ lane, outgoing }]))
    const answered = asked
      .finally(() => lane.underWay--)
      .then((answer) => {
        if (!partition.topic.isAlive) return
        const { error, baseOffset: again } = this.#find(answer, { partition, ends })
        const isLost = partition.losses > lane.losses || baseOffset < partition.start
        if (error === 'KAFKA_STORAGE_ERROR')
          return check(this.#world.mayRefuseFor(partition), `${partition.name}: the disk is in order`)
        if (isLost) this.#mustBeginAnew = true
        if (isLost && error !== 'NONE') return
        check(error === 'NONE', `${partition.name}: what was acknowledged at ${baseOffset} is ${error} when sent again`)
        check(isLost || again === baseOffset, `${partition.name}: ${baseOffset} is ${again} when sent again`)
        partition.acknowledged(again, outgoing.records)
        this.#world.counts.duplicates++
      })
    this.#world.watch(answered)
  }
}
