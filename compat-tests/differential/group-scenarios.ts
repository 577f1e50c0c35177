import { DeleteGroups } from '../../protocol/apis/delete-groups.ts'
import { DescribeGroups } from '../../protocol/apis/describe-groups.ts'
import { FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { Heartbeat } from '../../protocol/apis/heartbeat.ts'
import { JoinGroup } from '../../protocol/apis/join-group.ts'
import { LeaveGroup } from '../../protocol/apis/leave-group.ts'
import { ListGroups } from '../../protocol/apis/list-groups.ts'
import { OffsetCommit } from '../../protocol/apis/offset-commit.ts'
import { SyncGroup } from '../../protocol/apis/sync-group.ts'
import type { InputValue, ValueOf } from '../../protocol/schema.ts'
import { waitFor } from '../wait-for.ts'
import { inAges, inVersions, type Scenario } from './scenario.ts'
import type { Send } from './transcript.ts'

export type JoinRequest = InputValue<typeof JoinGroup.request.fields>
type JoinResponse = ValueOf<typeof JoinGroup.response.fields>
type Opener = () => Promise<Send>

/**
 * Waits until the group coordinator is ready: with a new topic that may take time. The requests meanwhile are not
 * compared.
 */
export async function coordinatorReady(send: Send): Promise<void> {
  await waitFor('a coordinator', async () => {
    const found = await send(FindCoordinator, 4, '~', { keyType: 0, coordinatorKeys: ['warm'] })
    const beaten = await send(Heartbeat, 4, '~', { groupId: 'warm', generationId: 1, memberId: 'none' })
    return found.coordinators[0]?.errorCode === 0 && beaten.errorCode === 25
  })
}

/** JoinGroup of a consumer without a real subscription. */
export function joinOf(groupId: string, wish: Partial<JoinRequest> = {}): JoinRequest {
  return {
    groupId,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription('t') }],
    ...wish,
  }
}

/** ConsumerProtocolSubscription v0 to one topic. */
export function subscription(topic: string): Buffer {
  const head = Buffer.from([0, 0, 0, 0, 0, 1, 0, topic.length])
  return Buffer.concat([head, Buffer.from(topic), Buffer.from([255, 255, 255, 255])])
}

/** Joins; repeats the request with the assigned member id if there is one. */
export async function enter(send: Send, version: number, request: JoinRequest): Promise<JoinResponse> {
  const first = await send(JoinGroup, version, 'joins', request)
  if (first.errorCode !== 79) return first
  return send(JoinGroup, version, 'joins with its member id', { ...request, memberId: first.memberId })
}

/** A stable group with one member. */
export async function stableGroup(
  send: Send,
  groupId: string,
  wish: Partial<JoinRequest> = {},
  assignment: Buffer = Buffer.from('everything'),
): Promise<JoinResponse> {
  const joined = await enter(send, 7, joinOf(groupId, wish))
  const { memberId, generationId } = joined
  const groupInstanceId = wish.groupInstanceId ?? null
  await send(SyncGroup, 4, 'syncs', {
    ...{ groupId, memberId, generationId, groupInstanceId },
    assignments: [{ memberId, assignment }],
  })
  return joined
}

const refusedJoins: [string, Partial<JoinRequest>][] = [
  ['no group id', { groupId: '' }],
  ['too short a session', { sessionTimeoutMs: 5999 }],
  ['too long a session', { sessionTimeoutMs: 1_800_001 }],
  ['a member that nobody knows', { memberId: 'stranger' }],
  ['no protocols', { protocols: [] }],
  ['no protocol type', { protocolType: '' }],
]

const refusals = inVersions(JoinGroup, 'refused joins', async (send, version) => {
  await coordinatorReady(send)
  for (const [what, wish] of refusedJoins) {
    await send(JoinGroup, version, what, { ...joinOf(`refused-${version}`), ...wish })
  }
  const { groupId } = joinOf(`refused-${version}`)
  await send(DescribeGroups, 5, 'what is left', { groups: [groupId], includeAuthorizedOperations: false })
})

