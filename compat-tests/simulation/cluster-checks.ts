import { DescribeTransactions } from '../../protocol/apis/describe-transactions.ts'
import { Fetch } from '../../protocol/apis/fetch.ts'
import { Metadata, type MetadataResponse } from '../../protocol/apis/metadata.ts'
import { OffsetFetch } from '../../protocol/apis/offset-fetch.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import type { MetadataImage, PartitionImage } from '../../src/metadata/metadata-image.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import type { PartitionHistory } from './broker-model.ts'
import { ClusterClient, GROUP_KEY, TRANSACTION_KEY } from './cluster-client.ts'
import type { ClusterWorld } from './cluster-world.ts'
import { Coordinations } from './coordinations.ts'
import type { SimulatedClient } from './simulated-client.ts'
import { check } from './storage-model.ts'

/** Time after which a cluster whose disk works is quiet. */
const QUIET_MS = 60_000
const STEP_MS = 20

export interface ClusterChecksParts {
  readonly world: ClusterWorld
  readonly random: SeededRandom
  readonly groupIds: readonly string[]
  /** Default: none. */
  readonly transactionalIds?: readonly string[]
  /** True if a replica of the topic that is not in sync may become leader now. */
  readonly allowsUncleanElection: (topic: string) => boolean
  /** True while the disk has faults, or the process has ended: then nothing is checked. */
  readonly isFailing: () => boolean
}

/** Checks what holds for a cluster once a change is over. */
export class ClusterChecks {
  readonly #parts: ClusterChecksParts
  readonly #client: ClusterClient
  /** Leaders by partition and leader epoch, of all runs. */
  readonly #leaders = new Map<string, number>()

  constructor(parts: ClusterChecksParts) {
    this.#parts = parts
    this.#client = new ClusterClient(parts.world.broker, 'checker', { isReliable: true })
  }

  /** Watches the metadata of this run: no leader epoch may have two leaders. */
  watch(): void {
    const { metadata } = this.#parts.world.broker.cluster
    let before = metadata.image
    this.#note(before)
    metadata.onChange((image) => {
      this.#note(image)
      this.#checkElections(before, image)
      before = image
    })
  }

