import { DeleteGroups } from '../../protocol/apis/delete-groups.ts'
import { DescribeGroups } from '../../protocol/apis/describe-groups.ts'
import { FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { Heartbeat } from '../../protocol/apis/heartbeat.ts'
import { JoinGroup } from '../../protocol/apis/join-group.ts'
import { LeaveGroup } from '../../protocol/apis/leave-group.ts'
import { ListGroups } from '../../protocol/apis/list-groups.ts'
import { SyncGroup } from '../../protocol/apis/sync-group.ts'
import type { InputValue, ValueOf } from '../../protocol/schema.ts'
import { inVersions, type Scenario } from './scenario.ts'
import type { Send } from './transcript.ts'

export type JoinRequest = InputValue<typeof JoinGroup.request.fields>
type JoinResponse = ValueOf<typeof JoinGroup.response.fields>
type Opener = () => Promise<Send>

/** Coordinators of groups may take their time where their topic is new: what is asked meanwhile is not compared. */
export async function coordinatorReady(send: Send): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const found = await send(FindCoordinator, 4, '~', { keyType: 0, coordinatorKeys: ['warm'] })
    const beaten = await send(Heartbeat, 4, '~', { groupId: 'warm', generationId: 1, memberId: 'none' })
    if (found.coordinators[0]?.errorCode === 0 && beaten.errorCode === 25) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('no coordinator after ten seconds')
}

/** A join of a consumer that reads nothing in particular. */
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

/** Joins, with the member id that is given out if there is one to wait for. */
export async function enter(send: Send, version: number, request: JoinRequest): Promise<JoinResponse> {
  const first = await send(JoinGroup, version, 'joins', request)
  if (first.errorCode !== 79) return first
  return send(JoinGroup, version, 'joins with its member id', { ...request, memberId: first.memberId })
}

/** One member alone in a stable group. */
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

const lives = inVersions(JoinGroup, 'two members come, work and go', async (send, version, opener) => {
  await coordinatorReady(send)
  const groupId = `life-${version}`
  const other = await opener()
  const describe = (what: string) =>
    send(DescribeGroups, Math.min(version, 6), what, { groups: [groupId], includeAuthorizedOperations: true })
  const first = await enter(send, version, joinOf(groupId))
  const { memberId, generationId } = first
  await describe('a generation without an assignment')
  await send(SyncGroup, 3, 'another generation', { groupId, memberId, generationId: generationId + 1, assignments: [] })
  await send(SyncGroup, 5, 'another protocol', {
    ...{ groupId, memberId, generationId, protocolType: 'consumer', protocolName: 'other', assignments: [] },
  })
  await send(SyncGroup, 5, 'no protocol', { groupId, memberId, generationId, assignments: [] })
  const assignments = [{ memberId, assignment: Buffer.from('all') }]
  await send(SyncGroup, 0, 'the leader syncs', { groupId, memberId, generationId, assignments })
  await describe('one member')
  const joining = enter(other, version, joinOf(groupId))
  await untilRebalance(send, { groupId, memberId, generationId })
  await describe('a rebalance')
  await send(SyncGroup, 1, 'during the rebalance', { groupId, memberId, generationId, assignments: [] })
  const again = await send(JoinGroup, version, 'joins again', joinOf(groupId, { memberId }))
  const joined = await joining
  const both = { groupId, generationId: again.generationId }
  const syncing = other(SyncGroup, 3, 'the follower syncs', { ...both, memberId: joined.memberId, assignments: [] })
  await send(SyncGroup, 3, 'the leader syncs', {
    ...both,
    memberId,
    assignments: [joined, again].map((each) => ({ memberId: each.memberId, assignment: Buffer.from('half') })),
  })
  await syncing
  await describe('two members')
  await send(Heartbeat, 3, 'all is well', { ...both, memberId })
  await send(Heartbeat, 3, 'an old generation', { groupId, generationId, memberId })
  await send(Heartbeat, 3, 'a stranger', { ...both, memberId: 'stranger' })
  await send(Heartbeat, 3, 'an instance that nobody knows', { ...both, memberId, groupInstanceId: 'i' })
  await send(JoinGroup, version, 'a follower that missed its answer', joinOf(groupId, { memberId: joined.memberId }))
  await other(LeaveGroup, Math.min(version, 5), 'the follower leaves', leaveOf(groupId, joined.memberId))
  await send(Heartbeat, 3, 'learns of it', { ...both, memberId })
  await send(LeaveGroup, 2, 'the leader leaves', leaveOf(groupId, memberId))
  await send(LeaveGroup, 2, 'again', leaveOf(groupId, memberId))
  await describe('nobody')
})

