import { randomInt } from 'node:crypto'
import { RawClient } from '../../compat-tests/raw-client.ts'
import { ConsumerGroupHeartbeat } from '../../protocol/apis/consumer-group-heartbeat.ts'
import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { DeleteGroups } from '../../protocol/apis/delete-groups.ts'
import { DeleteTopics } from '../../protocol/apis/delete-topics.ts'
import { Fetch } from '../../protocol/apis/fetch.ts'
import { FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { InitProducerId } from '../../protocol/apis/init-producer-id.ts'
import { OffsetCommit } from '../../protocol/apis/offset-commit.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { type ApiSchema, defaultsOf, type Fields, ZERO_UUID } from '../../protocol/schema.ts'
import { BenchMember } from './bench-member.ts'

const STEADY_TOPIC = 'steady'
const PARTITIONS = 6
/** What a partition keeps: a run of a minute exceeds it in its warm-up, so the number of segments is steady after. */
const RETAINED_BYTES = 10_000_000
const SHORT_PAUSE_MS = 50
/** What leaves something behind for a while: how much there is of it must not depend on the machine's speed. */
const LONG_PAUSE_MS = 600
const timeoutMs = 10_000
const values = ['x'.repeat(100), 'y'.repeat(1000), 'z'.repeat(20_000), 'w'.repeat(200_000)]

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const oneOf = <T>(all: readonly T[]): T => all[randomInt(all.length)] as T

/** A request in which omitted fields have their default. */
function request<Q extends Fields>(api: ApiSchema<Q>, fields: object) {
  return { ...defaultsOf(api.request.fields), ...fields } as never
}

/** Clients of all kinds that connect and leave until they are stopped. */
export class SoakCrowd {
  readonly #port: number
  #isOver = false
  #count = 0
  /** Log start offsets of the steady topic's partitions, as the last reader saw them. */
  readonly #logStarts = Array.from({ length: PARTITIONS }, () => 0)
  /** Number of actions by name. */
  readonly done = new Map<string, number>()

  constructor(port: number) {
    this.#port = port
  }

  async prepare(): Promise<void> {
    await this.#with(async (client) => {
      await createTopic(client, STEADY_TOPIC, PARTITIONS)
      // Creates the topic of the groups.
      await client.send(FindCoordinator, 1, request(FindCoordinator, { key: 'soak', keyType: 0 }))
    })
  }

  /** Resolves once all have left after `stop`. */
  async run(): Promise<void> {
    const acts = [
      ['producers', 4, SHORT_PAUSE_MS, () => this.#produce()],
      ['readers', 3, SHORT_PAUSE_MS, () => this.#read()],
      ['stalling readers', 2, SHORT_PAUSE_MS, () => this.#stall()],
      ['readers gone in mid-fetch', 3, SHORT_PAUSE_MS, () => this.#leaveInMidFetch()],
      ['groups', 2, LONG_PAUSE_MS, () => this.#group()],
      ['consumer groups', 2, LONG_PAUSE_MS, () => this.#consumerGroup()],
      ['topics', 2, LONG_PAUSE_MS, () => this.#topic()],
      ['broken connections', 1, SHORT_PAUSE_MS, () => this.#breakOff()],
    ] as const
    const loops = acts.flatMap(([name, count, pauseMs, act]) =>
      Array.from({ length: count }, () => this.#repeat(name, pauseMs, act)),
    )
    await Promise.all(loops)
  }

  stop(): void {
    this.#isOver = true
  }

  async #repeat(name: string, longestPauseMs: number, act: () => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      await act()
      this.done.set(name, (this.done.get(name) ?? 0) + 1)
      await pause(randomInt(longestPauseMs))
    }
  }

  async #with(use: (client: RawClient) => Promise<void>): Promise<void> {
    const client = await RawClient.connect(this.#port, `soak-${this.#count++ % 1000}`)
    try {
      await use(client)
    } finally {
      client.close()
    }
  }

  /** An idempotent producer with a new id; every third leaves before its last response. */
  #produce(): Promise<void> {
    return this.#with(async (client) => {
      const { producerId, producerEpoch } = await client.send(
        InitProducerId,
        4,
        request(InitProducerId, { transactionalId: null, transactionTimeoutMs: 1000 }),
      )
      const partition = randomInt(PARTITIONS)
      const value = oneOf(values)
      for (let baseSequence = 0; baseSequence < 10; baseSequence++) {
        const batch = buildBatch([{ value, timestamp: Date.now() }], { producerId, producerEpoch, baseSequence })
        const answer = client.send(Produce, 9, produceRequest(STEADY_TOPIC, partition, batch))
        if (baseSequence === 9 && this.#count % 3 === 0) ignore(answer)
        else await answer
      }
    })
  }

  /** A fetch session over all partitions, from arbitrary offsets. */
  #read(): Promise<void> {
    return this.#with(async (client) => {
      const offsets = randomInt(2) === 0 ? this.#logStarts : this.#logStarts.map(() => -1)
      const first = await client.send(Fetch, 12, fetchRequest({ sessionEpoch: 0 }, offsets))
      for (const { partitions } of first.responses)
        for (const { partitionIndex, logStartOffset } of partitions)
          if (logStartOffset >= 0) this.#logStarts[partitionIndex] = logStartOffset
      for (let sessionEpoch = 1; sessionEpoch < 20 && first.sessionId !== 0; sessionEpoch++) {
        const next = { sessionId: first.sessionId, sessionEpoch, topics: [] }
        const { errorCode } = await client.send(Fetch, 12, fetchRequest({ maxWaitMs: 20, ...next }))
        if (errorCode !== 0) return
      }
    })
  }

  /** Requests much data and does not read it for a while. */
  #stall(): Promise<void> {
    return this.#with(async (client) => {
      client.socket.pause()
      for (let i = 0; i < 5; i++) ignore(client.send(Fetch, 12, fetchRequest({ maxWaitMs: 0 }, this.#logStarts)))
      await pause(1000)
    })
  }

  #leaveInMidFetch(): Promise<void> {
    return this.#with(async (client) => {
      const waits = { maxWaitMs: 3_600_000, minBytes: 40_000_000 }
      ignore(client.send(Fetch, 12, fetchRequest(waits, this.#logStarts)))
      await pause(randomInt(20))
    })
  }

  /** Members that join one after the other, commit, and vanish; some groups are deleted. */
  async #group(): Promise<void> {
    const groupId = `soak-${this.#count++}`
    const members = await BenchMember.connectAll(this.#port, 3, () => groupId)
    try {
      for (let step = 0; step < 20; step++) for (const member of members) await member.step()
    } finally {
      for (const member of members) member.close()
    }
    await this.#with(async (client) => {
      const commit = { name: STEADY_TOPIC, partitions: [{ partitionIndex: 0, committedOffset: 1 }] }
      await client.send(OffsetCommit, 7, request(OffsetCommit, { groupId: `offsets-${groupId}`, topics: [commit] }))
      if (this.#count % 2 === 0) await client.send(DeleteGroups, 1, { groupsNames: [`offsets-${groupId}`] } as never)
    })
  }

  /** The same with the protocol of KIP-848. */
  #consumerGroup(): Promise<void> {
    return this.#with(async (client) => {
      const groupId = `next-${this.#count++}`
      const beat = (memberId: string, memberEpoch: number) =>
        client.send(
          ConsumerGroupHeartbeat,
          0,
          request(ConsumerGroupHeartbeat, {
            groupId,
            memberId,
            memberEpoch,
            rebalanceTimeoutMs: 5000,
            subscribedTopicNames: [STEADY_TOPIC],
            topicPartitions: [],
          }),
        )
      const joined = await beat('', 0)
      if (joined.errorCode !== 0) return
      await pause(randomInt(100))
      await beat(joined.memberId ?? '', -1)
    })
  }

  /** A topic with its own settings that is written to, and deleted while a fetch waits on it. */
  #topic(): Promise<void> {
    return this.#with(async (client) => {
      const name = `passing-${this.#count++}`
      await createTopic(client, name, 3)
      const batch = buildBatch([{ value: oneOf(values), timestamp: Date.now() }], {})
      await client.send(Produce, 9, produceRequest(name, 0, batch))
      await this.#with(async (reader) => {
        const partitions = [{ partition: 0, fetchOffset: 1, partitionMaxBytes: 1 << 20, currentLeaderEpoch: -1 }]
        const topics = [{ topic: name, topicId: ZERO_UUID, partitions }]
        const answer = reader.send(Fetch, 4, request(Fetch, { maxWaitMs: 60_000, minBytes: 1, topics }))
        await client.send(DeleteTopics, 5, request(DeleteTopics, { topicNames: [name], timeoutMs }))
        await answer
      })
    })
  }

  /** Sends half a request, then nothing more. */
  #breakOff(): Promise<void> {
    return this.#with(async (client) => {
      client.socket.write(Buffer.from([0, 0x10, 0, 0, 0, 1, 2, 3]))
      await pause(20)
    })
  }
}

