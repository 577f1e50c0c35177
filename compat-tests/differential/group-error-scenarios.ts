import { ConsumerGroupDescribe } from '../../protocol/apis/consumer-group-describe.ts'
import { ConsumerGroupHeartbeat } from '../../protocol/apis/consumer-group-heartbeat.ts'
import { DeleteGroups } from '../../protocol/apis/delete-groups.ts'
import { DescribeGroups } from '../../protocol/apis/describe-groups.ts'
import { Heartbeat } from '../../protocol/apis/heartbeat.ts'
import { JoinGroup } from '../../protocol/apis/join-group.ts'
import { LeaveGroup } from '../../protocol/apis/leave-group.ts'
import { OffsetCommit } from '../../protocol/apis/offset-commit.ts'
import { OffsetDelete } from '../../protocol/apis/offset-delete.ts'
import { OffsetFetch } from '../../protocol/apis/offset-fetch.ts'
import { SyncGroup } from '../../protocol/apis/sync-group.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { coordinatorReady, enter, joinOf, leaveOf, stableGroup, untilRebalance } from './group-scenarios.ts'
import { inAges, inVersions, type Scenario } from './scenario.ts'
import { makeTopic } from './topic-scenarios.ts'

const fakeId = 'f4keAAAAAAAAAAAAAAAAAA'

const mismatches = inAges('JoinGroup: members that do not fit', async ({ send, at, age }) => {
  await coordinatorReady(send)
  const groupId = `misfits-${age}`
  const join = at(JoinGroup)
  const other = { protocols: [{ name: 'other', metadata: Buffer.alloc(1) }] }
  const { memberId } = await stableGroup(send, groupId)
  await send(JoinGroup, join, 'another protocol', joinOf(groupId, other))
  await send(JoinGroup, join, 'another type', joinOf(groupId, { protocolType: 'connect' }))
  await send(JoinGroup, join, 'no type', joinOf(groupId, { protocolType: '' }))
  await send(JoinGroup, join, 'no protocols', joinOf(groupId, { protocols: [] }))
  await send(JoinGroup, join, 'a stranger', joinOf(groupId, { memberId: 'stranger' }))
  await send(JoinGroup, join, 'a member with another protocol', joinOf(groupId, { memberId, ...other }))
  const all = [...joinOf(groupId).protocols, ...other.protocols]
  await send(JoinGroup, join, 'a member with one more protocol', joinOf(groupId, { memberId, protocols: all }))
  await send(DescribeGroups, at(DescribeGroups), 'what became of it', { groups: [groupId] })
  const sync = at(SyncGroup)
  const protocol = sync >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}
  const assignments = ['stranger', memberId].map((each) => ({ memberId: each, assignment: Buffer.from('x') }))
  await send(SyncGroup, sync, 'an assignment to a stranger too', {
    ...{ groupId, memberId, generationId: 2, assignments, ...protocol },
  })
  await send(DescribeGroups, at(DescribeGroups), 'in the end', { groups: [groupId] })
})

const betweenJoinAndSync = inAges('groups between join and sync', async ({ send, at, age, opener }) => {
  await coordinatorReady(send)
  const groupId = `between-${age}`
  const topic = `between-${age}`
  await makeTopic(send, topic)
  const [join, sync, beat, leave] = [at(JoinGroup), at(SyncGroup), at(Heartbeat), at(LeaveGroup)]
  const { memberId, generationId } = await enter(send, join, joinOf(groupId))
  const member = { groupId, memberId, generationId }
  const commit = (what: string) =>
    send(OffsetCommit, Math.min(9, at(OffsetCommit)), what, {
      groupId,
      memberId,
      generationIdOrMemberEpoch: generationId,
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, committedOffset: 3, committedMetadata: '' }] }],
    })
  await send(Heartbeat, beat, 'before the sync', member)
  await commit('before the sync')
  await send(DeleteGroups, at(DeleteGroups), 'before the sync', { groupsNames: [groupId] })
  const protocol = sync >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}
  await send(SyncGroup, sync, 'no assignment for itself', { ...member, assignments: [], ...protocol })
  await commit('after the sync')
  await send(JoinGroup, join, 'the same again, of a leader', joinOf(groupId, { memberId }))
  await commit('an old generation')
  const other = await opener()
  const joining = enter(other, join, joinOf(groupId))
  await untilRebalance(send, { ...member, generationId: generationId + 1 })
  await send(Heartbeat, beat, 'in the rebalance', { ...member, generationId: generationId + 1 })
  await commit('an old generation, in the rebalance')
  await send(LeaveGroup, leave, 'leaves in the rebalance', leaveOf(leave, groupId, memberId))
  const joined = await joining
  await other(LeaveGroup, leave, 'leaves before the sync', leaveOf(leave, groupId, joined.memberId))
  await send(DescribeGroups, at(DescribeGroups), 'nobody', { groups: [groupId] })
  await send(OffsetFetch, Math.min(7, at(OffsetFetch)), 'what was committed', {
    groupId,
    topics: [{ name: topic, partitionIndexes: [0] }],
  })
  await send(DeleteGroups, at(DeleteGroups), 'nobody', { groupsNames: [groupId] })
  await send(OffsetFetch, Math.min(7, at(OffsetFetch)), 'deleted', {
    groupId,
    topics: [{ name: topic, partitionIndexes: [0] }],
  })
})