const lives = inAges('JoinGroup: two members come, work and go', async ({ send, at, age, opener }) => {
  await coordinatorReady(send)
  const groupId = `life-${age}`
  const other = await opener()
  const [join, sync, beat, leave] = [at(JoinGroup), at(SyncGroup), at(Heartbeat), at(LeaveGroup)]
  const describe = (what: string) =>
    send(DescribeGroups, at(DescribeGroups), what, {
      groups: [groupId],
      includeAuthorizedOperations: at(DescribeGroups) >= 3,
    })
  const first = await enter(send, join, joinOf(groupId))
  const { memberId, generationId } = first
  await describe('a generation without an assignment')
  await send(SyncGroup, sync, 'another generation', {
    ...{ groupId, memberId, generationId: generationId + 1, assignments: [] },
  })
  await send(SyncGroup, 5, 'another protocol', {
    ...{ groupId, memberId, generationId, protocolType: 'consumer', protocolName: 'other', assignments: [] },
  })
  await send(SyncGroup, 5, 'no protocol', { groupId, memberId, generationId, assignments: [] })
  const protocol = sync >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}
  const assignments = [{ memberId, assignment: Buffer.from('all') }]
  await send(SyncGroup, sync, 'the leader syncs', { groupId, memberId, generationId, assignments, ...protocol })
  await send(SyncGroup, sync, 'it syncs again', { groupId, memberId, generationId, assignments: [], ...protocol })
  await describe('one member')
  const joining = enter(other, join, joinOf(groupId))
  await untilRebalance(send, { groupId, memberId, generationId })
  await describe('a rebalance')
  await send(SyncGroup, sync, 'during the rebalance', {
    ...{ groupId, memberId, generationId, assignments: [], ...protocol },
  })
  const again = await send(JoinGroup, join, 'joins again', joinOf(groupId, { memberId }))
  const joined = await joining
  const both = { groupId, generationId: again.generationId, ...protocol }
  const syncing = other(SyncGroup, sync, 'the follower syncs', { ...both, memberId: joined.memberId, assignments: [] })
  await send(SyncGroup, sync, 'the leader syncs', {
    ...both,
    memberId,
    assignments: [joined, again].map((each) => ({ memberId: each.memberId, assignment: Buffer.from('half') })),
  })
  await syncing
  await describe('two members')
  await send(Heartbeat, beat, 'all is well', { groupId, generationId: again.generationId, memberId })
  await send(Heartbeat, beat, 'an old generation', { groupId, generationId, memberId })
  await send(Heartbeat, beat, 'a stranger', { groupId, generationId: again.generationId, memberId: 'stranger' })
  if (beat >= 3)
    await send(Heartbeat, beat, 'an instance that nobody knows', {
      ...{ groupId, generationId: again.generationId, memberId, groupInstanceId: 'i' },
    })
  await send(JoinGroup, join, 'a follower that missed its answer', joinOf(groupId, { memberId: joined.memberId }))
  await send(LeaveGroup, leave, 'a stranger leaves', leaveOf(leave, groupId, 'stranger'))
  await other(LeaveGroup, leave, 'the follower leaves', leaveOf(leave, groupId, joined.memberId))
  await send(Heartbeat, beat, 'learns of it', { groupId, generationId: again.generationId, memberId })
  await send(LeaveGroup, leave, 'the leader leaves', leaveOf(leave, groupId, memberId))
  await send(LeaveGroup, leave, 'again', leaveOf(leave, groupId, memberId))
  await describe('nobody')
  await send(Heartbeat, beat, 'in an empty group', { groupId, generationId: again.generationId, memberId })
  await send(SyncGroup, sync, 'in an empty group', { ...both, memberId, assignments: [] })
})

const nobodys = inAges('groups that are not there', async ({ send, at, age }) => {
  await coordinatorReady(send)
  for (const groupId of [`nobody-${age}`, '']) {
    const member = { groupId, generationId: 1, memberId: 'm' }
    const of = groupId === '' ? 'no group id' : 'an unknown group'
    await send(Heartbeat, at(Heartbeat), of, member)
    await send(Heartbeat, at(Heartbeat), `${of}, no member id`, { ...member, memberId: '' })
    await send(Heartbeat, at(Heartbeat), `${of}, generation -1`, { ...member, generationId: -1 })
    const protocol = at(SyncGroup) >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}
    await send(SyncGroup, at(SyncGroup), of, { ...member, ...protocol, assignments: [] })
    await send(SyncGroup, at(SyncGroup), `${of}, no protocol`, { ...member, assignments: [] })
    await send(LeaveGroup, at(LeaveGroup), of, leaveOf(at(LeaveGroup), groupId, 'm'))
    await send(LeaveGroup, at(LeaveGroup), `${of}, no member id`, leaveOf(at(LeaveGroup), groupId, ''))
    if (at(LeaveGroup) < 3) continue
    await send(LeaveGroup, at(LeaveGroup), `${of}, an instance`, leaveOf(at(LeaveGroup), groupId, '', 'i'))
    await send(LeaveGroup, at(LeaveGroup), `${of}, nobody leaves`, { groupId, members: [] })
  }
})

