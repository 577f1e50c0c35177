import { AlterPartitionReassignments } from '../../protocol/apis/alter-partition-reassignments.ts'
import { ElectLeaders } from '../../protocol/apis/elect-leaders.ts'
import { errorName } from '../../protocol/error-codes.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import type { BrokerWorld } from './broker-world.ts'
import { ClusterClient } from './cluster-client.ts'
import { check } from './storage-model.ts'

/** What Kafka answers to a reassignment or an election that is not possible. */
const refusals = new Set([
  ...['NONE', 'INVALID_REPLICA_ASSIGNMENT', 'UNKNOWN_TOPIC_OR_PARTITION'],
  ...['ELECTION_NOT_NEEDED', 'PREFERRED_LEADER_NOT_AVAILABLE', 'KAFKA_STORAGE_ERROR'],
])

type Trace = (fields: object, message: string) => void

/** Ends and starts brokers of a cluster, and moves what they lead. */
export class ClusterEvents {
  readonly #world: BrokerWorld
  readonly #random: SeededRandom
  readonly #trace: Trace
  readonly #admin: ClusterClient

  constructor(world: BrokerWorld, random: SeededRandom, trace: Trace) {
    this.#world = world
    this.#random = random
    this.#trace = trace
    this.#admin = new ClusterClient(world.broker, 'cluster', { isReliable: true })
  }

  async act(): Promise<void> {
    const { broker, counts } = this.#world
    const random = this.#random
    const { running } = broker
    const down = broker.cluster.brokers.nodeIds.filter((each) => !running.includes(each))
    const dice = random.below(100)
    if (dice < 35 && running.length > 1) {
      const how = random.pick(['kill', 'stop'] as const)
      const nodeId = random.pick(running)
      this.#trace({ nodeId, how }, 'a broker ends')
      counts.brokersEnded++
      await broker.endOne(nodeId, how)
    } else if (dice < 60 && down.length > 0) {
      const nodeId = random.pick(down)
      this.#trace({ nodeId }, 'a broker starts')
      counts.brokersStarted++
      await broker.startOne(nodeId)
    } else if (dice < 80) await this.#moveLeader()
    else if (dice < 92) await this.#reassign()
    else await this.#elect()
  }

  /** Any partition, also one of the coordinators' state. */
  #pickPartition() {
    const topics = [...this.#world.broker.cluster.metadata.image.topicsByName.values()]
    if (topics.length === 0) return undefined
    const { name: topic, partitions } = this.#random.pick(topics)
    const partition = this.#random.below(partitions.length)
    return { topic, partition, image: partitions[partition]! }
  }

  async #moveLeader(): Promise<void> {
    const picked = this.#pickPartition()
    if (picked === undefined) return
    const { topic, partition, image } = picked
    const leader = this.#random.pick(image.replicas)
    const refusal = await this.#world.host.settle(this.#world.broker.cluster.moveLeader(topic, partition, leader))
    this.#trace({ topic, partition, leader, error: refusal?.error }, 'moves a leader')
    if (refusal === undefined) this.#world.counts.leadersMoved++
  }

  async #reassign(): Promise<void> {
    const picked = this.#pickPartition()
    if (picked === undefined) return
    const { topic: name, partition: partitionIndex } = picked
    const nodes = [...this.#world.broker.cluster.brokers.nodeIds]
    const replicas: number[] = []
    const wanted = 1 + this.#random.below(Math.min(3, nodes.length))
    while (replicas.length < wanted) replicas.push(...nodes.splice(this.#random.below(nodes.length), 1))
    const partitions = [{ partitionIndex, replicas: this.#random.oneIn(8) ? null : replicas }]
    const asked = this.#admin.ask(AlterPartitionReassignments, 0, { timeoutMs: 30_000, topics: [{ name, partitions }] })
    const { responses } = await this.#world.host.settle(asked)
    const error = errorName(responses[0]?.partitions[0]?.errorCode ?? 0)
    this.#trace({ name, ...partitions[0], error }, 'reassigns a partition')
    check(refusals.has(error) || error === 'NO_REASSIGNMENT_IN_PROGRESS', `${name} cannot be reassigned: ${error}`)
    if (error === 'NONE') this.#world.counts.reassignments++
  }

  async #elect(): Promise<void> {
    const asked = this.#admin.ask(ElectLeaders, 2, { electionType: 0, topicPartitions: null, timeoutMs: 30_000 })
    const { errorCode } = await this.#world.host.settle(asked)
    check(refusals.has(errorName(errorCode)), `leaders cannot be elected: ${errorName(errorCode)}`)
    this.#trace({ error: errorName(errorCode) }, 'elects preferred leaders')
  }
}
