import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { DeleteRecords } from '../../protocol/apis/delete-records.ts'
import { DeleteTopics } from '../../protocol/apis/delete-topics.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import type { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { type PartitionHistory, TopicHistory } from './broker-model.ts'
import { ClusterClient } from './cluster-client.ts'
import type { SimulatedBroker } from './simulated-broker.ts'
import { check } from './storage-model.ts'
import type { TopicPlan } from './topic-plan.ts'

export const INPUT = 'input'
const OUTPUTS = ['output0', 'output1']
/** Topics that are deleted and made again, and whose records are deleted. */
const PASSING = ['passing0', 'passing1']

export function mayBeGone(topic: string): boolean {
  return PASSING.includes(topic)
}

interface TopicsParts {
  readonly host: SimulatedHost
  readonly random: SeededRandom
  readonly broker: SimulatedBroker
  /** Replicas of each topic. */
  readonly replicas: number
}

/** The topics of a run: those of the copies stay, others come and go. */
export class AllTopics {
  readonly #parts: TopicsParts
  readonly #admin: ClusterClient
  readonly #plans: ReadonlyMap<string, TopicPlan>
  /** By name. */
  readonly #topics = new Map<string, TopicHistory>()
  /** All that ever were. */
  readonly #all: TopicHistory[] = []

  constructor(parts: TopicsParts) {
    const { random, replicas, broker } = parts
    this.#parts = parts
    this.#admin = new ClusterClient(broker, 'topics', { isReliable: true })
    const plan = (name: string, partitionCount: number) =>
      [name, transactionTopicPlan(random, { name, partitionCount, replicas })] as const
    this.#plans = new Map([
      plan(INPUT, 2),
      ...OUTPUTS.map((name) => plan(name, 1 + random.below(3))),
      ...PASSING.map((name) => plan(name, 1)),
    ])
  }

  /** Makes all topics. */
  async make(): Promise<void> {
    for (const name of this.#plans.keys()) await this.makeOne(name)
  }

  /** Error of a topic that cannot be made; undefined: it is made. */
  async makeOne(name: string): Promise<string | undefined> {
    const { host, broker } = this.#parts
    const plan = this.#plans.get(name)!
    const configs = Object.entries(plan.configs).map(([key, value]) => ({ name: key, value }))
    const replicationFactor = Math.min(plan.replicationFactor, broker.isSeveral ? broker.brokerCount : 1)
    const topics = [{ name, numPartitions: plan.partitionCount, replicationFactor, assignments: [], configs }]
    const { errorCode, topicId } = (await host.settle(this.#admin.ask(CreateTopics, 7, { topics }))).topics[0]!
    const error = errorName(errorCode)
    if (error === 'NONE') this.#add(name, topicId)
    return error === 'NONE' ? undefined : error
  }

  #add(name: string, id: string): void {
    const topic = new TopicHistory(this.#plans.get(name)!, id)
    this.#topics.set(name, topic)
    this.#all.push(topic)
  }

  #remove(topic: TopicHistory): void {
    topic.isDeleted = true
    this.#topics.delete(topic.plan.name)
  }

  /** Names of passing topics that do not exist. */
  get missing(): string[] {
    return PASSING.filter((name) => !this.#topics.has(name))
  }

  /** Passing topics that exist. */
  get passing(): TopicHistory[] {
    return PASSING.flatMap((name) => this.#topics.get(name) ?? [])
  }

  /** Error of a topic that cannot be deleted; undefined: it is deleted. */
  async deleteOne(topic: TopicHistory): Promise<string | undefined> {
    const { host, random } = this.#parts
    topic.isBeingDeleted = true
    const { name } = topic.plan
    const wish = random.oneIn(2) ? { name, topicId: ZERO_UUID } : { topicId: topic.id }
    const asked = this.#admin.ask(DeleteTopics, 6, { topics: [wish], topicNames: [], timeoutMs: 30_000 })
    const error = errorName((await host.settle(asked)).responses[0]!.errorCode)
    if (error === 'NONE') this.#remove(topic)
    return error === 'NONE' ? undefined : error
  }

  /** Deletes records up to an offset below the high watermark. Returns the error. */
  async deleteRecords({ topic, index: partitionIndex }: PartitionHistory, offset: number): Promise<string> {
    const { host, broker } = this.#parts
    const nodeId = broker.leaderOf(topic.plan.name, partitionIndex)
    if (nodeId === undefined) return 'LEADER_NOT_AVAILABLE'
    const topics = [{ name: topic.plan.name, partitions: [{ partitionIndex, offset }] }]
    const answer = await host.settle(this.#admin.at(nodeId).ask(DeleteRecords, 2, { topics, timeoutMs: 30_000 }))
    return errorName(answer.topics[0]!.partitions[0]!.errorCode)
  }

  /** After a start. A topic whose making or deletion was not answered may be there or not. */
  recognise(): void {
    const { topicsByName } = this.#parts.broker.cluster.metadata.image
    for (const name of this.#plans.keys()) {
      const id = topicsByName.get(name)?.id
      const known = this.#topics.get(name)
      check(known === undefined || known.id === id || mayBeGone(name), `${name} is lost`)
      if (known !== undefined && known.id !== id) this.#remove(known)
      else if (known !== undefined) known.isBeingDeleted = false
      if (id !== undefined && known?.id !== id) this.#add(name, id)
    }
  }

  get input(): TopicHistory {
    return this.#topics.get(INPUT)!
  }

  /** Partitions that copies and other transactions write to. */
  get outputs(): PartitionHistory[] {
    return OUTPUTS.flatMap((name) => [...this.#topics.get(name)!.partitions])
  }

  /** Partitions with the state of coordinators. */
  get ofCoordinators(): PartitionHistory[] {
    const { topicsByName } = this.#parts.broker.cluster.metadata.image
    return ['__transaction_state', '__consumer_offsets'].flatMap((name) => {
      const topic = topicsByName.get(name)
      if (topic === undefined) return []
      const plan = { ...this.#plans.get(INPUT)!, name, partitionCount: topic.partitions.length }
      return [...new TopicHistory(plan, topic.id).partitions]
    })
  }

  /** All partitions that exist. */
  get partitions(): PartitionHistory[] {
    return [...this.#topics.values()].filter(({ isAlive }) => isAlive).flatMap(({ partitions }) => [...partitions])
  }
}

/** Small segments, so that there are many snapshots of producers and indexes of transactions. */
function transactionTopicPlan(
  random: SeededRandom,
  { name, partitionCount, replicas }: { name: string; partitionCount: number; replicas: number },
): TopicPlan {
  const minInsyncReplicas = random.oneIn(2) ? Math.min(2, replicas) : 1
  return {
    name,
    partitionCount,
    isSynced: false,
    isCompacted: false,
    isRetained: false,
    keptMs: undefined,
    isLogAppendTime: false,
    replicationFactor: replicas,
    minInsyncReplicas,
    allowsUncleanElection: false,
    configs: {
      'retention.ms': '-1',
      'internal.segment.bytes': String(random.pick([5000, 10_000, 100_000])),
      'segment.index.bytes': String(random.pick([64, 10_485_760])),
      'index.interval.bytes': String(random.pick([1, 100, 4096])),
      'min.insync.replicas': String(minInsyncReplicas),
      preallocate: String(random.oneIn(4)),
    },
  }
}
