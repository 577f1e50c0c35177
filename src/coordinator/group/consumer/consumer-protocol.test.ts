import { expect } from 'chai'
import { errorCode, errorName } from '../../../../protocol/error-codes.ts'
import { ConsumerClient, settleGroup } from '../../consumer-client.fixture.ts'
import { snapshotOf } from '../../group-snapshot.fixture.ts'
import { ClassicClient, GroupWorld, topicIdOf } from '../../group-world.fixture.ts'

const t = topicIdOf('t')
const subscription = Buffer.from('00000000000100017400000000', 'hex')

async function world(settings: Record<string, string> = {}): Promise<GroupWorld> {
  const made = await GroupWorld.started({ 'group.consumer.assignment.interval.ms': '0', ...settings })
  made.setTopic('t', 6)
  return made
}

function member(of: GroupWorld, name: string, changes: Partial<ConsumerClient> = {}): ConsumerClient {
  return new ConsumerClient(of, 'g', name, { topics: ['t'], ...changes })
}

describe('a group of the consumer protocol', () => {
  it('gives the first member everything with its first heartbeat', async () => {
    const w = await world()
    const a = member(w, 'a')
    const response = await a.beat()
    expect(response).to.deep.include({ errorCode: 0, memberId: 'a', memberEpoch: 2, heartbeatIntervalMs: 5000 })
    a.applyAssignment()
    expect(a.partitions(t)).to.deep.equal([0, 1, 2, 3, 4, 5])
    expect((await a.beat()).assignment).to.equal(undefined)
  })

  it('revokes partitions before it assigns them to another member', async () => {
    const w = await world()
    const [a, b] = [member(w, 'a'), member(w, 'b')]
    await settleGroup(w, [a])
    const joined = await b.beat()
    expect(joined.assignment?.topicPartitions).to.deep.equal([])
    const told = await a.beat()
    expect(told.assignment?.topicPartitions[0]?.partitions).to.have.length(3)
    expect(told.memberEpoch).to.equal(2)
    expect((await b.beat()).assignment).to.equal(undefined)
    a.applyAssignment()
    expect((await a.beat()).memberEpoch).to.equal(3)
    expect((await b.beat()).assignment?.topicPartitions[0]?.partitions).to.have.length(3)
    await settleGroup(w, [a, b])
    expect([...a.partitions(t), ...b.partitions(t)].sort()).to.deep.equal([0, 1, 2, 3, 4, 5])
  })

  it('waits at most the rebalance timeout for partitions that a member has to revoke', async () => {
    const w = await world({ 'group.consumer.session.timeout.ms': '50000' })
    const [a, b] = [member(w, 'a', { rebalanceTimeoutMs: 10_000 }), member(w, 'b')]
    await settleGroup(w, [a])
    await b.beat()
    await a.beat()
    await w.host.advance(9000)
    expect((await a.beat()).errorCode).to.equal(0)
    await w.host.advance(2000)
    expect((await a.send({ ...heartbeatOf(a), memberEpoch: 2 })).errorCode).to.equal(errorCode('UNKNOWN_MEMBER_ID'))
    await settleGroup(w, [b])
    expect(b.partitions(t)).to.have.length(6)
  })

  it('fences a member that is silent for the session timeout', async () => {
    const w = await world()
    const [a, b] = [member(w, 'a'), member(w, 'b')]
    await settleGroup(w, [a, b])
    await w.host.advance(30_000)
    await b.beat()
    await w.host.advance(20_000)
    expect((await a.send(heartbeatOf(a))).errorCode).to.equal(errorCode('UNKNOWN_MEMBER_ID'))
    await settleGroup(w, [b])
    expect(b.partitions(t)).to.have.length(6)
  })

  it('assigns new partitions, and drops a deleted topic', async () => {
    const w = await world()
    const a = member(w, 'a', { topics: ['t', 'u'] })
    await settleGroup(w, [a])
    w.setTopic('u', 2)
    await settleGroup(w, [a])
    expect(a.partitionCount).to.equal(8)
    w.setTopic('t', 0)
    await settleGroup(w, [a])
    expect(a.partitions(t)).to.deep.equal([])
    expect(a.partitions(topicIdOf('u'))).to.deep.equal([0, 1])
  })

  it('waits group.consumer.assignment.interval.ms between two assignments', async () => {
    const w = await world({ 'group.consumer.assignment.interval.ms': '3000' })
    const [a, b] = [member(w, 'a'), member(w, 'b')]
    await a.beat()
    a.applyAssignment()
    await b.beat()
    expect((await a.beat()).assignment).to.equal(undefined)
    await w.host.advance(3000)
    expect((await a.beat()).assignment?.topicPartitions[0]?.partitions).to.have.length(3)
  })

  it('does not wait longer when the clock is set back', async () => {
    const w = await world({ 'group.consumer.assignment.interval.ms': '3000' })
    const [a, b] = [member(w, 'a'), member(w, 'b')]
    await settleGroup(w, [a])
    w.host.jumpWallClock(-3_600_000)
    await settleGroup(w, [a, b])
    expect(a.partitions(t)).to.have.length(3)
  })

  it('lets members choose the assignor', async () => {
    const w = await world()
    const clients = ['c', 'b', 'a'].map((name) => member(w, name, { assignor: 'range' }))
    await settleGroup(w, clients)
    expect(clients.map((each) => each.partitions(t))).to.deep.equal([
      [4, 5],
      [2, 3],
      [0, 1],
    ])
    const [group] = await w.coordinator.describeConsumerGroups(['g'], w.slices)
    expect(group).to.include({ assignorName: 'range', groupState: 'Stable' })
  })

  it('uses the assignor requested last when both have as many requests', async () => {
    const w = await world()
    const clients = [member(w, 'c', { assignor: 'uniform' }), member(w, 'b'), member(w, 'a', { assignor: 'range' })]
    await settleGroup(w, clients)
    expect(clients.map((each) => each.partitions(t))).to.deep.equal([
      [4, 5],
      [2, 3],
      [0, 1],
    ])
  })

  const refusals: [string, Parameters<ConsumerClient['beat']>[0], string][] = [
    ['INVALID_REQUEST', { memberId: '' }, "MemberId can't be empty."],
    ['INVALID_REQUEST', { groupId: ' ' }, "GroupId can't be empty."],
    ['INVALID_REQUEST', { instanceId: '' }, "InstanceId can't be empty."],
    ['INVALID_REQUEST', { instanceId: ' \v\u0012' }, "InstanceId can't be empty."],
    ['INVALID_REQUEST', { memberEpoch: -3 }, 'MemberEpoch is invalid.'],
    ['INVALID_REQUEST', { memberEpoch: -2 }, "InstanceId can't be null."],
    ['INVALID_REQUEST', { rebalanceTimeoutMs: -1 }, 'RebalanceTimeoutMs must be provided in first request.'],
    ['INVALID_REQUEST', { topicPartitions: null }, 'TopicPartitions must be empty when (re-)joining.'],
    [
      'INVALID_REQUEST',
      { subscribedTopicNames: null },
      'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.',
    ],
    [
      'UNSUPPORTED_ASSIGNOR',
      { serverAssignor: 'mine' },
      'ServerAssignor mine is not supported. Supported assignors: uniform, range.',
    ],
    ['GROUP_ID_NOT_FOUND', { memberEpoch: 5 }, 'Consumer group g not found.'],
    ['GROUP_ID_NOT_FOUND', { memberEpoch: -1 }, 'Group g not found.'],
    [
      'INVALID_REGULAR_EXPRESSION',
      { subscribedTopicRegex: '[' },
      'SubscribedTopicRegex `[` is not a valid regular expression: missing closing ].',
    ],
  ]
  for (const [error, changes, message] of refusals) {
    it(`answers ${error} to ${JSON.stringify(changes)}`, async () => {
      const response = await member(await world(), 'a').beat(changes)
      expect([errorName(response.errorCode), response.errorMessage]).to.deep.equal([error, message])
    })
  }

  it('fences a member in another epoch, but not one that missed the last response', async () => {
    const w = await world()
    const [a, b] = [member(w, 'a'), member(w, 'b')]
    await settleGroup(w, [a])
    await settleGroup(w, [a, b])
    const owned = heartbeatOf(a).topicPartitions
    const beat = (memberEpoch: number, topicPartitions = owned) =>
      a.send({ ...heartbeatOf(a), memberEpoch, topicPartitions })
    expect((await beat(a.memberEpoch + 1)).errorCode).to.equal(errorCode('FENCED_MEMBER_EPOCH'))
    expect((await beat(a.memberEpoch - 1)).errorCode).to.equal(0)
    expect((await beat(a.memberEpoch - 2)).errorCode).to.equal(errorCode('FENCED_MEMBER_EPOCH'))
  })

  it('holds no more than group.consumer.max.size members', async () => {
    const w = await world({ 'group.consumer.max.size': '1' })
    await settleGroup(w, [member(w, 'a')])
    expect((await member(w, 'b').beat()).errorCode).to.equal(errorCode('GROUP_MAX_SIZE_REACHED'))
  })
})

