import { ConsumerGroupDescribe } from '../../protocol/apis/consumer-group-describe.ts'
import { ConsumerGroupHeartbeat } from '../../protocol/apis/consumer-group-heartbeat.ts'
import { CreatePartitions } from '../../protocol/apis/create-partitions.ts'
import { DeleteGroups } from '../../protocol/apis/delete-groups.ts'
import { DescribeGroups } from '../../protocol/apis/describe-groups.ts'
import { Heartbeat } from '../../protocol/apis/heartbeat.ts'
import { IncrementalAlterConfigs } from '../../protocol/apis/incremental-alter-configs.ts'
import { JoinGroup } from '../../protocol/apis/join-group.ts'
import { LeaveGroup } from '../../protocol/apis/leave-group.ts'
import { ListGroups } from '../../protocol/apis/list-groups.ts'
import { OffsetCommit } from '../../protocol/apis/offset-commit.ts'
import { OffsetFetch } from '../../protocol/apis/offset-fetch.ts'
import { SyncGroup } from '../../protocol/apis/sync-group.ts'
import type { InputValue, ValueOf } from '../../protocol/schema.ts'
import { coordinatorReady, joinOf, stableGroup, subscription } from './group-scenarios.ts'
import { inVersions, type Scenario } from './scenario.ts'
import { changesAreApplied, makeTopic } from './topic-scenarios.ts'
import type { Send } from './transcript.ts'

type Beat = InputValue<typeof ConsumerGroupHeartbeat.request.fields>
type Beaten = ValueOf<typeof ConsumerGroupHeartbeat.response.fields>

/** Longer than group.consumer.assignment.interval.ms: the next heartbeat may compute a new assignment. */
function assignmentInterval(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1100))
}

function joining(groupId: string, memberId: string, wish: Partial<Beat> = {}): Beat {
  const start = { memberEpoch: 0, rebalanceTimeoutMs: 30_000, topicPartitions: [] }
  return { groupId, memberId, ...start, subscribedTopicNames: [groupId], ...wish }
}

/** Each group reads a topic named like itself, so that other groups' topics do not interfere. */
function scenario(
  name: string,
  groupId: string,
  run: (beat: Beater, send: Send, topicId: string) => Promise<void>,
): Scenario {
  return {
    name: `ConsumerGroupHeartbeat: ${name}`,
    run: async (send) => {
      await coordinatorReady(send)
      const topicId = await makeTopic(send, groupId, { numPartitions: 4 })
      // Kafka's coordinator learns of topics somewhat later than its clients.
      await changesAreApplied(send)
      const beat: Beater = (what, wish) => send(ConsumerGroupHeartbeat, 1, what, { groupId, ...wish } as Beat)
      await run(beat, send, topicId)
    },
  }
}

type Beater = (what: string, wish: Partial<Beat>) => Promise<Beaten>

function describeBoth(send: Send, what: string, groupId: string): Promise<unknown> {
  const request = { groupIds: [groupId], includeAuthorizedOperations: true }
  return Promise.all([
    send(ConsumerGroupDescribe, 1, what, request),
    send(DescribeGroups, 6, what, { groups: [groupId], includeAuthorizedOperations: false }),
  ])
}

const refusedBeats: [string, Partial<Beat>][] = [
  ['no member id', { memberId: '' }],
  ['no group id', { groupId: '' }],
  ['a blank group id', { groupId: '  ' }],
  ['an empty instance id', { instanceId: '' }],
  ['an empty rack', { rackId: '' }],
  ['no timeout', { rebalanceTimeoutMs: -1 }],
  ['partitions when joining', { topicPartitions: null }],
  ['no subscription', { subscribedTopicNames: null }],
  ['an epoch that is none', { memberEpoch: -3 }],
  ['a dynamic member that leaves for a while', { memberEpoch: -2 }],
  ['an assignor that is not there', { serverAssignor: 'mine' }],
  ['a regular expression that is none', { subscribedTopicRegex: '[a' }],
  ['another one', { subscribedTopicRegex: 'a(?=b)' }],
  ['an epoch in a group that is not there', { memberEpoch: 3 }],
  ['leaves a group that is not there', { memberEpoch: -1 }],
]