const descriptions = inVersions(DescribeGroups, 'groups of several kinds', async (send, version) => {
  await coordinatorReady(send)
  const id = (what: string) => `described-${version}-${what}`
  // Runs first: Kafka lists a group without records only once something is written after it.
  await send(JoinGroup, 5, 'a group with nobody in it yet', joinOf(id('empty')))
  await stableGroup(send, id('stable'), {}, subscription('assigned'))
  await stableGroup(send, id('static'), { groupInstanceId: 'one' })
  await stableGroup(send, id('connect'), {
    protocolType: 'connect',
    protocols: [{ name: 'v1', metadata: Buffer.alloc(2) }],
  })
  await send(OffsetCommit, 8, 'a group of offsets alone', { groupId: id('offsets'), memberId: '', topics: [] })
  const describe = (what: string, ...groups: string[]) =>
    send(DescribeGroups, version, what, { groups, includeAuthorizedOperations: false })
  await describe('each', id('stable'), id('static'), id('connect'), id('empty'), id('offsets'))
  await describe('one twice', id('stable'), id('stable'))
  await describe('one that is not there', id('none'), id('connect'))
  await describe('no group id', '')
  await describe('nothing')
  if (version < 3) return
  await send(DescribeGroups, version, 'operations', {
    groups: [id('stable'), id('none')],
    includeAuthorizedOperations: true,
  })
})

/** Sends heartbeats until the member is told of a rebalance. */
export async function untilRebalance(send: Send, member: { groupId: string; memberId: string; generationId: number }) {
  await waitFor('a rebalance', async () => (await send(Heartbeat, 3, '~', member)).errorCode === 27)
}

/** LeaveGroup of one member in the given version. */
export function leaveOf(version: number, groupId: string, memberId: string, groupInstanceId: string | null = null) {
  return version < 3 ? { groupId, memberId } : { groupId, members: [{ memberId, groupInstanceId, reason: null }] }
}

const statics: Scenario[] = [9, 8, 5].map((version) => ({
  name: `JoinGroup v${version}: static members`,
  run: async (send: Send, opener: Opener) => {
    await coordinatorReady(send)
    const groupId = `static-${version}`
    const request = joinOf(groupId, { groupInstanceId: 'one' })
    const first = await send(JoinGroup, version, 'joins', request)
    const { memberId, generationId } = first
    const assignments = [{ memberId, assignment: Buffer.from('all') }]
    await send(SyncGroup, 3, 'syncs', { groupId, memberId, generationId, groupInstanceId: 'one', assignments })
    const again = await send(JoinGroup, version, 'comes back without its member id', request)
    await send(Heartbeat, 3, 'who it was', { groupId, memberId, generationId, groupInstanceId: 'one' })
    const known = { groupId, memberId: again.memberId, generationId, groupInstanceId: 'one' }
    await send(SyncGroup, 3, 'who it was syncs', { ...known, memberId, assignments: [] })
    await send(SyncGroup, 3, 'has what it had', { ...known, assignments: [] })
    await send(JoinGroup, version, 'another member id', { ...request, memberId: 'other' })
    await send(JoinGroup, version, 'another protocol', {
      ...request,
      protocols: [{ name: 'x', metadata: Buffer.alloc(1) }],
    })
    const other = await opener()
    const joining = other(JoinGroup, version, 'a second instance', { ...request, groupInstanceId: 'two' })
    await untilRebalance(send, known as never)
    await send(JoinGroup, version, 'joins again', { ...request, memberId: again.memberId })
    const second = await joining
    await send(DescribeGroups, 5, 'two instances', { groups: [groupId], includeAuthorizedOperations: false })
    await send(LeaveGroup, 4, 'one by instance, one by mistake, one by a wrong id', {
      groupId,
      members: [
        { memberId: '', groupInstanceId: 'two' },
        { memberId: '', groupInstanceId: 'three' },
        { memberId: second.memberId, groupInstanceId: 'one' },
        { memberId: 'nobody', groupInstanceId: null },
      ],
    })
    await send(LeaveGroup, 4, 'a group that is not there', leaveOf(4, 'no-such-group', 'm'))
    await send(LeaveGroup, 1, 'the same of old', leaveOf(1, 'no-such-group', 'm'))
    await send(LeaveGroup, 4, 'no group id', leaveOf(4, '', 'm'))
  },
}))