describe('a static member of a consumer group', () => {
  it('that leaves temporarily gets the same partitions when it rejoins with its instance id', async () => {
    const w = await world()
    const [a, b] = [member(w, 'a', { instanceId: 'i' }), member(w, 'b')]
    await settleGroup(w, [a, b])
    const before = a.partitions(t)
    expect(await a.leave(-2)).to.equal(0)
    await b.beat()
    const again = member(w, 'a2', { instanceId: 'i' })
    await settleGroup(w, [again, b])
    expect(again.partitions(t)).to.deep.equal(before)
    expect(b.partitions(t)).to.have.length(3)
  })

  it('keeps its instance id from others while it is a member, and loses it when its session expires', async () => {
    const w = await world()
    const a = member(w, 'a', { instanceId: 'i' })
    await settleGroup(w, [a])
    const thief = member(w, 'thief', { instanceId: 'i' })
    expect((await thief.beat()).errorCode).to.equal(errorCode('UNRELEASED_INSTANCE_ID'))
    const other = { ...heartbeatOf(a), memberId: 'other' }
    expect((await a.send(other)).errorCode).to.equal(errorCode('FENCED_INSTANCE_ID'))
    await a.leave(-2)
    await w.host.advance(46_000)
    expect(w.state.groups.get('g')?.isEmpty).to.equal(true)
  })
})