const refusals = scenario('refused', 'refused-beats', async (beat, send) => {
  for (const [what, wish] of refusedBeats) await beat(what, joining('refused-beats', 'm', wish))
  await send(ConsumerGroupHeartbeat, 0, 'no member id in v0', joining('refused-beats', '', { memberEpoch: 1 }))
  await describeBoth(send, 'what is left', 'refused-beats')
})

const lives = scenario('two members come, work and go', 'two-beats', async (beat, send, topicId) => {
  const groupId = 'two-beats'
  const all = [{ topicId, partitions: [0, 1, 2, 3] }]
  const half = [{ topicId, partitions: [0, 1] }]
  await beat('joins', joining(groupId, 'a'))
  await describeBoth(send, 'one member', groupId)
  await beat('nothing new', { memberId: 'a', memberEpoch: 2, topicPartitions: all })
  await assignmentInterval()
  await beat('another joins', joining(groupId, 'b'))
  await describeBoth(send, 'a rebalance', groupId)
  await beat('learns of it', { memberId: 'a', memberEpoch: 2 })
  await describeBoth(send, 'partitions to be given up', groupId)
  await beat('has not given up yet', { memberId: 'a', memberEpoch: 2, topicPartitions: all })
  await beat('the other one waits', { memberId: 'b', memberEpoch: 3 })
  await beat('has given up', { memberId: 'a', memberEpoch: 2, topicPartitions: half })
  await beat('says it again', { memberId: 'a', memberEpoch: 2, topicPartitions: half })
  await beat('gets them', { memberId: 'b', memberEpoch: 3 })
  await beat('says everything', {
    ...{ memberId: 'b', memberEpoch: 3, rebalanceTimeoutMs: 30_000, subscribedTopicNames: [groupId] },
    topicPartitions: [{ topicId, partitions: [2, 3] }],
  })
  await describeBoth(send, 'two members', groupId)
  await beat('too old', { memberId: 'a', memberEpoch: 1, topicPartitions: half })
  await beat('too new', { memberId: 'a', memberEpoch: 9, topicPartitions: half })
  await beat('one behind with what it never had', { memberId: 'a', memberEpoch: 2, topicPartitions: all })
  await beat('a stranger', { memberId: 'stranger', memberEpoch: 3 })
  await beat('an instance that nobody knows', { memberId: 'a', memberEpoch: 3, instanceId: 'i' })
  await commits(send, groupId)
  await send(CreatePartitions, 3, '(more partitions)', {
    topics: [{ name: groupId, count: 6, assignments: null }],
    timeoutMs: 10_000,
    validateOnly: false,
  })
  await changesAreApplied(send)
  await assignmentInterval()
  await beat('sees more partitions', { memberId: 'a', memberEpoch: 3 })
  await beat('so does the other', { memberId: 'b', memberEpoch: 3 })
  await send(DeleteGroups, 2, 'in use', { groupsNames: [groupId] })
  await beat('leaves', { memberId: 'a', memberEpoch: -1 })
  await beat('leaves again', { memberId: 'a', memberEpoch: -1 })
  await beat('the last one leaves', { memberId: 'b', memberEpoch: -1 })
  await describeBoth(send, 'nobody', groupId)
  await send(DeleteGroups, 2, 'empty', { groupsNames: [groupId] })
  await describeBoth(send, 'nothing', groupId)
})

