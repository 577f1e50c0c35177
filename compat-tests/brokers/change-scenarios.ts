import { AlterPartitionReassignments } from '../../protocol/apis/alter-partition-reassignments.ts'
import { CreatePartitions } from '../../protocol/apis/create-partitions.ts'
import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { DeleteTopics } from '../../protocol/apis/delete-topics.ts'
import { ElectLeaders } from '../../protocol/apis/elect-leaders.ts'
import { ListPartitionReassignments } from '../../protocol/apis/list-partition-reassignments.ts'
import { waitFor } from '../wait-for.ts'
import type { Scenario } from './scenario.ts'
import type { Side } from './side.ts'
import {
  type Assignment,
  changesAreApplied,
  createTopic,
  createTopics,
  inSync,
  newTopic,
  type Partition,
  partitionsOf,
  start,
  stop,
  timeoutMs,
} from './topics.ts'

/** Partitions as they are described, with leader epochs and replicas in their order. */
async function notePartitions(side: Side, what: string, topic: string): Promise<void> {
  const partitions = await partitionsOf(side, 1, topic)
  side.note(
    what,
    partitions.map(
      ({ leaderId, leaderEpoch, replicaNodes, isrNodes, offlineReplicas }) =>
        `leader ${leaderId}, epoch ${leaderEpoch}, replicas ${replicaNodes}, isr ${isrNodes}, offline ${offlineReplicas}`,
    ),
  )
}

/** What placement by the controller guarantees. It begins at a random broker. */
function shapeOf(partitions: readonly Partition[]) {
  const each = partitions.map(({ replicaNodes }) => replicaNodes)
  // Three of three are the only numbers for which every beginning gives the same shares.
  const isEven = partitions.length === 3 && each.every((replicas) => replicas.length === 3)
  return {
    count: partitions.length,
    factors: each.map((replicas) => replicas.length),
    different: each.every((replicas) => new Set(replicas).size === replicas.length),
    leaders: isEven ? each.map((replicas) => replicas[0]!).sort() : [],
  }
}

const creating: Scenario = {
  name: 'changes: topics with replicas on several brokers',
  run: async (side) => {
    const create = (what: string, wish: Partial<ReturnType<typeof newTopic>>, version = 7, name = `create-${what}`) =>
      side.at(((version * 7 + what.length) % 3) + 1)(CreateTopics, version, what, {
        topics: [{ ...newTopic(name, []), ...wish }],
        timeoutMs,
      })
    const refused: [string, Partial<ReturnType<typeof newTopic>>][] = [
      ['more replicas than brokers', { numPartitions: 1, replicationFactor: 4 }],
      ['one unknown broker', newTopic('unknown', [[1, 4]])],
      ['one broker twice', newTopic('twice', [[2, 2]])],
      ['factors that differ', newTopic('differ', [[1, 2], [3]])],
      ['a gap', { ...newTopic('gap', []), assignments: [{ partitionIndex: 1, brokerIds: [1, 2, 3] }] }],
      ['negative broker', newTopic('negative', [[1, -2]])],
    ]
    for (const version of [2, 4, 7]) for (const [what, wish] of refused) await create(what, wish, version, 'refused')
    // Other scenarios see the leaders of all topics: those at random must go.
    const placed: string[] = []
    for (const [numPartitions, replicationFactor] of [
      [3, 3],
      [3, 2],
      [6, 1],
      [1, 3],
      [3, -1],
      [-1, 2],
    ] as const) {
      const what = `${numPartitions} of ${replicationFactor}`
      const name = `create-${numPartitions}-${replicationFactor}`
      await create(what, { numPartitions, replicationFactor, configs: [] }, 4, name)
      placed.push(name)
      await waitFor(`${name} is seen`, async () => (await partitionsOf(side, 1, name)).length > 0)
      side.note(`shape of ${what}`, shapeOf(await partitionsOf(side, 1, name)))
    }
    await create(
      'as assigned',
      newTopic('create-as-assigned', [
        [3, 1],
        [2, 3],
      ]),
      7,
      'create-as-assigned',
    )
    await waitFor('the topic is seen', async () => (await partitionsOf(side, 1, 'create-as-assigned')).length > 0)
    await inSync(side, ['create-as-assigned'])
    await notePartitions(side, 'as assigned', 'create-as-assigned')
    await side.at(3)(DeleteTopics, 6, 'at a broker that is no controller', {
      topics: [{ name: 'create-as-assigned' }],
      timeoutMs,
    })
    await waitFor('it is gone', async () => (await partitionsOf(side, 2, 'create-as-assigned')).length === 0)
    for (const name of placed) await side.at(1)(DeleteTopics, 6, '~', { topics: [{ name }], timeoutMs })
  },
}