describe('a subscription by regular expression', () => {
  it('follows the topics that it matches', async () => {
    const w = await world()
    const a = member(w, 'a', { topics: null, regex: 't.*' })
    await settleGroup(w, [a])
    expect(a.partitionCount).to.equal(6)
    w.setTopic('t2', 2)
    w.setTopic('other', 2)
    await w.host.advance(11_000)
    // This heartbeat starts to resolve the topics, the next one reports them.
    await w.host.settle(a.beat())
    await w.host.advance(1)
    await settleGroup(w, [a])
    expect(a.partitionCount).to.equal(8)
    await w.restart()
    expect([...w.state.groups.consumer('g')!.subscriptions.topics()].sort()).to.deep.equal(['t', 't2'])
    await a.beat({ subscribedTopicRegex: '', subscribedTopicNames: ['other'] })
    a.applyAssignment()
    await settleGroup(w, [a])
    expect([...a.owned.keys()]).to.deep.equal([topicIdOf('other')])
  })
})

describe('subscriptions by regular expression, when the clock is set back,', () => {
  it('are resolved all the same', async () => {
    const w = await world()
    const a = member(w, 'a', { topics: null, regex: 't.*' })
    await settleGroup(w, [a])
    w.host.jumpWallClock(-3_600_000)
    w.setTopic('t2', 2)
    await w.host.advance(11_000)
    await settleGroup(w, [a])
    await settleGroup(w, [a])
    expect(a.partitionCount).to.equal(8)
  })
})