const oddCommits = inVersions(OffsetCommit, 'twice, with odd numbers', async (send, version) => {
  await coordinatorReady(send)
  const name = `odd-commits-${version}`
  const topicId = await makeTopic(send, name)
  const commit = (what: string, committedOffset: number, wish: object = {}, times = 1) => {
    const one = { partitionIndex: 0, committedOffset, committedMetadata: what.slice(0, 4), ...wish }
    const partitions = Array.from({ length: times }, (_, i) => ({ ...one, committedOffset: committedOffset + i }))
    const topic = version >= 10 ? { topicId, partitions } : { name, partitions }
    return send(OffsetCommit, version, what, { groupId: name, memberId: '', topics: [topic] })
  }
  const fetch = (what: string) =>
    send(OffsetFetch, 5, what, { groupId: name, topics: [{ name, partitionIndexes: [0] }] })
  await commit('once', 5)
  await fetch('once')
  await commit('twice in one', 7, {}, 2)
  await fetch('twice in one')
  await commit('-1', -1)
  await fetch('-1')
  await commit('the largest', Number.MAX_SAFE_INTEGER)
  if (version >= 6) await commit('an epoch', 9, { committedLeaderEpoch: 4 })
  if (version >= 6) await commit('a negative epoch', 10, { committedLeaderEpoch: -7 })
  const parts = [0, 1].map((partitionIndex) => [{ partitionIndex, committedOffset: 1, committedMetadata: '' }])
  const again = parts.map((partitions) => (version >= 10 ? { topicId, partitions } : { name, partitions }))
  const strangers = parts.map((partitions) =>
    version >= 10 ? { topicId: fakeId, partitions } : { name: `${name}-none`, partitions },
  )
  for (const topics of [again, strangers, [...again, ...strangers]])
    await send(OffsetCommit, version, `${topics.length} topics, each twice`, { groupId: name, memberId: '', topics })
  await commit('less than before', 1, { committedMetadata: null })
  await fetch('in the end')
  if (version >= 10) {
    const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }]
    await send(OffsetCommit, version, 'no id', { groupId: name, topics: [{ topicId: ZERO_UUID, partitions }] })
  }
  if (version > 4) return
  for (const retentionTimeMs of [0, 3_600_000]) {
    const partitions = [{ partitionIndex: 0, committedOffset: 11, committedMetadata: '' }]
    await send(OffsetCommit, version, `kept for ${retentionTimeMs}`, {
      ...{ groupId: `${name}-kept`, memberId: '', retentionTimeMs, topics: [{ name, partitions }] },
    })
  }
})

const manyGroups: Scenario = {
  name: 'OffsetFetch v8 to v10: several groups at once',
  run: async (send) => {
    await coordinatorReady(send)
    const name = 'many-fetched'
    const topicId = await makeTopic(send, name, { numPartitions: 3 })
    const partitions = [{ partitionIndex: 1, committedOffset: 4, committedMetadata: 'x' }]
    for (const groupId of ['many-a', 'many-b'])
      await send(OffsetCommit, 9, `(${groupId})`, { groupId, memberId: '', topics: [{ name, partitions }] })
    for (const version of [8, 9, 10]) {
      const topic = version >= 10 ? { topicId } : { name }
      const some = [{ ...topic, partitionIndexes: [1, 2, 1, -1, 7] }]
      const fetch = (what: string, ...groups: { groupId: string; topics: typeof some | null }[]) =>
        send(OffsetFetch, version, what, { groups })
      await fetch('two', { groupId: 'many-a', topics: some }, { groupId: 'many-b', topics: null })
      await fetch('one twice', { groupId: 'many-a', topics: some }, { groupId: 'many-a', topics: null })
      await fetch('a topic twice', { groupId: 'many-a', topics: [...some, ...some] })
      await fetch('some that are not there', { groupId: '', topics: null }, { groupId: 'many-none', topics: some })
      await fetch('no groups')
      if (version < 10) continue
      await fetch('no id', { groupId: 'many-a', topics: [{ topicId: ZERO_UUID, partitionIndexes: [1] }] })
    }
  },
}