const whileStopped: Scenario = {
  name: 'changes: topics, partitions and moves while a broker is stopped',
  run: async (side) => {
    await createTopics(side, [
      [
        'moves',
        [
          [1, 2],
          [2, 3],
          [3, 1],
          [2, 1],
        ],
      ],
      ['grows', [[1, 2]]],
    ])
    await elections(side, 'all run')
    await reassignments(side, 'all run')
    await growing(side, 'all run')
    await stop(side, 3)
    await inSync(side, ['moves'])
    await elections(side, '3 stopped')
    for (const [what, assignment] of [
      ['on stopped brokers', [[3, 1]]],
      ['on stopped brokers alone', [[3]]],
    ] as [string, Assignment][]) {
      const name = `moves-${what.replaceAll(' ', '-')}`
      const request = { topics: [newTopic(name, assignment)], timeoutMs }
      const { topics } = await side.at(2)(CreateTopics, 7, what, request)
      if (topics[0]!.errorCode !== 0) continue
      await waitFor(`${name} is seen`, async () => (await partitionsOf(side, 1, name)).length > 0)
      await notePartitions(side, what, name)
    }
    const few = { numPartitions: 1, replicationFactor: 3 }
    await side.at(1)(CreateTopics, 7, 'three replicas while one is stopped', {
      ...{ topics: [{ ...newTopic('moves-three', []), ...few }], timeoutMs },
    })
    const two = { numPartitions: 4, replicationFactor: 2 }
    await side.at(1)(CreateTopics, 4, 'two replicas while one is stopped', {
      ...{ topics: [{ ...newTopic('moves-two', []), ...two }], timeoutMs },
    })
    await waitFor('it is seen', async () => (await partitionsOf(side, 1, 'moves-two')).length > 0)
    side.note('two replicas while one is stopped', shapeOf(await partitionsOf(side, 1, 'moves-two')))
    await side.at(1)(DeleteTopics, 6, '~', { topics: [{ name: 'moves-two' }], timeoutMs })
    await growing(side, '3 stopped')
    await pendingMoves(side)
    await start(side, 3)
    await waitFor('the moves are over', async () => {
      const { topics } = await side.at(1)(ListPartitionReassignments, 0, '~', { topics: null })
      return topics.length === 0
    })
    await inSync(side, ['moves', 'grows'])
    await notePartitions(side, 'moves, 3 is back', 'moves')
    await notePartitions(side, 'grows, 3 is back', 'grows')
    await elections(side, '3 is back')
    await changesAreApplied(side)
    await notePartitions(side, 'moves, after elections', 'moves')
  },
}

async function elections(side: Side, what: string): Promise<void> {
  for (const version of [0, 1, 2])
    for (const electionType of version === 0 ? [0] : [0, 1]) {
      const topicPartitions = [
        { topic: 'moves', partitions: [0, 1, 2, 9] },
        { topic: 'moves-none', partitions: [0] },
      ]
      const request = { ...(version > 0 ? { electionType } : {}), topicPartitions, timeoutMs }
      await side.at(version === 0 ? 1 : 2)(ElectLeaders, version, `${what}, type ${electionType}`, request)
    }
}