function createTopic(client: RawClient, name: string, numPartitions: number): Promise<void> {
  const configs = [{ name: 'retention.bytes', value: String(RETAINED_BYTES) }]
  const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs }
  return client.send(CreateTopics, 5, request(CreateTopics, { topics: [topic], timeoutMs })).then(() => {})
}

function produceRequest(name: string, index: number, records: Buffer) {
  const topicData = [{ name, topicId: ZERO_UUID, partitionData: [{ index, records }] }]
  return request(Produce, { transactionalId: null, acks: -1, timeoutMs, topicData })
}

/** Without offsets: no topics, for a session that has them. -1: out of range, which is an error. */
function fetchRequest(changes: object, offsets?: readonly number[]) {
  const partitions = offsets?.map((fetchOffset, partition) => ({
    ...{ partition, fetchOffset, currentLeaderEpoch: -1, lastFetchedEpoch: -1, logStartOffset: -1 },
    ...{ partitionMaxBytes: 1 << 20, replicaDirectoryId: ZERO_UUID, highWatermark: -1 },
  }))
  const topics = partitions === undefined ? [] : [{ topic: STEADY_TOPIC, topicId: ZERO_UUID, partitions }]
  return request(Fetch, { maxWaitMs: 100, minBytes: 1, maxBytes: 50_000_000, topics, ...changes })
}

/** The connection is closed before the response. */
function ignore(answer: Promise<unknown>): void {
  answer.catch(() => {})
}
