import { AlterPartitionReassignments } from '../../protocol/apis/alter-partition-reassignments.ts'
import { ElectLeaders } from '../../protocol/apis/elect-leaders.ts'
import { errorName } from '../../protocol/error-codes.ts'
import type { Cluster } from '../../src/cluster.ts'
import type { PartitionImage } from '../../src/metadata/metadata-image.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import { ClusterClient } from './cluster-client.ts'
import { MOST_BROKERS, RACKS } from './cluster-plan.ts'
import type { ClusterWorld } from './cluster-world.ts'
import { FIRST_NODE } from './simulated-broker.ts'
import { check } from './storage-model.ts'
import type { Trace } from './trace.ts'

/** What Kafka answers to a reassignment that is not possible. */
const reassignments = new Set([
  ...['NONE', 'INVALID_REPLICA_ASSIGNMENT', 'UNKNOWN_TOPIC_OR_PARTITION', 'KAFKA_STORAGE_ERROR'],
  'NO_REASSIGNMENT_IN_PROGRESS',
])

/** Types of elections, and what Kafka answers for partitions where one is not possible. */
const elections = [
  { electionType: 0, name: 'preferred', refusal: 'PREFERRED_LEADER_NOT_AVAILABLE' },
  { electionType: 1, name: 'unclean', refusal: 'ELIGIBLE_LEADERS_NOT_AVAILABLE' },
] as const
type Election = (typeof elections)[number]

/** Adds, ends, starts and removes brokers of a cluster, and moves what they lead. */
export class ClusterEvents {
  readonly #world: ClusterWorld
  readonly #random: SeededRandom
  readonly #trace: Trace
  readonly #admin: ClusterClient
  /** A client has asked for unclean elections, and is not answered yet. */
  isElectingUncleanly = false
  /** What the next event is in this run of the process. */
  #next: { readonly cluster: Cluster; readonly act: () => Promise<void> } | undefined

  constructor(world: ClusterWorld, random: SeededRandom, trace: Trace) {
    this.#world = world
    this.#random = random
    this.#trace = trace
    this.#admin = new ClusterClient(world.broker, 'cluster', { isReliable: true })
  }

  async act(): Promise<void> {
    const { broker } = this.#world
    const random = this.#random
    const next = this.#next
    this.#next = undefined
    if (next?.cluster === broker.cluster) return next.act()
    const { running } = broker
    const { nodeIds } = broker.cluster.brokers
    const down = nodeIds.filter((each) => !running.includes(each))
    const removable = nodeIds.filter((each) => each !== FIRST_NODE)
    const dice = random.below(100)
    if (dice < 18 && running.length > 1) await this.#end(random.pick(running))
    else if (dice < 38 && down.length > 0) await this.#start(random.pick(down))
    else if (dice < 52) await this.#moveLeader()
    else if (dice < 62) await this.#reassign()
    else if (dice < 70) await this.#elect(random.pick(elections))
    else if (dice < 87) await this.#returnTooSoon()
    else if (dice < 93 && nodeIds.length < MOST_BROKERS) await this.#add()
    else if (running.length > 1 && removable.length > 0) await this.#remove(random.pick(removable))
  }

  /** Kills a broker that leads, and that others can replace. */
  async killLeader(): Promise<void> {
    const { running, cluster } = this.#world.broker
    const isReplaced = ({ leader, isr }: PartitionImage) => running.includes(leader) && isr.length > 1
    const topics = [...cluster.metadata.image.topicsByName.values()]
    const replaced = topics.flatMap(({ partitions }) => partitions).filter(isReplaced)
    if (replaced.length > 0) await this.#end(this.#random.pick(replaced).leader, 'kill')
  }