async function reassignments(side: Side, what: string): Promise<void> {
  const partitions: [number, number[] | null][] = [
    [0, [1, 7]],
    [0, [1, 1]],
    [0, []],
    [0, [1, -3]],
    [0, null],
    [9, [1]],
  ]
  for (const version of [0, 1])
    for (const [partitionIndex, replicas] of partitions)
      await side.at(2)(AlterPartitionReassignments, version, `${what}, ${partitionIndex} to ${replicas}`, {
        topics: [{ name: 'moves', partitions: [{ partitionIndex, replicas }] }],
        timeoutMs,
      })
  await side.at(3)(AlterPartitionReassignments, 1, `${what}, another factor, forbidden`, {
    ...{ allowReplicationFactorChange: false, timeoutMs },
    topics: [{ name: 'moves', partitions: [{ partitionIndex: 0, replicas: [1, 2, 3] }] }],
  })
  const move = async (replicas: number[]) => {
    const topics = [{ name: 'moves', partitions: [{ partitionIndex: 0, replicas }] }]
    await side.at(3)(AlterPartitionReassignments, 1, `${what}, to ${replicas}`, { topics, timeoutMs })
    await waitFor(`it moved to ${replicas}`, async () => {
      const { replicaNodes } = (await partitionsOf(side, 1, 'moves'))[0]!
      return replicaNodes.join() === replicas.join()
    })
    await inSync(side, ['moves'])
    await notePartitions(side, `${what}, moved to ${replicas}`, 'moves')
  }
  for (const replicas of [[2, 1], [1, 2, 3], [3], [1, 2]]) await move(replicas)
}

async function growing(side: Side, what: string): Promise<void> {
  const count = (await partitionsOf(side, 1, 'grows')).length
  const grow = (why: string, assignments: number[][]) =>
    side.at(2)(CreatePartitions, 3, `${what}, ${why}`, {
      ...{ timeoutMs, validateOnly: false },
      topics: [{ name: 'grows', count: count + 1, assignments: assignments.map((brokerIds) => ({ brokerIds })) }],
    })
  await grow('an unknown broker', [[1, 7]])
  await grow('another factor', [[1]])
  await grow('a broker twice', [[1, 1]])
  await grow('too many assignments', [
    [1, 2],
    [2, 1],
  ])
  await grow('on broker 3', [[3, 1]])
  await waitFor('partitions are seen', async () => (await partitionsOf(side, 1, 'grows')).length > count)
  await notePartitions(side, `${what}, grown`, 'grows')
}

/** Moves that cannot end as long as broker 3 is stopped. */
async function pendingMoves(side: Side): Promise<void> {
  const alter = (what: string, partitionIndex: number, replicas: number[] | null) =>
    side.at(2)(AlterPartitionReassignments, 0, what, {
      topics: [{ name: 'moves', partitions: [{ partitionIndex, replicas }] }],
      timeoutMs,
    })
  const list = (what: string) => side.atEach(ListPartitionReassignments, 0, what, { topics: null })
  const shown = (what: string) => notePartitions(side, what, 'moves')
  await list('nothing moves')
  await alter('to a stopped broker', 0, [1, 3])
  await list('one moves')
  await shown('one moves')
  await alter('elsewhere instead', 0, [2, 3])
  await list('elsewhere')
  await shown('elsewhere')
  await alter('another', 3, [2, 3])
  await list('two move')
  await side.at(1)(ListPartitionReassignments, 0, 'some', {
    topics: [{ name: 'moves', partitionIndexes: [0, 2, 9] }],
  })
  await alter('cancelled', 0, null)
  await list('one is cancelled')
  await shown('one is cancelled')
  await alter('cancelled again', 0, null)
  await alter('to the stopped broker alone', 2, [3])
  await shown('to the stopped broker alone')
  await list('two move again')
}

const deleting: Scenario = {
  name: 'changes: a topic that is created and deleted is the same at each broker',
  run: async (side) => {
    await createTopic(side, 'short-lived', [[2, 3, 1]])
    await side.at(2)(DeleteTopics, 6, 'by name', { topics: [{ name: 'short-lived' }], timeoutMs }, withoutIds)
    for (const nodeId of side.running)
      await waitFor(
        `it is gone at ${nodeId}`,
        async () => (await partitionsOf(side, nodeId, 'short-lived')).length === 0,
      )
    await side.atEach(DeleteTopics, 6, 'again', { topics: [{ name: 'short-lived' }], timeoutMs }, withoutIds)
  },
}

function withoutIds({ responses }: { readonly responses: readonly { readonly topicId: string }[] }) {
  return responses.map(({ topicId: _, ...rest }) => rest)
}

export const changeScenarios: readonly Scenario[] = [creating, whileStopped, deleting]
