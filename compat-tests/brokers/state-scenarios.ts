import { DescribeCluster } from '../../protocol/apis/describe-cluster.ts'
import { DescribeQuorum } from '../../protocol/apis/describe-quorum.ts'
import { DescribeTopicPartitions } from '../../protocol/apis/describe-topic-partitions.ts'
import { ElectLeaders } from '../../protocol/apis/elect-leaders.ts'
import { Fetch } from '../../protocol/apis/fetch.ts'
import { ListOffsets } from '../../protocol/apis/list-offsets.ts'
import { OffsetForLeaderEpoch } from '../../protocol/apis/offset-for-leader-epoch.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { UnregisterBroker } from '../../protocol/apis/unregister-broker.ts'
import type { ValueOf } from '../../protocol/schema.ts'
import { waitFor } from '../wait-for.ts'
import { askQuorum, describeInAllVersions, quorumOf, withoutController } from './cluster-scenarios.ts'
import { movingGroup } from './group-scenarios.ts'
import { fetchOf, highWatermarkIs } from './other-broker-scenarios.ts'
import type { Scenario } from './scenario.ts'
import type { Side } from './side.ts'
import {
  batchOf,
  changesAreApplied,
  createTopics,
  EARLIEST,
  inSync,
  kill,
  LATEST,
  MAX_TIMESTAMP,
  offsetOf,
  type Place,
  produce,
  start,
  stop,
  timeoutMs,
} from './topics.ts'
import { movingTransaction } from './transaction-scenarios.ts'

/** Topics with one, two and three replicas, of which one or two must be in sync. */
const states = [
  { name: 'one', assignment: [[1], [2], [3]] },
  {
    name: 'two',
    assignment: [
      [2, 3],
      [3, 2],
      [3, 1],
    ],
  },
  {
    name: 'three',
    assignment: [
      [1, 2, 3],
      [2, 3, 1],
      [3, 1, 2],
    ],
  },
].flatMap(({ name, assignment }) =>
  [1, 2].map((min) => ({
    name: `states-${name}-min-${min}`,
    assignment,
    configs: { 'min.insync.replicas': `${min}` },
  })),
)
const stateNames = states.map(({ name }) => name)

function createStates(side: Side, prefix: string): Promise<Place[]> {
  return createTopics(
    side,
    states.map(({ name, assignment, configs }) => [`${prefix}-${name}`, assignment, configs] as const),
  )
}

/** Leaders, epochs, in-sync and eligible replicas of all topics, once they are settled. */
async function describeStates(side: Side, prefix: string, what: string): Promise<void> {
  const names = stateNames.map((name) => `${prefix}-${name}`)
  await inSync(side, names)
  const topics = names.map((name) => ({ name }))
  const first = statesOf(await side.at(1)(DescribeTopicPartitions, 0, what, { topics }, statesOf))
  // A difference at each broker would be told three times.
  for (const nodeId of side.running.slice(1))
    await side.at(nodeId)(DescribeTopicPartitions, 0, what, { topics }, (answer) => {
      const states = statesOf(answer)
      return JSON.stringify(states) === JSON.stringify(first) ? 'as at broker 1' : states
    })
}

function statesOf({ topics }: ValueOf<typeof DescribeTopicPartitions.response.fields>) {
  const sorted = [...topics].sort((a, b) => (a.name! < b.name! ? -1 : 1))
  return sorted.map(({ name, partitions }) => ({
    name,
    partitions: [...partitions]
      .sort((a, b) => a.partitionIndex - b.partitionIndex)
      .map(({ errorCode, leaderId, leaderEpoch, replicaNodes, isrNodes, eligibleLeaderReplicas, ...rest }) =>
        [
          `error ${errorCode}, leader ${leaderId}, epoch ${leaderEpoch}, replicas ${replicaNodes}, isr ${isrNodes}`,
          `elr ${eligibleLeaderReplicas}, last known ${rest.lastKnownElr}, offline ${rest.offlineReplicas}`,
        ].join(', '),
      )
      .map((text, index) => ({ index, text })),
  }))
}

async function describeCluster(side: Side, what: string): Promise<void> {
  for (const includeFencedBrokers of [false, true]) {
    const request = { endpointType: 1, includeFencedBrokers }
    await side.atEach(DescribeCluster, 2, what, request, withoutController(side))
  }
}

