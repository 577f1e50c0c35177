import { AlterPartitionReassignments } from '../../protocol/apis/alter-partition-reassignments.ts'
import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { DeleteTopics } from '../../protocol/apis/delete-topics.ts'
import { DescribeCluster } from '../../protocol/apis/describe-cluster.ts'
import { DescribeLogDirs } from '../../protocol/apis/describe-log-dirs.ts'
import { DescribeTopicPartitions } from '../../protocol/apis/describe-topic-partitions.ts'
import { ElectLeaders } from '../../protocol/apis/elect-leaders.ts'
import { ListOffsets } from '../../protocol/apis/list-offsets.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import type { ValueOf } from '../../protocol/schema.ts'
import { waitFor } from '../wait-for.ts'
import type { Side } from './side.ts'

/** A topic by name and id. */
export interface Place {
  readonly name: string
  readonly topicId: string
}

/** Replicas of each partition, the preferred leader first. */
export type Assignment = readonly (readonly number[])[]

export type Partition = ValueOf<typeof DescribeTopicPartitions.response.fields>['topics'][number]['partitions'][number]

export const timeoutMs = 10_000
export const LATEST = -1
export const EARLIEST = -2
export const MAX_TIMESTAMP = -3

/** Longer than a dead broker stays unnoticed, on a busy machine. */
const CHANGE_WITHIN_MS = 60_000

/** A request for a topic with these replicas. */
export function newTopic(name: string, assignment: Assignment, configs: Readonly<Record<string, string>> = {}) {
  return {
    name,
    numPartitions: -1,
    replicationFactor: -1,
    assignments: assignment.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds: [...brokerIds] })),
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  }
}

/** Creates a topic and waits until all its replicas serve. */
export async function createTopic(
  side: Side,
  name: string,
  assignment: Assignment,
  configs: Readonly<Record<string, string>> = {},
): Promise<Place> {
  const [place] = await createTopics(side, [[name, assignment, configs]])
  return place!
}

/** The same for several topics. */
export async function createTopics(
  side: Side,
  topics: readonly (readonly [name: string, assignment: Assignment, configs?: Readonly<Record<string, string>>])[],
): Promise<Place[]> {
  const request = { topics: topics.map((each) => newTopic(...each)), timeoutMs }
  const created = await side.at(1)(CreateTopics, 7, '~', request)
  for (const { name, errorCode, errorMessage } of created.topics)
    if (errorCode !== 0) throw new Error(`${side.cluster.name} did not create ${name}: ${errorCode} ${errorMessage}`)
  for (const [name, assignment] of topics) {
    for (const nodeId of side.running) await logsAreThere(side, nodeId, name, assignment)
    await leadersServe(side, name)
  }
  return created.topics.map(({ name, topicId }) => ({ name, topicId }))
}

async function logsAreThere(side: Side, nodeId: number, topic: string, assignment: Assignment): Promise<void> {
  const count = assignment.filter((replicas) => replicas.includes(nodeId)).length
  await waitFor(`broker ${nodeId} has the logs of ${topic}`, async () => {
    const { results } = await side.at(nodeId)(DescribeLogDirs, 4, '~', { topics: null })
    const partitions = results[0]?.topics.find(({ name }) => name === topic)?.partitions ?? []
    return partitions.length >= count
  })
  await waitFor(`broker ${nodeId} shows ${topic}`, async () => (await partitionsOf(side, nodeId, topic)).length > 0)
}

async function leadersServe(side: Side, topic: string): Promise<void> {
  for (const { partitionIndex, leaderId } of await partitionsOf(side, 1, topic))
    await waitFor(`broker ${leaderId} leads ${topic}-${partitionIndex}`, async () => {
      if (leaderId < 0 || !side.cluster.running.has(leaderId)) return true
      return (await offsetOf(side, leaderId, topic, LATEST, partitionIndex)).errorCode === 0
    })
}

/** Earliest, latest or another offset of a partition, as this broker answers it to a consumer. */
export async function offsetOf(side: Side, nodeId: number, topic: string, timestamp: number, partitionIndex = 0) {
  const partitions = [{ partitionIndex, timestamp, currentLeaderEpoch: -1 }]
  const answer = await side.at(nodeId)(ListOffsets, 7, '~', { replicaId: -1, topics: [{ name: topic, partitions }] })
  return answer.topics[0]!.partitions[0]!
}

/** Partitions of a topic as this broker shows them; none if it does not know the topic. */
export async function partitionsOf(side: Side, nodeId: number, topic: string): Promise<readonly Partition[]> {
  const { topics } = await side.at(nodeId)(DescribeTopicPartitions, 0, '~', { topics: [{ name: topic }] })
  return [...topics[0]!.partitions].sort((a, b) => a.partitionIndex - b.partitionIndex)
}

