import { ConsumerGroupDescribe } from '../../protocol/apis/consumer-group-describe.ts'
import { ConsumerGroupHeartbeat } from '../../protocol/apis/consumer-group-heartbeat.ts'
import { DeleteGroups } from '../../protocol/apis/delete-groups.ts'
import { DescribeGroups } from '../../protocol/apis/describe-groups.ts'
import { FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { Heartbeat } from '../../protocol/apis/heartbeat.ts'
import { JoinGroup } from '../../protocol/apis/join-group.ts'
import { LeaveGroup } from '../../protocol/apis/leave-group.ts'
import { ListGroups } from '../../protocol/apis/list-groups.ts'
import { OffsetCommit } from '../../protocol/apis/offset-commit.ts'
import { OffsetDelete } from '../../protocol/apis/offset-delete.ts'
import { OffsetFetch } from '../../protocol/apis/offset-fetch.ts'
import { SyncGroup } from '../../protocol/apis/sync-group.ts'
import { waitFor } from '../wait-for.ts'
import type { Scenario } from './scenario.ts'
import type { Side } from './side.ts'
import { createTopics, electPreferred, inSync, partitionsOf } from './topics.ts'

/** The coordinator of each group, as long as every leader is the preferred one. */
export const groupsByCoordinator: Readonly<Record<number, string>> = { 1: 'group-b', 2: 'group-c', 3: 'group-a' }

/** Creates the topic of the offsets with known leaders: a broker would choose them at random. */
export async function createOffsetsTopic(side: Side): Promise<void> {
  const configs = { 'cleanup.policy': 'compact', 'compression.type': 'producer', 'segment.bytes': '104857600' }
  await createTopics(side, [
    [
      '__consumer_offsets',
      [
        [1, 2, 3],
        [2, 3, 1],
        [3, 1, 2],
      ],
      configs,
    ],
  ])
  for (const [coordinator, group] of Object.entries(groupsByCoordinator))
    await coordinates(side, Number(coordinator), group)
}

/** Waits until this broker coordinates the group and has loaded it. */
export async function coordinates(side: Side, nodeId: number, group: string): Promise<void> {
  await waitFor(`broker ${nodeId} of ${side.cluster.name} coordinates ${group}`, async () => {
    const { groups } = await side.at(nodeId)(DescribeGroups, 5, '~', { groups: [group] })
    return ![14, 15, 16].includes(groups[0]!.errorCode)
  })
}

const finding: Scenario = {
  name: 'groups: each broker names the coordinator of each',
  run: async (side) => {
    const groups = Object.values(groupsByCoordinator)
    for (const version of [0, 1, 3, 4, 6])
      if (version < 4) {
        for (const key of groups) await side.atEach(FindCoordinator, version, key, { key, keyType: 0 })
      } else await side.atEach(FindCoordinator, version, 'three', { keyType: 0, coordinatorKeys: groups })
  },
}

function committed(topic: string) {
  return { name: topic, partitions: [{ partitionIndex: 0, committedOffset: 1, committedLeaderEpoch: 0 }] }
}

/** Requests of every group API at each broker. Broker 2 coordinates the group. */
const notCoordinator: Scenario = {
  name: 'groups: every request to brokers that coordinate and that do not',
  run: async (side) => {
    const groupId = groupsByCoordinator[2]!
    const other = groupsByCoordinator[3]!
    const [topic] = await createTopics(side, [['groups-topic', [[1, 2, 3]]]])
    const name = topic!.name
    for (const version of [0, 3, 5, 9])
      for (const nodeId of [1, 3])
        await side.at(nodeId)(JoinGroup, version, 'elsewhere', {
          ...{ groupId, sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, memberId: '', protocolType: 'consumer' },
          protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
        })
    const member = { groupId, generationId: 1, memberId: 'm' }
    for (const version of [0, 5]) await side.atEach(SyncGroup, version, 'of nobody', { ...member, assignments: [] })
    for (const version of [0, 4]) await side.atEach(Heartbeat, version, 'of nobody', member)
    await side.atEach(LeaveGroup, 0, 'of nobody', { groupId, memberId: 'm' })
    await side.atEach(LeaveGroup, 5, 'of nobody', { groupId, members: [{ memberId: 'm' }] })
    for (const version of [2, 8, 9])
      await side.atEach(OffsetCommit, version, 'of nobody in particular', {
        ...{ groupId, generationIdOrMemberEpoch: -1, memberId: '' },
        topics: [committed(name)],
      })
    await side.atEach(OffsetCommit, 10, 'by id', {
      ...{ groupId, generationIdOrMemberEpoch: -1, memberId: '' },
      topics: [{ topicId: topic!.topicId, partitions: committed(name).partitions }],
    })
    for (const version of [1, 2, 5, 7])
      await side.atEach(OffsetFetch, version, 'one topic', { groupId, topics: [{ name, partitionIndexes: [0] }] })
    for (const version of [2, 7]) await side.atEach(OffsetFetch, version, 'all', { groupId, topics: null })
    for (const version of [8, 9])
      await side.atEach(OffsetFetch, version, 'two groups', {
        groups: [groupId, other].map((each) => ({ groupId: each, topics: [{ name, partitionIndexes: [0] }] })),
      })
    for (const version of [0, 4, 6])
      await side.atEach(DescribeGroups, version, 'two groups', { groups: [groupId, other] })
    await side.atEach(ConsumerGroupDescribe, 1, 'two groups', { groupIds: [groupId, other] })
    for (const nodeId of [1, 3])
      await side.at(nodeId)(ConsumerGroupHeartbeat, 1, 'elsewhere', {
        ...{ groupId, memberId: 'aaaaaaaaaaaaaaaaaaaaaa', memberEpoch: 0, rebalanceTimeoutMs: 10_000 },
        ...{ subscribedTopicNames: [name], topicPartitions: [] },
      })
    for (const version of [0, 3, 5])
      await side.atEach(ListGroups, version, 'all', {}, ({ groups, ...rest }) => ({
        ...rest,
        groups: groups.filter((group) => group.groupId.startsWith('group-')),
      }))
    const topics = [{ name, partitions: [{ partitionIndex: 0 }] }]
    for (const nodeId of [1, 3, 2]) await side.at(nodeId)(OffsetDelete, 0, 'one', { groupId, topics })
    for (const version of [0, 2])
      for (const nodeId of [1, 3, 2])
        await side.at(nodeId)(DeleteGroups, version, 'two', { groupsNames: [groupId, other] })
  },
}

async function commit(side: Side, nodeId: number, groupId: string, name: string, offset: number): Promise<void> {
  const partitions = [{ partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: -1 }]
  await side.at(nodeId)(OffsetCommit, 8, `offset ${offset}`, {
    ...{ groupId, generationIdOrMemberEpoch: -1, memberId: '' },
    topics: [{ name, partitions }],
  })
}

/** A group that broker 3 coordinates, before, while and after it is gone. */
export const movingGroup = {
  async before(side: Side, what: string): Promise<void> {
    const [group, topic] = [groupsByCoordinator[3]!, `moving-${what}`]
    await createTopics(side, [[topic, [[1, 2]]]])
    await electPreferred(side, '__consumer_offsets', 2, 3)
    await coordinates(side, 3, group)
    await commit(side, 3, group, topic, 1)
  },

  async during(side: Side, what: string): Promise<void> {
    const [group, topic] = [groupsByCoordinator[3]!, `moving-${what}`]
    await inSync(side, ['__consumer_offsets'])
    const leader = (await partitionsOf(side, 1, '__consumer_offsets'))[2]!.leaderId
    side.note(`coordinator after 3 was ${what}`, leader)
    await coordinates(side, leader, group)
    await hasCommitted(side, leader, group, topic, 1)
    await find(side, group, `3 ${what}`)
    await fetch(side, group, topic, `3 ${what}`)
    await commit(side, leader, group, topic, 2)
  },

  async after(side: Side, what: string): Promise<void> {
    const [group, topic] = [groupsByCoordinator[3]!, `moving-${what}`]
    await inSync(side, ['__consumer_offsets'])
    await find(side, group, `3 is back after it was ${what}`)
    await electPreferred(side, '__consumer_offsets', 2, 3)
    await coordinates(side, 3, group)
    await hasCommitted(side, 3, group, topic, 2)
    await find(side, group, `3 coordinates after it was ${what}`)
    await fetch(side, group, topic, `3 coordinates after it was ${what}`)
  },
}

/** A new coordinator of Kafka shows an offset once it knows the high watermark: its followers must fetch from it. */
async function hasCommitted(side: Side, nodeId: number, groupId: string, name: string, offset: number): Promise<void> {
  await waitFor(`broker ${nodeId} of ${side.cluster.name} knows the offset of ${groupId}`, async () => {
    const asked = [{ groupId, topics: [{ name, partitionIndexes: [0] }] }]
    const { groups } = await side.at(nodeId)(OffsetFetch, 8, '~', { groups: asked })
    return groups[0]!.topics[0]?.partitions[0]?.committedOffset === offset
  })
}

function find(side: Side, group: string, what: string): Promise<void> {
  return side.atEach(FindCoordinator, 4, what, { keyType: 0, coordinatorKeys: [group] })
}

function fetch(side: Side, groupId: string, name: string, what: string): Promise<void> {
  return side.atEach(OffsetFetch, 8, what, { groups: [{ groupId, topics: [{ name, partitionIndexes: [0] }] }] })
}

export const groupScenarios: readonly Scenario[] = [finding, notCoordinator]
