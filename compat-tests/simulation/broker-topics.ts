import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { DeleteRecords } from '../../protocol/apis/delete-records.ts'
import { DeleteTopics } from '../../protocol/apis/delete-topics.ts'
import { type ErrorName, errorName } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { type PartitionHistory, TopicHistory } from './broker-model.ts'
import type { BrokerWorld } from './broker-world.ts'
import { ClusterClient, isRoutingError } from './cluster-client.ts'
import { check } from './storage-model.ts'
import type { TopicPlan } from './topic-plan.ts'
import type { Trace } from './trace.ts'

/** Makes and deletes topics and records, and knows which topics exist and which may. */
export class BrokerTopics {
  readonly #world: BrokerWorld
  readonly #plans: readonly TopicPlan[]
  readonly #trace: Trace
  readonly #hasLateRequests: boolean
  readonly #admin: ClusterClient
  readonly #byPlan = new Map<TopicPlan, TopicHistory>()
  /** By name, where the network delays requests: the last topic that is gone. */
  readonly #gone = new Map<string, TopicHistory>()
  /** Topics whose creation failed but may take effect later. */
  readonly #mayAppear = new Set<TopicPlan>()

  /** hasLateRequests: the network delays requests, so that those for a topic may come when another has its name. */
  constructor(
    world: BrokerWorld,
    plans: readonly TopicPlan[],
    { trace, hasLateRequests }: { readonly trace: Trace; readonly hasLateRequests: boolean },
  ) {
    this.#world = world
    this.#plans = plans
    this.#trace = trace
    this.#hasLateRequests = hasLateRequests
    this.#admin = new ClusterClient(world.broker, 'topics', { isReliable: true })
  }