  async #end(nodeId: number, how = this.#random.pick(['kill', 'stop'] as const)): Promise<void> {
    this.#trace({ nodeId, how }, 'a broker ends')
    this.#world.counts.brokersEnded++
    await this.#world.broker.endOne(nodeId, how)
  }

  async #start(nodeId: number): Promise<void> {
    this.#trace({ nodeId }, 'a broker starts')
    this.#world.counts.brokersStarted++
    await this.#world.broker.startOne(nodeId)
  }

  /**
   * The followers of a partition end, then the leader, and a follower returns: unless it is eligible, it leads only after
   * an unclean election.
   */
  async #returnTooSoon(): Promise<void> {
    const { broker } = this.#world
    const { running, cluster } = broker
    const livingOf = ({ replicas }: PartitionImage) => replicas.filter((node) => running.includes(node))
    // Another broker must be left.
    const mayEnd = (partition: PartitionImage) =>
      running.includes(partition.leader) &&
      livingOf(partition).length > 1 &&
      livingOf(partition).length < running.length
    const partitions = [...cluster.metadata.image.topicsByName.values()].flatMap((topic) => topic.partitions)
    const ending = partitions.filter(mayEnd)
    if (ending.length === 0) return
    const partition = this.#random.pick(ending)
    const followers = livingOf(partition).filter((node) => node !== partition.leader)
    for (const nodeId of [...followers, partition.leader]) await this.#end(nodeId)
    await this.#start(this.#random.pick(followers))
    const elect = () => this.#elect(elections[1])
    if (this.#random.oneIn(2)) await elect()
    else this.#next = { cluster, act: elect }
  }

  async #add(): Promise<void> {
    const { broker, counts } = this.#world
    const rack = broker.rackOf(FIRST_NODE) === null ? undefined : this.#random.pick(RACKS)
    const { nodeIds } = broker.cluster.brokers
    const nodeId = await broker.addOne(rack)
    this.#trace({ nodeId, rack }, 'a broker is added')
    check(!nodeIds.includes(nodeId), `broker ${nodeId} is added, and there was one`)
    check(broker.rackOf(nodeId) === (rack ?? null), `broker ${nodeId} is added in rack ${broker.rackOf(nodeId)}`)
    counts.brokersAdded++
    // Else the next start is without it.
    broker.brokerCount = Math.min(nodeId, MOST_BROKERS)
  }

  /** Its replicas stay assigned to it. */
  async #remove(nodeId: number): Promise<void> {
    const { broker, counts } = this.#world
    const before = this.#partitionsOn(nodeId)
    this.#trace({ nodeId, replicas: before.size }, 'a broker is removed')
    await broker.removeOne(nodeId)
    counts.brokersRemoved++
    const { cluster } = broker
    check(!cluster.brokers.nodeIds.includes(nodeId), `broker ${nodeId} is removed, and is known`)
    check(!cluster.metadata.image.brokers.has(nodeId), `broker ${nodeId} is removed, and is registered`)
    const after = this.#partitionsOn(nodeId)
    for (const [name, { addingReplicas, removingReplicas }] of before) {
      const isReassigned = addingReplicas.length > 0 || removingReplicas.length > 0
      check(isReassigned || after.has(name), `${name} is taken from broker ${nodeId}, which was removed`)
    }
  }

  /** The partitions with a replica on the broker, by name. */
  #partitionsOn(nodeId: number): Map<string, PartitionImage> {
    const found = new Map<string, PartitionImage>()
    for (const { name, partitions } of this.#world.broker.cluster.metadata.image.topicsByName.values())
      for (const [index, partition] of partitions.entries())
        if (partition.replicas.includes(nodeId)) found.set(`${name}-${index}`, partition)
    return found
  }

  /** Before a start: at some starts the number of brokers changes; with one broker all that the others had moves to it. */
  resize(most: number): void {
    if (!this.#random.oneIn(4)) return
    this.#world.broker.brokerCount = 1 + this.#random.below(most)
    this.#world.counts.resizes++
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
    const followers = image.replicas.filter((node) => node !== image.leader)
    await this.#moveTo(topic, partition, this.#random.pick(followers.length > 0 ? followers : image.replicas))
  }

  /** Moves each partition of a topic to another leader where one is in sync. */
  async moveAll(topic: string): Promise<void> {
    const { partitions } = this.#world.broker.cluster.metadata.image.topicsByName.get(topic)!
    for (const [partition, { leader, isr }] of partitions.entries()) {
      const others = isr.filter((each) => each !== leader)
      if (others.length > 0) await this.#moveTo(topic, partition, this.#random.pick(others))
    }
  }

  async #moveTo(topic: string, partition: number, leader: number): Promise<void> {
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
    check(reassignments.has(error), `${name} cannot be reassigned: ${error}`)
    if (error === 'NONE') this.#world.counts.reassignments++
  }

  /** Of one partition, or of all. */
  async #elect(election: Election): Promise<void> {
    const picked = this.#random.oneIn(4) ? this.#pickPartition() : undefined
    const topicPartitions = picked === undefined ? null : [{ topic: picked.topic, partitions: [picked.partition] }]
    const { electionType, name } = election
    const asked = this.#admin.ask(ElectLeaders, 2, { electionType, topicPartitions, timeoutMs: 30_000 })
    this.isElectingUncleanly = name === 'unclean'
    const { errorCode, replicaElectionResults } = await this.#world.host.settle(asked).finally(() => {
      this.isElectingUncleanly = false
    })
    const error = errorName(errorCode)
    this.#trace({ election: name, topicPartitions, error }, 'elects leaders')
    if (error === 'KAFKA_STORAGE_ERROR') return
    check(error === 'NONE', `leaders cannot be elected: ${error}`)
    for (const { topic, partitionResult } of replicaElectionResults)
      for (const { partitionId, errorCode: code } of partitionResult)
        this.#elected({ topic, partition: partitionId }, election, errorName(code))
  }

  #elected(elected: { topic: string; partition: number }, { name, refusal }: Election, error: string): void {
    this.#trace({ ...elected, election: name, error }, 'elected')
    const isExpected = ['NONE', 'ELECTION_NOT_NEEDED', refusal].includes(error)
    check(isExpected, `${elected.topic}-${elected.partition}: a leader cannot be elected: ${error}`)
    if (name === 'unclean' && error === refusal) this.#checkNoneLives(elected)
    if (error !== 'NONE') return
    this.#world.counts.elections++
    if (name === 'unclean') this.#world.counts.uncleanElections++
  }

  /** An unclean election takes any replica that lives. Not a CheckFailed: without its data directory none may lead. */
  #checkNoneLives({ topic, partition }: { topic: string; partition: number }): void {
    const { broker } = this.#world
    const living = broker.partitionOf(topic, partition)?.replicas.filter((node) => broker.serves(node)) ?? []
    if (living.length > 0) throw new Error(`${topic}-${partition}: ${living} live, and none is elected`)
  }
}