const listings = inVersions(ListGroups, 'groups in several states', async (send, version) => {
  await coordinatorReady(send)
  const prefix = `listed-${version}`
  await stableGroup(send, `${prefix}-stable`)
  await send(JoinGroup, 5, 'a group with nobody in it yet', joinOf(`${prefix}-empty`))
  const connect = joinOf(`${prefix}-connect`, {
    protocolType: 'connect',
    protocols: [{ name: 'v1', metadata: Buffer.alloc(2) }],
  })
  await enter(send, 5, connect)
  const filters: [string[], string[]][] = [
    [[], []],
    [['Stable'], []],
    [['stable', ' EMPTY '], []],
    [['nonsense'], []],
    [[], ['Classic']],
    [[], ['consumer']],
    [['CompletingRebalance'], ['classic', 'nonsense']],
  ]
  for (const [statesFilter, typesFilter] of filters) {
    const request = { statesFilter: version >= 4 ? statesFilter : [], typesFilter: version >= 5 ? typesFilter : [] }
    const own = ({ errorCode, groups }: ValueOf<typeof ListGroups.response.fields>) => ({
      errorCode,
      groups: groups.filter(({ groupId }) => groupId.startsWith(prefix)),
    })
    await send(ListGroups, version, `${statesFilter} / ${typesFilter}`, request, own)
  }
})

const deletions = inVersions(DeleteGroups, 'groups with and without members', async (send, version) => {
  await coordinatorReady(send)
  const prefix = `deleted-${version}`
  await stableGroup(send, `${prefix}-stable`)
  await send(JoinGroup, 5, 'a group with nobody in it yet', joinOf(`${prefix}-empty`))
  const groupsNames = [`${prefix}-stable`, `${prefix}-empty`, `${prefix}-none`, '', `${prefix}-empty`]
  await send(DeleteGroups, version, 'three of them', { groupsNames })
  await send(DescribeGroups, 6, 'what is left', { groups: groupsNames, includeAuthorizedOperations: false })
})

const coordinators = inVersions(FindCoordinator, 'of groups and of nothing', async (send, version) => {
  await coordinatorReady(send)
  const find = (what: string, keyType: number, ...keys: string[]) =>
    version >= 4
      ? send(FindCoordinator, version, what, { keyType, coordinatorKeys: keys })
      : send(FindCoordinator, version, what, { keyType, key: keys[0] ?? '' })
  for (const keyType of version === 0 ? [0] : [0, 3, 9, -1]) {
    await find(`type ${keyType}`, keyType, 'a', 'b', 'a')
    await find(`type ${keyType}, no key`, keyType, '')
    if (version >= 4) await find(`type ${keyType}, nothing`, keyType)
  }
  if (version > 0) {
    // Kafka creates the transaction topic at the first request.
    const isFound = ({ errorCode, coordinators }: ValueOf<typeof FindCoordinator.response.fields>) =>
      (coordinators[0]?.errorCode ?? errorCode) === 0
    await waitFor('a coordinator of transactions', async () => isFound(await find('~', 1, 'tx')))
    await find('a transaction', 1, 'tx')
  }
  for (const key of version === 0 ? [] : ['g', 'g:t:0', 'g:f4keAAAAAAAAAAAAAAAAAA:x', ':f4keAAAAAAAAAAAAAAAAAA:0', ''])
    await find(`a share group's ${key}`, 2, key)
})

const silence: Scenario = {
  name: 'Heartbeat: a member that is silent is thrown out',
  run: async (send) => {
    await coordinatorReady(send)
    const groupId = 'silent'
    const { memberId, generationId } = await stableGroup(send, groupId, { sessionTimeoutMs: 6000 })
    const described = { groups: [groupId], includeAuthorizedOperations: false }
    await waitFor('nobody is left', async () => {
      const { groups } = await send(DescribeGroups, 5, '~', described)
      return groups[0]?.groupState === 'Empty'
    })
    await send(Heartbeat, 3, 'too late', { groupId, memberId, generationId })
    await send(DescribeGroups, 5, 'nobody is left', described)
  },
}

/** Classic groups. */
export const groupScenarios: readonly Scenario[] = [
  ...coordinators,
  ...refusals,
  ...lives,
  ...nobodys,
  ...descriptions,
  ...statics,
  ...listings,
  ...deletions,
  silence,
]