async function untilRebalance(send: Send, member: { groupId: string; memberId: string; generationId: number }) {
  for (let tries = 0; tries < 100; tries++) {
    const { errorCode } = await send(Heartbeat, 3, '~', member)
    if (errorCode === 27) return
  }
  throw new Error('no rebalance')
}

function leaveOf(groupId: string, memberId: string, groupInstanceId: string | null = null) {
  return { groupId, memberId, members: [{ memberId, groupInstanceId, reason: null }] }
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
    await send(LeaveGroup, 4, 'a group that is not there', leaveOf('no-such-group', 'm'))
    await send(LeaveGroup, 1, 'the same of old', leaveOf('no-such-group', 'm'))
    await send(LeaveGroup, 4, 'no group id', leaveOf('', 'm'))
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
    // Other scenarios have groups of their own.
    const all = await send(ListGroups, version, '~', request)
    const own = all.groups.filter(({ groupId }) => groupId.startsWith(prefix))
    await send(ListGroups, version, `~of ${own.length}`, request)
    await send(DescribeGroups, 4, `${statesFilter} / ${typesFilter}: ${JSON.stringify(own.sort(byId))}`, { groups: [] })
  }
})

function byId(a: { groupId: string }, b: { groupId: string }): number {
  return a.groupId < b.groupId ? -1 : 1
}

const deletions = inVersions(DeleteGroups, 'groups with and without members', async (send, version) => {
  await coordinatorReady(send)
  const prefix = `deleted-${version}`
  await stableGroup(send, `${prefix}-stable`)
  await send(JoinGroup, 5, 'a group with nobody in it yet', joinOf(`${prefix}-empty`))
  const groupsNames = [`${prefix}-stable`, `${prefix}-empty`, `${prefix}-none`, '', `${prefix}-empty`]
  await send(DeleteGroups, version, 'three of them', { groupsNames })
  await send(DescribeGroups, 6, 'what is left', { groups: groupsNames, includeAuthorizedOperations: false })
})

const coordinators = inVersions(FindCoordinator, 'of groups', async (send, version) => {
  await coordinatorReady(send)
  const keys = ['a', 'b', '']
  for (const keyType of version === 0 ? [0] : [0, 3, 9]) {
    if (version >= 4) await send(FindCoordinator, version, `type ${keyType}`, { keyType, coordinatorKeys: keys })
    else await send(FindCoordinator, version, `type ${keyType}`, { keyType, key: 'a' })
  }
})

const silence: Scenario = {
  name: 'Heartbeat: a member that is silent is thrown out',
  run: async (send) => {
    await coordinatorReady(send)
    const groupId = 'silent'
    const { memberId, generationId } = await stableGroup(send, groupId, { sessionTimeoutMs: 6000 })
    await new Promise((resolve) => setTimeout(resolve, 7000))
    await send(Heartbeat, 3, 'too late', { groupId, memberId, generationId })
    await send(DescribeGroups, 5, 'nobody is left', { groups: [groupId], includeAuthorizedOperations: false })
  },
}

/** Classic groups. */
export const groupScenarios: readonly Scenario[] = [
  ...coordinators,
  ...refusals,
  ...lives,
  ...statics,
  ...listings,
  ...deletions,
  silence,
]