  get all(): readonly TopicHistory[] {
    return [...this.#byPlan.values()]
  }

  get alive(): readonly TopicHistory[] {
    return this.all.filter((topic) => topic.isAlive)
  }

  /** Partitions of the topics that are alive. */
  get partitions(): readonly PartitionHistory[] {
    return this.alive.flatMap((topic) => topic.partitions)
  }

  /** A topic that does not exist now. */
  get missing(): TopicPlan | undefined {
    return this.#plans.find((plan) => !this.#byPlan.has(plan))
  }

  of(plan: TopicPlan): TopicHistory | undefined {
    return this.#byPlan.get(plan)
  }

  /** Makes a topic that does not exist, or perhaps deletes one that does. */
  async changeOne(): Promise<void> {
    const plan = this.#world.random.pick(this.#plans)
    const topic = this.#byPlan.get(plan)
    if (topic === undefined) await this.make(plan)
    else if (this.#world.random.oneIn(2)) await this.delete(topic)
  }

  /** Makes a topic that is empty and never deleted. */
  async makeEmpty(name: string): Promise<void> {
    const replicationFactor = Math.min(3, this.#world.broker.brokerCount)
    const topic = { name, numPartitions: 1, replicationFactor, assignments: [], configs: [] }
    await this.#world.host.settle(this.#admin.ask(CreateTopics, 7, { topics: [topic] }))
  }

  async make(plan: TopicPlan): Promise<void> {
    const { name, partitionCount: numPartitions } = plan
    const configs = Object.entries(plan.configs).map(([key, value]) => ({ name: key, value }))
    const replicationFactor = Math.min(plan.replicationFactor, this.#world.broker.brokerCount)
    const topics = [{ name, numPartitions, replicationFactor, assignments: [], configs }]
    this.#mayAppear.add(plan)
    const answer = await this.#world.host.settle(this.#admin.ask(CreateTopics, 7, { topics }))
    const { errorCode, topicId, errorMessage } = answer.topics[0]!
    this.#trace({ name, topicId, error: errorName(errorCode) }, 'made a topic')
    // As in Kafka, brokers that were stopped take no new replicas.
    const isShort = replicationFactor > this.#world.broker.running.length
    if (this.#world.broker.isSeveral && isShort && errorName(errorCode) === 'INVALID_REPLICATION_FACTOR') return
    if (!this.isDone(errorCode, `${name} cannot be made: ${errorMessage}`)) return
    this.#mayAppear.delete(plan)
    this.#add(new TopicHistory(plan, topicId))
    this.#world.counts.topicsMade++
  }

  #add(topic: TopicHistory): void {
    this.#byPlan.set(topic.plan, topic)
    const earlier = this.#gone.get(topic.plan.name)
    if (earlier === undefined) return
    const nowMs = this.#world.host.clock.nowMs()
    for (const [index, each] of topic.partitions.entries()) each.mayGet(earlier.partitions[index]!, nowMs)
  }

  async delete(topic: TopicHistory): Promise<void> {
    const { name } = topic.plan
    topic.isBeingDeleted = true
    const wish = this.#world.random.oneIn(2)
      ? { topics: [{ name, topicId: ZERO_UUID }] }
      : { topics: [{ topicId: topic.id }] }
    const answer = await this.#world.host.settle(
      this.#admin.ask(DeleteTopics, 6, { ...wish, topicNames: [], timeoutMs: 30_000 }),
    )
    const { errorCode } = answer.responses[0]!
    this.#trace({ name, topicId: topic.id, error: errorName(errorCode) }, 'deleted a topic')
    if (this.isDone(errorCode, `${name} cannot be deleted`)) {
      this.#forget(topic)
      this.#world.counts.topicsDeleted++
    } else {
      topic.isBeingDeleted = false
      topic.mayBeDeleted = true
    }
  }

  #forget(topic: TopicHistory): void {
    topic.isDeleted = true
    this.#byPlan.delete(topic.plan)
    if (this.#hasLateRequests) this.#gone.set(topic.plan.name, topic)
  }

  async deleteRecords(partition: PartitionHistory): Promise<void> {
    const { topic, index: partitionIndex } = partition
    if (topic.plan.isCompacted) return
    const end = partition.knownEnd
    if (end <= partition.start) return
    const offset = partition.start + this.#world.random.below(end - partition.start + 1)
    partition.mayBeDeletedBefore(offset)
    const topics = [{ name: topic.plan.name, partitions: [{ partitionIndex, offset }] }]
    const nodeId = this.#world.broker.leaderOf(topic.plan.name, partitionIndex)
    if (nodeId === undefined) return
    // What a power loss left of a partition without a leader is not known yet.
    const mayBeAbove = this.#world.isHeld(partition) || partition.mayHaveLost
    const asked = this.#admin.at(nodeId).ask(DeleteRecords, 2, { topics, timeoutMs: 30_000 })
    const answer = await this.#world.host.settle(asked)
    const { errorCode, lowWatermark } = answer.topics[0]!.partitions[0]!
    // Above the high watermark nothing is deleted. An election may take place meanwhile.
    if (mayBeAbove && errorName(errorCode) === 'OFFSET_OUT_OF_RANGE') return
    if (this.#world.broker.isSeveral && isRoutingError(errorName(errorCode))) return
    // Retention may have deleted them earlier.
    if (errorName(errorCode) === 'OFFSET_OUT_OF_RANGE' && topic.plan.isRetained) return
    const isFailing = this.#world.mayRefuseFor(partition)
    if (!this.isDone(errorCode, `${partition.name}: nothing can be deleted before ${offset}`, isFailing)) return
    check(lowWatermark >= offset, `${partition.name}: records before ${offset} are not deleted`)
    partition.deletedBefore(offset)
    this.#trace({ partition: partition.name, offset }, 'deleted records')
    this.#world.counts.deletions++
  }

  /** After a start: checks that the topics that were made exist. found: ids by name. */
  recognise(found: ReadonlyMap<string, string>): void {
    for (const plan of this.#plans) this.#recogniseOne(plan, found.get(plan.name))
  }

  #recogniseOne(plan: TopicPlan, id: string | undefined): void {
    const known = this.#byPlan.get(plan)
    if (known !== undefined && known.id !== id) {
      check(known.isBeingDeleted || known.isDamaged || known.mayBeDeleted, `${plan.name} is lost`)
      this.#forget(known)
    } else if (known !== undefined) known.isBeingDeleted = false
    if (id !== undefined && known?.id !== id) {
      check(this.#mayAppear.has(plan), `${plan.name} is there, and nobody made it`)
      this.#add(new TopicHistory(plan, id))
    }
    this.#mayAppear.delete(plan)
  }

  /** False if a failing disk refused it. Any other error is a failure. */
  isDone(code: number, what: string, mayRefuse = this.#world.isFailing): boolean {
    const error: ErrorName = errorName(code)
    if (error === 'NONE') return true
    check(error === 'KAFKA_STORAGE_ERROR' && mayRefuse, `${what}: ${error}`)
    this.#world.counts.refused++
    return false
  }
}