const oneEnds = (how: 'stopped' | 'killed', end: typeof stop): Scenario => ({
  name: `states: broker 3 is ${how} and comes back, with its leaders, its group and its transaction`,
  run: async (side) => {
    const prefix = how
    await createStates(side, prefix)
    await movingGroup.before(side, how)
    const open = await movingTransaction.before(side, how)
    await describeStates(side, prefix, 'all run')
    await end(side, 3)
    await describeStates(side, prefix, `3 ${how}`)
    await describeCluster(side, `3 ${how}`)
    await describeInAllVersions(side, `3 ${how}`, [`${prefix}-states-one-min-1`, `${prefix}-states-three-min-2`])
    await side.atEach(DescribeQuorum, 2, `3 ${how}`, askQuorum, (answer) => {
      const { partitions, ...rest } = quorumOf(answer)
      // An observer is listed for minutes after its last fetch.
      return { ...rest, voters: partitions.map((each) => each.map(({ voters }) => voters)) }
    })
    await movingGroup.during(side, how)
    const next = await movingTransaction.during(side, how, open)
    await start(side, 3)
    await describeStates(side, prefix, `3 is back after it was ${how}`)
    await movingGroup.after(side, how)
    await movingTransaction.after(side, how, next)
    await describeCluster(side, `3 is back after it was ${how}`)
    const topicPartitions = stateNames.map((name) => ({ topic: `${prefix}-${name}`, partitions: [0, 1, 2] }))
    await side.at(1)(ElectLeaders, 2, `after 3 was ${how}`, { electionType: 0, topicPartitions, timeoutMs })
    await changesAreApplied(side)
    await describeStates(side, prefix, `preferred leaders after 3 was ${how}`)
  },
})

/** Requests for a partition whose replicas are all gone. */
async function askOffline(side: Side, place: Place, what: string): Promise<void> {
  await describeInAllVersions(side, what, [place.name])
  for (const acks of [1, -1])
    await side.atEach(Produce, 12, `${what}, acks ${acks}`, {
      ...{ acks, timeoutMs },
      topicData: [{ name: place.name, partitionData: [{ index: 0, records: batchOf('x') }] }],
    })
  for (const version of [10, 12, 16]) await side.atEach(Fetch, version, what, fetchOf(version, place))
  const topics = [{ name: place.name, partitions: [{ partitionIndex: 0, timestamp: LATEST }] }]
  for (const version of [1, 10]) await side.atEach(ListOffsets, version, what, { replicaId: -1, topics })
  const partitions = [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0 }]
  await side.atEach(OffsetForLeaderEpoch, 4, what, { replicaId: -1, topics: [{ topic: place.name, partitions }] })
}

/** Partitions whose replicas all go, broker 3 first. */
const offline: Part = {
  before: async (side) => {
    const places = await createTopics(side, [
      ['offline-one', [[3]]],
      ['offline-two', [[3, 2]]],
    ])
    for (const { name } of places) await produce(side, 3, name, batchOf('a', 'b'))
    await highWatermarkIs(side, 2, places[1]!, 2)
    return places
  },
  withoutThree: async (side, [one, two]) => {
    await inSync(side, [two!.name])
    await askOffline(side, one!, 'its only replica stopped')
    await side.atEach(Fetch, 12, 'the leader changed', fetchOf(12, two!))
  },
  withoutBoth: (side, [, two]) => askOffline(side, two!, 'both replicas stopped'),
  withThree: (side, [one]) => servesAgain(side, one!),
  withBoth: async (side, places) => {
    for (const each of places) await servesAgain(side, each)
  },
}

/** Waits until the partition has a leader that serves, with the records of before. */
async function servesAgain(side: Side, place: Place): Promise<void> {
  await inSync(side, [place.name])
  const leaders = () => side.at(1)(DescribeTopicPartitions, 0, '~', { topics: [{ name: place.name }] })
  await waitFor(`${place.name} of ${side.cluster.name} is served again`, async () => {
    const { leaderId, isrNodes } = (await leaders()).topics[0]!.partitions[0]!
    if (leaderId < 0) return false
    for (const nodeId of isrNodes) await highWatermarkIs(side, nodeId, place, 2)
    return (await offsetOf(side, leaderId, place.name, LATEST)).offset === 2
  })
  await side.atEach(Fetch, 12, `${place.name} is back`, fetchOf(12, place))
}

async function lookBelow(side: Side, place: Place, what: string): Promise<void> {
  for (const isolationLevel of [0, 1]) {
    await side.at(1)(Fetch, 12, `${what}, level ${isolationLevel}`, { ...fetchOf(12, place), isolationLevel })
    for (const timestamp of [LATEST, EARLIEST, MAX_TIMESTAMP])
      await side.at(1)(ListOffsets, 8, `${what}, of ${timestamp}, level ${isolationLevel}`, {
        ...{ replicaId: -1, isolationLevel },
        topics: [{ name: place.name, partitions: [{ partitionIndex: 0, timestamp }] }],
      })
  }
  await side.at(1)(Fetch, 12, `${what}, beyond`, fetchOf(12, place, { offset: 2 }))
}