describe('a group that moves between the protocols', () => {
  async function classicGroup(w: GroupWorld, ...names: string[]): Promise<ClassicClient[]> {
    const protocols = [{ name: 'range', metadata: subscription }]
    const clients = names.map((name) => new ClassicClient(w, 'g', name, { protocols }))
    const joins = await w.host.settle(Promise.all(clients.map((client) => client.enter())))
    const leader = clients.findIndex((client, i) => joins[i]!.leader === client.memberId)
    const assignments = clients.map(({ memberId }, i) => ({
      memberId,
      assignment: assignmentOf(i === 0 ? [0, 1, 2] : [3, 4, 5]),
    }))
    await w.host.settle(Promise.all(clients.map((client, i) => client.sync(i === leader ? assignments : []))))
    return clients
  }

  it('keeps the assignment of its classic members, and moves them one by one', async () => {
    const w = await world()
    const [a, b] = await classicGroup(w, 'a', 'b')
    const c = member(w, 'c')
    await c.beat()
    expect(w.state.groups.get('g')?.kind).to.equal('consumer')
    expect(c.partitionCount).to.equal(0)
    // Each old member learns from its heartbeat that it must rejoin.
    for (const client of [a!, b!]) {
      expect(await client.heartbeat()).to.equal(errorCode('REBALANCE_IN_PROGRESS'))
      await rejoin(w, client)
    }
    await settleGroup(w, [c])
    for (const client of [a!, b!]) await rejoin(w, client)
    await settleGroup(w, [c])
    expect(c.partitions(t)).to.have.length(2)
    const [group] = await w.coordinator.describeConsumerGroups(['g'], w.slices)
    expect(group!.members.map(({ memberType }) => memberType).sort()).to.deep.equal([0, 0, 1])
  })

  it('goes back when the last member of the consumer protocol leaves', async () => {
    const w = await world()
    const [a, b] = await classicGroup(w, 'a', 'b')
    const c = member(w, 'c')
    await c.beat()
    expect(await c.leave()).to.equal(0)
    const group = w.state.groups.get('g')
    expect(group).to.include({ kind: 'classic', stateName: 'PreparingRebalance' })
    const joins = await w.host.settle(Promise.all([a!, b!].map((client) => client.join())))
    expect(joins.map(({ errorCode: code }) => code)).to.deep.equal([0, 0])
    await w.restart()
    expect(w.state.groups.get('g')?.kind).to.equal('classic')
  })

  it('keeps its protocol if group.consumer.migration.policy forbids the move', async () => {
    const w = await world({ 'group.consumer.migration.policy': 'disabled' })
    await classicGroup(w, 'a')
    expect((await member(w, 'c').beat()).errorMessage).to.equal(
      'Cannot upgrade classic group g to consumer group because online upgrade is disabled.',
    )
  })

  it('may change its protocol while it is empty, and keeps its offsets', async () => {
    const w = await world()
    const [a] = await classicGroup(w, 'a')
    await a!.commit('t', 0, 7)
    await a!.leave()
    const c = member(w, 'c')
    await settleGroup(w, [c])
    expect(w.state.offsets.get('g', 't', 0)?.offset).to.equal(7)
    await c.leave()
    const [again] = await classicGroup(w, 'a')
    expect(await again!.heartbeat()).to.equal(0)
    const before = snapshotOf(w.state)
    await w.restart()
    expect(snapshotOf(w.state)).to.deep.equal(before)
  })
})

function heartbeatOf(client: ConsumerClient) {
  return {
    groupId: 'g',
    memberId: client.memberId,
    memberEpoch: client.memberEpoch,
    instanceId: client.instanceId,
    rackId: null,
    rebalanceTimeoutMs: -1,
    subscribedTopicNames: null,
    subscribedTopicRegex: null,
    serverAssignor: null,
    topicPartitions: [...client.owned].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions] })),
  }
}

/** ConsumerProtocolAssignment v0 with partitions of topic t. */
function assignmentOf(partitions: readonly number[]): Buffer {
  const head = Buffer.from('00000000000100017400000000', 'hex')
  head.writeInt32BE(partitions.length, 9)
  const body = Buffer.alloc(4 * partitions.length + 4)
  for (const [i, partition] of partitions.entries()) body.writeInt32BE(partition, 4 * i)
  body.writeInt32BE(-1, 4 * partitions.length)
  return Buffer.concat([head, body])
}

async function rejoin(w: GroupWorld, client: ClassicClient): Promise<void> {
  const join = await w.host.settle(client.join())
  expect(join.errorCode).to.equal(0)
  expect((await w.host.settle(client.sync())).errorCode).to.equal(0)
}