  /** A new leader was in sync or eligible, or is being added, unless an election is unclean. */
  #checkElections(before: MetadataImage, { topicsByName }: MetadataImage): void {
    for (const { id, name, partitions } of topicsByName.values()) {
      if (this.#parts.allowsUncleanElection(name)) continue
      for (const [index, { leader }] of partitions.entries()) {
        const was = before.topicsById.get(id)?.partitions[index]
        if (was === undefined || leader < 0 || leader === was.leader || mayFollow(was).includes(leader)) continue
        this.#parts.world.fail(
          new Error(`${name}-${index}: ${leader} leads, and was not in sync: ${JSON.stringify(was)}`),
        )
      }
    }
  }

  #note({ topicsByName }: MetadataImage): void {
    for (const { id, name, partitions } of topicsByName.values()) {
      for (const [index, { leader, leaderEpoch }] of partitions.entries()) {
        if (leader < 0) continue
        const key = `${id}-${index} ${leaderEpoch}`
        const before = this.#leaders.get(key) ?? leader
        this.#leaders.set(key, leader)
        if (before === leader) continue
        this.#parts.world.fail(new Error(`${name}-${index}: ${before} and ${leader} lead in epoch ${leaderEpoch}`))
      }
    }
  }

  /** Waits until the cluster is quiet, and checks it. */
  async check(partitions: readonly PartitionHistory[]): Promise<void> {
    const { host } = this.#parts.world
    const untilMs = host.clock.monotonicMs() + QUIET_MS
    for (;;) {
      if (this.#parts.isFailing()) return
      const wrong = this.#wrong() ?? (await this.#contradiction())
      if (wrong === undefined) break
      check(host.clock.monotonicMs() < untilMs, wrong)
      await host.advance(STEP_MS)
    }
    for (const partition of partitions) await this.#replicasAgree(partition)
    if (partitions.length > 0) await this.#followersRefuse(this.#parts.random.pick(partitions))
    this.#parts.world.counts.quietChecks++
  }

  /** What is wrong with the metadata; undefined: nothing. */
  #wrong(): string | undefined {
    const { broker } = this.#parts.world
    const { image } = broker.cluster.metadata
    const { running } = broker
    const unfenced = [...image.brokers.values()].filter(({ fenced }) => !fenced).map(({ nodeId }) => nodeId)
    if (`${unfenced.sort()}` !== `${[...running].sort()}`) return `${running} run, and ${unfenced} are unfenced`
    for (const { name, partitions } of image.topicsByName.values()) {
      for (const [index, partition] of partitions.entries()) {
        const wrong = wrongPartition(partition, running, this.#parts.allowsUncleanElection(name))
        if (wrong !== undefined) return `${name}-${index} ${wrong}: ${JSON.stringify(partition)}, ${running} run`
      }
    }
    return undefined
  }

  /** What two brokers answer differently; undefined: nothing. */
  async #contradiction(): Promise<string | undefined> {
    const { world } = this.#parts
    const { running } = world.broker
    const answers = new Map<string, number>()
    const keys = this.#coordinated()
    for (const nodeId of running) {
      const client = this.#client.at(nodeId)
      const options = { includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false }
      const asked = client.ask(Metadata, 12, { topics: null, allowAutoTopicCreation: false, ...options })
      const { brokers, topics, controllerId } = await world.host.settle(asked)
      const wrong = wrongOffline(topics, running)
      if (wrong !== undefined) return `${nodeId} answers ${wrong}`
      const sorted = [sortedBy(brokers, (each) => each.nodeId), sortedBy(topics, (each) => each.name ?? '')]
      answers.set(JSON.stringify([...sorted, controllerId]), nodeId)
      for (const each of keys) await each.ask(client, nodeId)
    }
    if (this.#parts.isFailing()) return undefined
    if (answers.size > 1) return `brokers ${[...answers.values()]} answer Metadata differently`
    return keys.map((each) => each.wrong).find((wrong) => wrong !== undefined)
  }

  /** Who coordinates groups and transactional ids. */
  #coordinated(): readonly Coordinations[] {
    const { groupIds, transactionalIds = [], world } = this.#parts
    const ofGroups = async (client: SimulatedClient) => {
      const groups = groupIds.map((groupId) => ({ groupId, memberId: null, memberEpoch: -1, topics: null }))
      const asked = client.ask(OffsetFetch, 8, { groupId: '', topics: [], groups, requireStable: false })
      const answer = await world.host.settle(asked)
      return answer.groups.map(({ groupId, errorCode }) => ({ key: groupId, errorCode }))
    }
    const ofTransactions = async (client: SimulatedClient) => {
      const answer = await world.host.settle(client.ask(DescribeTransactions, 0, { transactionalIds }))
      return answer.transactionStates.map(({ transactionalId, errorCode }) => ({ key: transactionalId, errorCode }))
    }
    return [
      new Coordinations(world.host, GROUP_KEY, groupIds, ofGroups),
      new Coordinations(world.host, TRANSACTION_KEY, transactionalIds, ofTransactions),
    ]
  }

  /** Consumers may read from any replica, and see no less than from the one before. */
  async #replicasAgree({ topic, index, name, start }: PartitionHistory): Promise<void> {
    const { world } = this.#parts
    const image = world.broker.partitionOf(topic.plan.name, index)
    const wanted = { partition: index, fetchOffset: start, partitionMaxBytes: 1 }
    const topics = [{ topic: topic.plan.name, topicId: topic.id, partitions: [wanted] }]
    let before = -1
    for (const nodeId of image?.isr.filter((node) => world.broker.serves(node)) ?? []) {
      const limits = { maxWaitMs: 0, minBytes: 0, maxBytes: 1, forgottenTopicsData: [] }
      const { responses } = await world.host.settle(this.#client.at(nodeId).ask(Fetch, 12, { ...limits, topics }))
      const { errorCode, highWatermark } = responses[0]!.partitions[0]!
      const error = errorName(errorCode)
      if (this.#parts.isFailing() || world.broker.partitionOf(topic.plan.name, index) !== image) return
      // Records may be deleted meanwhile.
      if (error === 'OFFSET_OUT_OF_RANGE') return
      check(error === 'NONE', `${name}: replica ${nodeId} answers ${error}, and it is in sync`)
      check(highWatermark >= before, `${name}: replica ${nodeId} has ${highWatermark}, and another had ${before}`)
      before = highWatermark
    }
  }

  /** Only the leader takes records: nobody reads this one. */
  async #followersRefuse({ topic, index, name }: PartitionHistory): Promise<void> {
    const { world } = this.#parts
    const { leader } = world.broker.partitionOf(topic.plan.name, index) ?? { leader: -1 }
    const records = buildBatch([{ key: null, value: 'for nobody', timestamp: world.host.clock.nowMs() }])
    const topicData = [{ name: topic.plan.name, topicId: topic.id, partitionData: [{ index, records }] }]
    for (const nodeId of world.broker.running) {
      if (nodeId === leader) continue
      const asked = this.#client.at(nodeId).ask(Produce, 9, { acks: 1, timeoutMs: 1000, topicData })
      const { responses } = await world.host.settle(asked)
      const error = errorName(responses[0]!.partitionResponses[0]!.errorCode)
      if (this.#parts.isFailing()) return
      const isRefused = error === 'NOT_LEADER_OR_FOLLOWER'
      check(isRefused, `${name}: ${nodeId} answers ${error} to an append, and ${leader} leads`)
    }
  }
}