async function commits(send: Send, groupId: string): Promise<void> {
  const commit = (
    version: number,
    what: string,
    memberId: string,
    generationIdOrMemberEpoch: number,
    index: number,
  ) => {
    const partitions = [{ partitionIndex: index, committedOffset: 5, committedMetadata: '' }]
    const topics = [{ name: groupId, partitions }]
    return send(OffsetCommit, version, what, { groupId, memberId, generationIdOrMemberEpoch, topics })
  }
  await commit(9, 'a member', 'a', 3, 0)
  await commit(8, 'a member, in an old version', 'a', 3, 0)
  await commit(9, 'an old epoch, of what it had then', 'a', 2, 0)
  await commit(9, 'an old epoch, of what it has not', 'a', 2, 3)
  await commit(9, 'an epoch to come', 'a', 4, 0)
  await commit(9, 'a stranger', 'stranger', 3, 0)
  await commit(9, 'from outside', '', -1, 0)
  const fetch = (what: string, memberId: string | null, memberEpoch: number) =>
    send(OffsetFetch, 9, what, { groups: [{ groupId, memberId, memberEpoch, topics: null }] })
  await fetch('a member', 'a', 3)
  await fetch('an old epoch', 'a', 2)
  await fetch('a stranger', 'stranger', 3)
  await fetch('from outside', null, -1)
  await fetch('nobody, in an epoch', null, 3)
}

const statics = scenario('static members', 'static-beats', async (beat, send, topicId) => {
  const groupId = 'static-beats'
  const all = [{ topicId, partitions: [0, 1, 2, 3] }]
  await beat('joins', joining(groupId, 'a', { instanceId: 'one' }))
  await beat('somebody else under its instance id', joining(groupId, 'b', { instanceId: 'one' }))
  await beat('somebody else, in its epoch', { memberId: 'b', memberEpoch: 2, instanceId: 'one', topicPartitions: all })
  await beat('leaves for a while', { memberId: 'a', memberEpoch: -2, instanceId: 'one' })
  await describeBoth(send, 'away', groupId)
  await beat('is back under another member id', joining(groupId, 'c', { instanceId: 'one' }))
  await describeBoth(send, 'back', groupId)
  await beat('who it was', { memberId: 'a', memberEpoch: 2, instanceId: 'one', topicPartitions: all })
  await beat('the wrong one leaves', { memberId: 'a', memberEpoch: -1, instanceId: 'one' })
  await beat('leaves for good', { memberId: 'c', memberEpoch: -1, instanceId: 'one' })
  await describeBoth(send, 'gone', groupId)
})

const regexes = scenario('subscriptions by regular expression', 'regex-beats', async (beat, send) => {
  const groupId = 'regex-beats'
  const wish = { subscribedTopicNames: null, subscribedTopicRegex: 'regex-b.*' }
  await beat('joins', joining(groupId, 'a', wish))
  await assignmentInterval()
  const { memberEpoch } = await beat('has its topics', { memberId: 'a', memberEpoch: 1 })
  await describeBoth(send, 'with topics', groupId)
  await assignmentInterval()
  await beat('reads nothing any more', { memberId: 'a', memberEpoch, subscribedTopicRegex: '' })
  await describeBoth(send, 'about to give up', groupId)
  await beat('has given up', { memberId: 'a', memberEpoch, topicPartitions: [] })
  await describeBoth(send, 'without', groupId)
})

const assignors = scenario('assignors', 'assignor-beats', async (beat, send) => {
  const groupId = 'assignor-beats'
  await beat('joins', joining(groupId, 'b', { serverAssignor: 'range' }))
  await describeBoth(send, 'range', groupId)
  await assignmentInterval()
  await beat('another, with another wish', joining(groupId, 'a', { serverAssignor: 'uniform' }))
  await assignmentInterval()
  await beat('prefers the same', joining(groupId, 'c', { serverAssignor: 'uniform' }))
  const described = await send(ConsumerGroupDescribe, 0, '~', {
    groupIds: [groupId],
    includeAuthorizedOperations: false,
  })
  await send(DescribeGroups, 4, `shared by ${described.groups[0]?.assignorName}`, { groups: [] })
  await beat('leaves', { memberId: 'c', memberEpoch: -1 })
  await assignmentInterval()
  await beat('one that had no wish', joining(groupId, 'd'))
  await assignmentInterval()
  await beat('as many for either', joining(groupId, 'd', { serverAssignor: 'range' }))
  await beat('leaves', { memberId: 'b', memberEpoch: -1 })
  await assignmentInterval()
  await beat('the only wish left but one', joining(groupId, 'd', { serverAssignor: 'uniform' }))
  await beat('goes', { memberId: 'a', memberEpoch: -1 })
  await assignmentInterval()
  await beat('one against one', joining(groupId, 'e', { serverAssignor: 'range' }))
  await assignmentInterval()
  await beat('without a wish', joining(groupId, 'f'))
  await assignmentInterval()
  await beat('one more for the other', joining(groupId, 'f', { serverAssignor: 'range' }))
  await describeBoth(send, 'in the end', groupId)
})

