import { Metadata } from '../../protocol/apis/metadata.ts'
import type { ApiSchema } from '../../protocol/schema.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import {
  apiNamed,
  committed,
  largeRequests,
  numbers,
  PARTITIONS,
  TOPICS,
  TRANSACTIONS,
  transactionalId,
  WIDE,
} from './large-requests.ts'
import { MeasuredBroker, type Turns } from './turn-meter.ts'

/** Most topics per request: each takes two records, and Kafka accepts 10,000 records at once. */
const TOPICS_AT_ONCE = 4000
const OFFSETS_AT_ONCE = 2000

/** A broker with so many topics, partitions and offsets that no response about all of them is small. */
export class LargeCluster {
  readonly broker = new MeasuredBroker()
  /** The longest turns while it was filled, by kind of object created. */
  readonly filling = new Map<string, Turns>()
  #wideId = ''

  async start(): Promise<this> {
    await this.broker.start()
    for (let first = 0; first < TOPICS; first += TOPICS_AT_ONCE) {
      const names = numbers(TOPICS_AT_ONCE).map((i) => `topic-${first + i}`)
      await this.#create(names.map((name) => ({ name, numPartitions: 1 })))
    }
    await this.#create([{ name: WIDE, numPartitions: PARTITIONS }])
    const asked = { topics: [{ name: WIDE, topicId: ZERO_UUID }], includeClusterAuthorizedOperations: false }
    const { topics } = await this.broker.ask(Metadata, 12, { ...asked, includeTopicAuthorizedOperations: false })
    this.#wideId = (topics as { topicId: string }[])[0]!.topicId
    await this.broker.ask(apiNamed('FindCoordinator'), 4, { keyType: 0, coordinatorKeys: ['group'] })
    for (let first = 0; first < PARTITIONS; first += OFFSETS_AT_ONCE) {
      const body = { groupId: 'group', ...outsideOfGroup, topics: [committed(WIDE, first, OFFSETS_AT_ONCE)] }
      await this.broker.ask(apiNamed('OffsetCommit'), 10, this.#withWideId(body))
    }
    await this.#createTransactions()
    return this
  }

  async #createTransactions(): Promise<void> {
    const coordinatorKeys = [transactionalId(0)]
    await this.broker.ask(apiNamed('FindCoordinator'), 4, { keyType: 1, coordinatorKeys })
    for (const index of numbers(TRANSACTIONS)) {
      const body = { transactionalId: transactionalId(index), transactionTimeoutMs: 60_000 }
      const { producerId } = await this.broker.ask(apiNamed('InitProducerId'), 5, body)
      if (producerId !== index) throw new Error(`the producer id of transaction ${index} is ${producerId}`)
    }
  }

  async #create(topics: readonly object[]): Promise<void> {
    const common = { replicationFactor: 1, assignments: [], configs: [] }
    const body = { topics: topics.map((topic) => ({ ...topic, ...common })), timeoutMs: 1000, validateOnly: false }
    const turns = await this.broker.measure(apiNamed('CreateTopics'), 7, body)
    this.filling.set(`${topics.length} topics from ${JSON.stringify(topics[0])}`, turns)
  }

  /** Measures the largest sensible request of an API with that many elements. */
  measure(api: ApiSchema, version: number, elements: number): Promise<Turns & { readonly requestBytes: number }> {
    return this.measureBody(api, version, largeRequests[api.name]!(elements, api, version))
  }

  /** Measures a request, in which the topic id WIDE stands for that topic's. */
  measureBody(api: ApiSchema, version: number, body: object): Promise<Turns & { readonly requestBytes: number }> {
    return this.broker.measure(api, version, this.#withWideId(body))
  }

  /** The decoded response to a request. */
  ask(api: ApiSchema, version: number, body: object): Promise<Record<string, unknown>> {
    return this.broker.ask(api, version, this.#withWideId(body))
  }

  #withWideId<T>(value: T): T {
    if (Array.isArray(value)) return value.map((each) => this.#withWideId(each)) as T
    if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value
    const entries = Object.entries(value).map(([name, each]) => [
      name,
      name === 'topicId' && each === WIDE ? this.#wideId : this.#withWideId(each),
    ])
    return Object.fromEntries(entries) as T
  }
}

const outsideOfGroup = { memberId: '', generationIdOrMemberEpoch: -1, groupInstanceId: null }