/** Waits until all running brokers show that just these brokers are alive. */
export async function aliveAre(side: Side, alive: readonly number[]): Promise<void> {
  for (const nodeId of side.running)
    await waitFor(
      `broker ${nodeId} of ${side.cluster.name} shows that ${alive} are alive`,
      async () => {
        const { brokers } = await side.at(nodeId)(DescribeCluster, 2, '~', { endpointType: 1 })
        const shown = brokers.map(({ brokerId }) => brokerId).sort()
        return shown.join() === alive.join()
      },
      CHANGE_WITHIN_MS,
    )
}

/** Waits until each partition that has a leader has all its running replicas in sync, at all running brokers. */
export async function inSync(side: Side, topics: readonly string[]): Promise<void> {
  for (const nodeId of side.running)
    for (const topic of topics) {
      const isSettled = ({ leaderId, replicaNodes, isrNodes }: Partition) => {
        const alive = replicaNodes.filter((each) => side.cluster.running.has(each))
        return leaderId < 0 || [...isrNodes].sort().join() === alive.sort().join()
      }
      await waitFor(
        `the replicas of ${topic} are in sync at broker ${nodeId} of ${side.cluster.name}`,
        async () => (await partitionsOf(side, nodeId, topic)).every(isSettled),
        CHANGE_WITHIN_MS,
      )
    }
}

/** Waits until the leader of a partition, as all running brokers show it, is this broker, and serves. */
export async function leaderIs(side: Side, topic: string, leader: number, index = 0): Promise<void> {
  for (const nodeId of side.running)
    await waitFor(
      `${leader} leads ${topic}-${index} at broker ${nodeId} of ${side.cluster.name}`,
      async () => (await partitionsOf(side, nodeId, topic))[index]?.leaderId === leader,
      CHANGE_WITHIN_MS,
    )
  await leadersServe(side, topic)
}

/** Makes the first of these replicas the leader of a partition: its preferred one, and then elected. */
export async function moveLeader(side: Side, topic: string, index: number, replicas: readonly number[]): Promise<void> {
  const partitions = [{ partitionIndex: index, replicas: [...replicas] }]
  await side.at(1)(AlterPartitionReassignments, 0, '~', { topics: [{ name: topic, partitions }], timeoutMs })
  await waitFor(`${replicas} are the replicas of ${topic}-${index}`, async () => {
    const partition = (await partitionsOf(side, 1, topic))[index]
    return partition?.replicaNodes.join() === replicas.join()
  })
  await electPreferred(side, topic, index, replicas[0]!)
}

/** Elects the preferred leader of a partition, which must be this broker. */
export async function electPreferred(side: Side, topic: string, index: number, leader: number): Promise<void> {
  const topicPartitions = [{ topic, partitions: [index] }]
  await side.at(1)(ElectLeaders, 2, '~', { electionType: 0, topicPartitions, timeoutMs })
  await leaderIs(side, topic, leader, index)
}

export async function stop(side: Side, nodeId: number): Promise<void> {
  await side.cluster.stop(nodeId)
  await membersAreKnown(side)
}

export async function kill(side: Side, nodeId: number): Promise<void> {
  await side.cluster.kill(nodeId)
  await membersAreKnown(side)
}

/** Starts it and waits until the replicas of these topics are in sync again. */
export async function start(side: Side, nodeId: number, topics: readonly string[] = []): Promise<void> {
  await side.cluster.start(nodeId)
  await membersAreKnown(side)
  await inSync(side, topics)
  for (const topic of topics) await leadersServe(side, topic)
}

async function membersAreKnown(side: Side): Promise<void> {
  await aliveAre(side, side.running)
  await changesAreApplied(side)
}

let barriers = 0

/**
 * Waits until each running broker has carried out all changes so far. Kafka's brokers show a change before they do, but
 * carry out one after the other: a topic that each of them leads comes last.
 */
export async function changesAreApplied(side: Side): Promise<void> {
  const name = `barrier-${barriers++}`
  await createTopic(
    side,
    name,
    side.running.map((nodeId) => [nodeId]),
  )
  await side.at(1)(DeleteTopics, 6, '~', { topics: [{ name }], timeoutMs })
}

const someTimeMs = Date.now() - 60_000

/** A batch with one record for each value, one second apart. */
export function batchOf(...values: readonly string[]): Buffer {
  return buildBatch(
    values.map((value, index) => ({ timestamp: someTimeMs + index * 1000, key: 'k', value })),
    {},
  )
}

/** Produces until it succeeds; for preparation. */
export async function produce(side: Side, leader: number, topic: string, records: Buffer, acks = -1, index = 0) {
  const topicData = [{ name: topic, partitionData: [{ index, records }] }]
  await waitFor(`records are in ${topic}-${index} of ${side.cluster.name}`, async () => {
    const { responses } = await side.at(leader)(Produce, 12, '~', { acks, timeoutMs, topicData })
    return responses[0]?.partitionResponses[0]?.errorCode === 0
  })
}