const configs = scenario('settings of the group', 'config-beats', async (beat, send) => {
  const groupId = 'config-beats'
  const set = (name: string, value: string) =>
    send(IncrementalAlterConfigs, 1, `${name}=${value}`, {
      resources: [{ resourceType: 32, resourceName: groupId, configs: [{ name, configOperation: 0, value }] }],
      validateOnly: false,
    })
  await set('consumer.heartbeat.interval.ms', '7000')
  await set('consumer.session.timeout.ms', '50000')
  await changesAreApplied(send)
  await beat('joins', joining(groupId, 'a'))
})

const migrations: Scenario = {
  name: 'ConsumerGroupHeartbeat: a group that moves between the protocols',
  run: async (send, opener) => {
    await coordinatorReady(send)
    const groupId = 'moved'
    const topicId = await makeTopic(send, groupId, { numPartitions: 4 })
    await changesAreApplied(send)
    const protocols = [{ name: 'range', metadata: subscription(groupId) }]
    const { memberId, generationId } = await stableGroup(
      send,
      groupId,
      { protocols },
      assignmentOf(groupId, 0, 1, 2, 3),
    )
    const beat: Beater = (what, wish) => send(ConsumerGroupHeartbeat, 1, what, { groupId, ...wish } as Beat)
    await beat('joins a classic group', joining(groupId, 'new'))
    await describeBoth(send, 'both kinds', groupId)
    await send(ListGroups, 5, '~', { statesFilter: [], typesFilter: ['consumer'] })
    const classic = await opener()
    const known = { groupId, generationId, memberId }
    await classic(Heartbeat, 3, 'the classic one learns of it', known)
    await classic(SyncGroup, 3, 'an old sync', { ...known, assignments: [] })
    const again = await classic(JoinGroup, 7, 'joins again', joinOf(groupId, { memberId, protocols }))
    const next = { groupId, memberId, generationId: again.generationId }
    await classic(SyncGroup, 3, 'has half', { ...next, assignments: [] })
    await beat('the new one waits or gets its half', { memberId: 'new', memberEpoch: again.generationId })
    await classic(Heartbeat, 3, 'once more', next)
    await describeBoth(send, 'both kinds again', groupId)
    await classic(Heartbeat, 3, 'a generation to come', { ...next, generationId: again.generationId + 1 })
    await classic(LeaveGroup, 4, 'a stranger leaves', {
      groupId,
      members: [{ memberId: 'stranger', groupInstanceId: null }],
    })
    await classic(
      JoinGroup,
      7,
      'other protocols',
      joinOf(groupId, { protocols: [{ name: 'x', metadata: Buffer.alloc(1) }] }),
    )
    await classic(JoinGroup, 7, 'workers', joinOf(groupId, { protocolType: 'connect' }))
    await classic(JoinGroup, 7, 'a second classic member', joinOf(groupId, { protocols }))
    await beat('the new one leaves', { memberId: 'new', memberEpoch: -1 })
    await describeBoth(send, 'classic again', groupId)
    await classic(LeaveGroup, 4, 'all leave', { groupId, members: [{ memberId, groupInstanceId: null }] })
    await beat('joins an empty group', joining(groupId, 'new'))
    await beat('leaves', { memberId: 'new', memberEpoch: -1 })
    await stableGroup(send, groupId, { protocols })
    await describeBoth(send, 'and classic once more', groupId)
    const other = joinOf('workers', { protocolType: 'connect', protocols: [{ name: 'v', metadata: Buffer.alloc(1) }] })
    await stableGroup(send, 'workers', other)
    await send(ConsumerGroupHeartbeat, 1, 'a group of workers', joining('workers', 'new'))
    await stableGroup(send, 'odd', { protocols: [{ name: 'range', metadata: Buffer.alloc(1) }] })
    await send(ConsumerGroupHeartbeat, 1, 'members that cannot be read', joining('odd', 'new'))
    await send(ConsumerGroupHeartbeat, 1, 'a beat to a classic group', {
      groupId,
      memberId: 'm',
      memberEpoch: 4,
      topicPartitions: [{ topicId, partitions: [0] }],
    })
    await send(ConsumerGroupHeartbeat, 1, 'leaves a classic group', { groupId, memberId: 'm', memberEpoch: -1 })
  },
}