/**
 * Replicas that may lead next. Data exists once: all replicas have it as soon as one can be added. One that returns may
 * complete a reassignment that removes the leader.
 */
function mayFollow(partition: PartitionImage): readonly number[] {
  const { isr, eligibleLeaderReplicas, lastKnownEligibleLeaderReplicas, replicas } = partition
  if (partition.addingReplicas.length > 0 || partition.removingReplicas.length > 0) return replicas
  return [...isr, ...eligibleLeaderReplicas, ...lastKnownEligibleLeaderReplicas]
}

/** Replicas of brokers that do not run, or were removed, are offline, and no others. */
function wrongOffline(topics: MetadataResponse['topics'], running: readonly number[]): string | undefined {
  for (const { name, partitions } of topics) {
    for (const { partitionIndex, replicaNodes, offlineReplicas = [] } of partitions) {
      const gone = replicaNodes.filter((node) => !running.includes(node))
      if (`${gone.sort()}` !== `${[...offlineReplicas].sort()}`)
        return `that ${offlineReplicas} of ${replicaNodes} are offline for ${name}-${partitionIndex}`
    }
  }
  return undefined
}

function wrongPartition(
  partition: PartitionImage,
  running: readonly number[],
  allowsUncleanElection: boolean,
): string | undefined {
  const { leader, replicas, isr, addingReplicas } = partition
  const { eligibleLeaderReplicas, lastKnownEligibleLeaderReplicas: lastKnown } = partition
  const lives = (node: number) => running.includes(node)
  if (leader === -1) {
    if (allowsUncleanElection && replicas.some(lives)) return 'has no leader'
    const eligible = [...isr, ...eligibleLeaderReplicas]
    const awaited = (eligible.length > 0 ? eligible : lastKnown).filter((node) => replicas.includes(node))
    const waitsInVain = awaited.length === 0 && replicas.some(lives)
    return awaited.some(lives) || waitsInVain ? 'has no leader' : undefined
  }
  if (!lives(leader)) return 'has a leader that does not run'
  if (!isr.includes(leader)) return 'has a leader that is not in sync'
  if (addingReplicas.length > 0 && canComplete(partition, lives)) return 'is still reassigned'
  return `${replicas.filter(lives).sort()}` === `${[...isr].sort()}` ? undefined : 'has other replicas in sync'
}

/** Whether a reassignment to live replicas completes. Source: PartitionReassignmentReplicas.maybeCompleteReassignment. */
function canComplete(partition: PartitionImage, lives: (node: number) => boolean): boolean {
  const { leader, replicas, addingReplicas, removingReplicas, isRecovering } = partition
  // An unclean election that made it the leader comes after the check, which only another change repeats.
  if (isRecovering && addingReplicas.includes(leader)) return false
  // It never does if the one before added what this one removes.
  if (!addingReplicas.every((node) => lives(node) && !removingReplicas.includes(node))) return false
  const isShrinking = addingReplicas.length < removingReplicas.length
  return !isShrinking || replicas.every((node) => lives(node) || removingReplicas.includes(node))
}

function sortedBy<T>(items: readonly T[], key: (item: T) => number | string): T[] {
  return [...items].sort((a, b) => (key(a) < key(b) ? -1 : 1))
}