/** A partition with fewer replicas in sync than min.insync.replicas, and with enough again. */
const belowMinimum: Part = {
  before: async (side) => {
    const places = await createTopics(side, [['minimum', [[1, 2, 3]], { 'min.insync.replicas': '2' }]])
    await produce(side, 1, places[0]!.name, batchOf('a'))
    return places
  },
  withoutBoth: async (side, [place]) => {
    await inSync(side, [place!.name])
    await changesAreApplied(side)
    const topicData = [{ name: place!.name, partitionData: [{ index: 0, records: batchOf('b') }] }]
    for (const version of [3, 8, 10, 12])
      await side.at(1)(Produce, version, 'acks -1', { acks: -1, timeoutMs, topicData })
    await side.at(1)(Produce, 12, 'acks 1', { acks: 1, timeoutMs, topicData })
    await lookBelow(side, place!, 'below the minimum')
  },
  withThree: async (side, [place]) => {
    await inSync(side, [place!.name])
    await highWatermarkIs(side, 1, place!, 2)
    await lookBelow(side, place!, 'enough again')
  },
}

/** Something else to look at while two brokers end and come back. */
interface Part {
  before(side: Side): Promise<readonly Place[]>
  withoutThree?(side: Side, places: readonly Place[]): Promise<void>
  withoutBoth(side: Side, places: readonly Place[]): Promise<void>
  withThree(side: Side, places: readonly Place[]): Promise<void>
  withBoth?(side: Side, places: readonly Place[]): Promise<void>
}

const twoEnd = (first: 'stop' | 'kill', second: 'stop' | 'kill', title: string, part?: Part): Scenario => ({
  name: `states: ${first} broker 3, ${second} broker 2, start 3, start 2${title}`,
  run: async (side) => {
    const ends = { stop, kill }
    const prefix = `${first}-${second}`
    await createStates(side, prefix)
    const places = (await part?.before(side)) ?? []
    await ends[first](side, 3)
    await describeStates(side, prefix, '3 is gone')
    await part?.withoutThree?.(side, places)
    await ends[second](side, 2)
    await describeStates(side, prefix, '3 and 2 are gone')
    await part?.withoutBoth(side, places)
    for (const electionType of [0, 1]) {
      const topicPartitions = [
        { topic: `${prefix}-states-three-min-2`, partitions: [0, 1, 2] },
        { topic: `${prefix}-states-one-min-1`, partitions: [0, 1, 2] },
      ]
      await side.at(1)(ElectLeaders, 2, `type ${electionType}`, { electionType, topicPartitions, timeoutMs })
    }
    await start(side, 3)
    await describeStates(side, prefix, '3 is back')
    await part?.withThree(side, places)
    const two = [1, 2].map((min) => ({ topic: `${prefix}-states-two-min-${min}`, partitions: [0, 1] }))
    await side.at(3)(ElectLeaders, 2, 'unclean', { electionType: 1, topicPartitions: two.slice(0, 1), timeoutMs })
    await changesAreApplied(side)
    await describeStates(side, prefix, 'after an unclean election')
    await start(side, 2)
    await describeStates(side, prefix, '2 is back')
    await part?.withBoth?.(side, places)
    await side.at(1)(ElectLeaders, 2, 'unclean again', { electionType: 1, topicPartitions: two, timeoutMs })
  },
})

async function onlyRegistered(side: Side, count: number): Promise<void> {
  for (const nodeId of [1, 2])
    await waitFor(`${count} brokers of ${side.cluster.name} are registered`, async () => {
      const request = { endpointType: 1, includeFencedBrokers: true }
      const { brokers } = await side.at(nodeId)(DescribeCluster, 2, '~', request)
      return brokers.length === count
    })
}

const unregistering: Scenario = {
  // That of a running broker is refused here: Kafka's would run on without being part of the cluster.
  name: 'states: a stopped broker is unregistered',
  run: async (side) => {
    const prefix = 'gone'
    await createStates(side, prefix)
    await stop(side, 3)
    await side.at(2)(UnregisterBroker, 0, 'stopped', { brokerId: 3 })
    await onlyRegistered(side, 2)
    await describeCluster(side, '3 is unregistered')
    await describeStates(side, prefix, '3 is unregistered')
    await side.at(1)(UnregisterBroker, 0, 'again', { brokerId: 3 })
    await start(side, 3)
    await describeStates(side, prefix, '3 is back')
  },
}

export const stateScenarios: readonly Scenario[] = [
  oneEnds('stopped', stop),
  oneEnds('killed', kill),
  twoEnd('stop', 'stop', ', and partitions without a replica that runs', offline),
  twoEnd('stop', 'kill', ', and fewer in sync than min.insync.replicas', belowMinimum),
  unregistering,
]