const descriptions: Scenario[] = inVersions(ConsumerGroupDescribe, 'groups of several kinds', async (send, version) => {
  await coordinatorReady(send)
  const id = (what: string) => `described-beats-${version}-${what}`
  await makeTopic(send, id('stable'), { numPartitions: 2 })
  await changesAreApplied(send)
  await stableGroup(send, id('classic'))
  const beat = (what: string, groupId: string, wish: Partial<Beat> = {}) =>
    send(ConsumerGroupHeartbeat, version, what, joining(groupId, version === 0 ? '' : 'm', wish))
  await beat('joins', id('stable'), { instanceId: 'i', rackId: 'r', serverAssignor: 'range' })
  const { memberId } = await beat('joins to leave', id('empty'), { subscribedTopicNames: ['no-such-topic'] })
  await send(ConsumerGroupHeartbeat, version, 'leaves', {
    groupId: id('empty'),
    memberId: memberId ?? '',
    memberEpoch: -1,
  })
  const describe = (what: string, ...groupIds: string[]) =>
    send(ConsumerGroupDescribe, version, what, { groupIds, includeAuthorizedOperations: false })
  await describe('each', id('stable'), id('empty'), id('classic'))
  await describe('one twice', id('stable'), id('stable'))
  await describe('one that is not there', id('none'))
  await describe('no group id', '')
  await describe('nothing')
  const groupIds = [id('stable'), id('none'), id('classic')]
  await send(ConsumerGroupDescribe, version, 'operations', { groupIds, includeAuthorizedOperations: true })
})

const old: Scenario[] = [
  {
    name: 'ConsumerGroupHeartbeat v0: member ids that the broker gives out',
    run: async (send) => {
      await coordinatorReady(send)
      const groupId = 'old-beats'
      await makeTopic(send, groupId)
      await changesAreApplied(send)
      const beat = (what: string, wish: Partial<Beat>) =>
        send(ConsumerGroupHeartbeat, 0, what, { groupId, ...wish } as Beat)
      for (const [what, wish] of refusedBeats) {
        if (wish.subscribedTopicRegex === undefined) await beat(what, joining(groupId, '', wish))
      }
      const { memberId } = await beat('joins', joining(groupId, ''))
      const member = { memberId: memberId ?? '' }
      await beat('joins again', joining(groupId, memberId ?? ''))
      await beat('beats', { ...member, memberEpoch: 1 })
      await beat('a member id that it chose itself', joining(groupId, 'mine'))
      await beat('leaves', { ...member, memberEpoch: -1 })
    },
  },
]

/** ConsumerProtocolAssignment v0. */
function assignmentOf(topic: string, ...partitions: number[]): Buffer {
  const numbers = Buffer.alloc(4 * partitions.length + 8)
  numbers.writeInt32BE(partitions.length, 0)
  for (const [i, partition] of partitions.entries()) numbers.writeInt32BE(partition, 4 + 4 * i)
  numbers.writeInt32BE(-1, 4 + 4 * partitions.length)
  return Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 1, 0, topic.length]), Buffer.from(topic), numbers])
}

/** Groups of the consumer protocol. */
export const consumerGroupScenarios: readonly Scenario[] = [
  refusals,
  lives,
  statics,
  regexes,
  assignors,
  configs,
  migrations,
  ...descriptions,
  ...old,
]