const oddDeletions: Scenario = {
  name: 'OffsetDelete and DeleteGroups: groups of the consumer protocol, and odd lists',
  run: async (send) => {
    await coordinatorReady(send)
    const groupId = 'odd-deletions'
    await makeTopic(send, groupId)
    await send(ConsumerGroupHeartbeat, 1, '~', {
      ...{ groupId, memberId: 'm', memberEpoch: 0, rebalanceTimeoutMs: 30_000, topicPartitions: [] },
      subscribedTopicNames: [groupId],
    })
    const drop = (what: string, name: string, ...indexes: number[]) =>
      send(OffsetDelete, 0, what, {
        groupId,
        topics: [{ name, partitions: indexes.map((partitionIndex) => ({ partitionIndex })) }],
      })
    await drop('a topic that it reads', groupId, 0)
    await drop('partitions twice', groupId, 0, 0)
    await drop('a negative partition', groupId, -1)
    await drop('no partitions', groupId)
    await drop('a name that is none', 'a b', 0)
    await drop('no name', '', 0)
    await send(DeleteGroups, 3, 'in use, and a group that is not there', { groupsNames: [groupId, 'no-such', groupId] })
    await send(DeleteGroups, 3, 'nothing', { groupsNames: [] })
    await send(ConsumerGroupHeartbeat, 1, '(leaves)', { groupId, memberId: 'm', memberEpoch: -1 })
    await send(DeleteGroups, 3, 'empty', { groupsNames: [groupId] })
    await drop('deleted', groupId, 0)
  },
}

const oddBeats: Scenario[] = inVersions(ConsumerGroupHeartbeat, 'odd members', async (send, version) => {
  await coordinatorReady(send)
  const id = (what: string) => `odd-beats-${version}-${what}`
  const beat = (what: string, groupId: string, wish: object = {}) =>
    send(ConsumerGroupHeartbeat, version, what, {
      ...{ groupId: id(groupId), memberId: 'm', memberEpoch: 0, rebalanceTimeoutMs: 30_000, topicPartitions: [] },
      subscribedTopicNames: [id('none')],
      ...wish,
    })
  await beat('topics that are not there', 'a')
  await beat('a name that is none', 'b', { subscribedTopicNames: ['a b', '', '.'] })
  await beat('a name twice', 'c', { subscribedTopicNames: [id('none'), id('none')] })
  await beat('nothing', 'd', { subscribedTopicNames: [] })
  await beat('no time', 'e', { rebalanceTimeoutMs: 0 })
  await beat('a rack', 'f', { rackId: 'r'.repeat(300) })
  await beat('a long member id', 'g', { memberId: 'm'.repeat(300) })
  await beat('a blank member id', 'h', { memberId: '  ' })
  await beat('partitions that it cannot have', 'i', { topicPartitions: [{ topicId: fakeId, partitions: [0] }] })
  await beat('a blank instance id', 'j', { instanceId: '  ' })
  await beat('an instance id of control characters', 'j', { instanceId: '\u000b\u0012' })
  await beat('an instance id of a wide space', 'j', { instanceId: '\u3000' })
  await beat('the smallest epoch', 'k', { memberEpoch: -2147483648 })
  await beat('a blank assignor', 'l', { serverAssignor: '' })
  if (version >= 1) await beat('names and an expression', 'n', { subscribedTopicRegex: 'odd-none.*' })
  if (version >= 1) await beat('an empty expression', 'o', { subscribedTopicRegex: '' })
  await beat('an instance leaves that never came', 'a', { memberEpoch: -2, instanceId: 'i' })
  await beat('an instance leaves for good that never came', 'a', { memberEpoch: -1, instanceId: 'i' })
  await beat('a stranger leaves', 'a', { memberId: 'stranger', memberEpoch: -1 })
  await beat('a stranger in an epoch', 'a', { memberId: 'stranger', memberEpoch: 1 })
  const groupIds = ['a', 'b', 'c', 'd', 'f', 'i', 'n', 'o'].map(id)
  await send(ConsumerGroupDescribe, version, 'what became of them', { groupIds, includeAuthorizedOperations: false })
})

/** Invalid requests of members and commits, and requests at unusual times. */
export const groupErrorScenarios: readonly Scenario[] = [
  ...mismatches,
  ...betweenJoinAndSync,
  ...oddCommits,
  manyGroups,
  oddDeletions,
  ...oddBeats,
]
