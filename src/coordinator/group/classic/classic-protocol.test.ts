import { expect } from 'chai'
import type { JoinGroupResponse } from '../../../../protocol/apis/join-group.ts'
import { errorCode } from '../../../../protocol/error-codes.ts'
import { ClassicClient, committedOffset, GroupWorld } from '../../group-world.fixture.ts'
import type { ClassicGroup } from './classic-group.ts'

const group = 'g'

/** Joins all members, the first as leader, and assigns each its own name. */
async function stable(world: GroupWorld, ...names: string[]): Promise<ClassicClient[]> {
  const clients = names.map((name) => new ClassicClient(world, group, name))
  await settleGeneration(world, clients)
  return clients
}

/** All join, then all sync once the generation has formed. */
async function settleGeneration(world: GroupWorld, clients: readonly ClassicClient[]): Promise<JoinGroupResponse[]> {
  const joins = await world.host.settle(Promise.all(clients.map((client) => client.enter())))
  const assignments = clients.map(({ memberId, name }) => ({ memberId, assignment: Buffer.from(name) }))
  const syncs = clients.map((client, i) => client.sync(joins[i]!.leader === client.memberId ? assignments : []))
  await world.host.settle(Promise.all(syncs))
  return joins
}

function stateOf(world: GroupWorld): string | undefined {
  return world.state.groups.get(group)?.stateName
}

function classicGroup(world: GroupWorld): ClassicGroup {
  return world.state.groups.get(group) as ClassicGroup
}

describe('a classic group', () => {
  it('returns the member id first to a new dynamic member, to older clients with the generation', async () => {
    const world = await GroupWorld.started()
    const client = new ClassicClient(world, group, 'a')
    const first = await client.join()
    expect(first.errorCode).to.equal(errorCode('MEMBER_ID_REQUIRED'))
    expect(first.memberId).to.match(/^a-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    const joined = await world.host.settle(client.join())
    expect(joined).to.include({ errorCode: 0, generationId: 1, leader: client.memberId, protocolName: 'range' })
    const old = new ClassicClient(world, 'other', 'b', { apiVersion: 3 })
    expect(await world.host.settle(old.join())).to.include({ errorCode: 0, generationId: 1 })
  })

  it('gives all members of a generation their part of the leader’s assignment', async () => {
    const world = await GroupWorld.started()
    const [a, b] = await stable(world, 'a', 'b')
    expect(stateOf(world)).to.equal('Stable')
    expect((await a!.sync()).assignment.toString()).to.equal('a')
    expect((await b!.sync()).assignment.toString()).to.equal('b')
    expect([a!.generationId, b!.generationId]).to.deep.equal([1, 1])
  })

  it('counts a protocol only once if a member repeats it', async () => {
    const world = await GroupWorld.started()
    const range = { name: 'range', metadata: Buffer.from('m') }
    const twice = new ClassicClient(world, group, 'a', { protocols: [range, range] })
    const once = new ClassicClient(world, group, 'b')
    const joins = await settleGeneration(world, [twice, once])
    for (const join of joins) expect(join).to.include({ errorCode: 0, protocolName: 'range' })
  })

  it('forgets protocols that no member supports any more', async () => {
    const world = await GroupWorld.started()
    for (const name of ['range', 'sticky']) {
      const member = new ClassicClient(world, group, 'a', { protocols: [{ name, metadata: Buffer.from('m') }] })
      await settleGeneration(world, [member])
      expect([...classicGroup(world).offeredProtocols]).to.deep.equal([name])
      await member.leave()
    }
    expect([...classicGroup(world).offeredProtocols]).to.deep.equal([])
  })

  it('refuses an assignment of a member whose id is too long for any record', async () => {
    const world = await GroupWorld.started()
    const endless = new ClassicClient(world, group, 'x'.repeat(32_760), { apiVersion: 3 })
    expect(await world.host.settle(endless.join())).to.include({ errorCode: 0, generationId: 1 })
    const assignments = [{ memberId: endless.memberId, assignment: Buffer.from('a') }]
    const synced = await world.host.settle(endless.sync(assignments))
    expect(synced.errorCode).to.equal(errorCode('UNKNOWN_SERVER_ERROR'))
    expect(world.host.fatalReason).to.equal(undefined)
    expect(await stable(world, 'a')).to.have.length(1)
  })

  it('shows the metadata of all members only to the leader', async () => {
    const world = await GroupWorld.started()
    const clients = ['a', 'b', 'c'].map((name) => new ClassicClient(world, group, name))
    const joins = await settleGeneration(world, clients)
    for (const join of joins) expect(join.members).to.have.length(join.leader === join.memberId ? 3 : 0)
  })

  it('waits group.initial.rebalance.delay.ms for more members, as long as they keep joining', async () => {
    const world = await GroupWorld.started({ 'group.initial.rebalance.delay.ms': '3000' })
    const a = new ClassicClient(world, group, 'a', { apiVersion: 3 })
    const joinA = a.join()
    await world.host.advance(2000)
    const b = new ClassicClient(world, group, 'b', { apiVersion: 3 })
    const joinB = b.join()
    await world.host.advance(2000)
    expect(stateOf(world)).to.equal('PreparingRebalance')
    await world.host.advance(2000)
    expect((await joinA).generationId).to.equal(1)
    expect((await joinB).generationId).to.equal(1)
  })

  it('rebalances when a member joins: the others learn it from their heartbeat', async () => {
    const world = await GroupWorld.started()
    const [a] = await stable(world, 'a')
    const b = new ClassicClient(world, group, 'b')
    const joinB = b.enter()
    await world.host.advance(1)
    expect(await a!.heartbeat()).to.equal(errorCode('REBALANCE_IN_PROGRESS'))
    const joinA = await world.host.settle(a!.join())
    expect(joinA).to.include({ errorCode: 0, generationId: 2, leader: a!.memberId })
    expect((await joinB).generationId).to.equal(2)
    expect(await a!.heartbeat()).to.equal(0)
  })

  it('goes on without a member that does not rejoin within the rebalance timeout', async () => {
    const world = await GroupWorld.started()
    const [a, b] = await stable(world, 'a', 'b')
    b!.protocols = [{ name: 'range', metadata: Buffer.from('changed') }]
    const joinB = b!.join()
    for (let i = 0; i < 4; i++) {
      await world.host.advance(9000)
      await a!.heartbeat()
    }
    expect((await joinB).generationId).to.equal(2)
    expect(await a!.heartbeat()).to.equal(errorCode('UNKNOWN_MEMBER_ID'))
  })

  it('removes a member that is silent for its session timeout', async () => {
    const world = await GroupWorld.started()
    const [a, b] = await stable(world, 'a', 'b')
    await world.host.advance(8000)
    expect(await a!.heartbeat()).to.equal(0)
    await world.host.advance(3000)
    expect(await a!.heartbeat()).to.equal(errorCode('REBALANCE_IN_PROGRESS'))
    expect(await b!.heartbeat()).to.equal(errorCode('UNKNOWN_MEMBER_ID'))
  })

  it('is empty, in a new generation, once all have left', async () => {
    const world = await GroupWorld.started()
    const [a, b] = await stable(world, 'a', 'b')
    expect(await a!.leave()).to.equal(0)
    expect(await b!.leave()).to.equal(0)
    expect(stateOf(world)).to.equal('Empty')
    expect(world.state.groups.classic(group)).to.include({ generationId: 2, protocolName: null, leaderId: null })
    expect(await a!.leave()).to.equal(errorCode('UNKNOWN_MEMBER_ID'))
  })

  it('chooses the protocol that most members prefer among those that all support', async () => {
    const world = await GroupWorld.started()
    const offers = [
      ['sticky', 'range', 'new'],
      ['range', 'sticky'],
      ['range', 'sticky', 'x'],
    ]
    const clients = offers.map((names, i) => {
      const protocols = names.map((name) => ({ name, metadata: Buffer.from(name) }))
      return new ClassicClient(world, group, `c${i}`, { protocols })
    })
    const [join] = await settleGeneration(world, clients)
    expect(join!.protocolName).to.equal('range')
    const stranger = new ClassicClient(world, group, 's', { protocols: [{ name: 'new', metadata: Buffer.alloc(0) }] })
    expect((await stranger.join()).errorCode).to.equal(errorCode('INCONSISTENT_GROUP_PROTOCOL'))
    const connect = new ClassicClient(world, group, 's', { protocolType: 'connect' })
    expect((await connect.join()).errorCode).to.equal(errorCode('INCONSISTENT_GROUP_PROTOCOL'))
  })

  it('answers a member that leaves while it waits for its assignment', async () => {
    const world = await GroupWorld.started()
    const clients = [new ClassicClient(world, group, 'a'), new ClassicClient(world, group, 'b')]
    await world.host.settle(Promise.all(clients.map((each) => each.enter())))
    const leader = world.state.groups.classic(group)!.leaderId
    const waiting = clients.find(({ memberId }) => memberId !== leader)!
    const synced = waiting.sync()
    expect(await waiting.leave()).to.equal(0)
    expect((await world.host.settle(synced)).errorCode).to.equal(errorCode('UNKNOWN_MEMBER_ID'))
  })

  it('removes members that never send SyncGroup', async () => {
    const world = await GroupWorld.started()
    const a = new ClassicClient(world, group, 'a')
    const b = new ClassicClient(world, group, 'b', { sessionTimeoutMs: 40_000 })
    await world.host.settle(Promise.all([a.enter(), b.enter()]))
    const leader = world.state.groups.classic(group)!.leaderId
    const [leading, silent] = leader === a.memberId ? [a, b] : [b, a]
    await leading.sync([])
    for (let i = 0; i < 4; i++) {
      await world.host.advance(7600)
      await leading.heartbeat()
      await silent.heartbeat()
    }
    expect(await silent.heartbeat()).to.equal(errorCode('UNKNOWN_MEMBER_ID'))
    expect(stateOf(world)).to.equal('PreparingRebalance')
  })

  const refusals: [string, (client: ClassicClient) => Promise<number>][] = [
    ['ILLEGAL_GENERATION', (client) => client.heartbeat({ generationId: 7 })],
    ['UNKNOWN_MEMBER_ID', (client) => Object.assign(client, { memberId: 'nobody' }).heartbeat()],
    ['UNKNOWN_MEMBER_ID', async (client) => (await client.join({ memberId: 'nobody' })).errorCode],
    ['INVALID_SESSION_TIMEOUT', async (client) => (await client.join({ sessionTimeoutMs: 1 })).errorCode],
    ['INVALID_GROUP_ID', async (client) => (await client.join({ groupId: '' })).errorCode],
    ['ILLEGAL_GENERATION', async (client) => (await Object.assign(client, { generationId: 9 }).sync()).errorCode],
    ['ILLEGAL_GENERATION', (client) => client.commit('t', 0, 1, { generation: 3 })],
    ['UNKNOWN_MEMBER_ID', (client) => Object.assign(client, { memberId: '' }).commit('t', 0, 1, { generation: -1 })],
  ]
  for (const [error, ask] of refusals) {
    it(`answers ${error} to ${ask.toString().slice(0, 90)}`, async () => {
      const world = await GroupWorld.started()
      const [client] = await stable(world, 'a')
      expect(await ask(client!)).to.equal(errorCode(error as 'UNKNOWN_MEMBER_ID'))
    })
  }

  it('holds no more than group.max.size members', async () => {
    const world = await GroupWorld.started({ 'group.max.size': '2' })
    await stable(world, 'a', 'b')
    const c = new ClassicClient(world, group, 'c')
    expect((await c.enter()).errorCode).to.equal(errorCode('GROUP_MAX_SIZE_REACHED'))
  })

  it('takes no commits while the assignment of a generation is outstanding', async () => {
    const world = await GroupWorld.started()
    const a = new ClassicClient(world, group, 'a')
    await world.host.settle(a.enter())
    expect(await a.commit('t', 0, 1)).to.equal(errorCode('REBALANCE_IN_PROGRESS'))
  })
})

describe('a static member of a classic group', () => {
  async function withStatic(): Promise<{ world: GroupWorld; dynamic: ClassicClient; member: ClassicClient }> {
    const world = await GroupWorld.started()
    const dynamic = new ClassicClient(world, group, 'a')
    const member = new ClassicClient(world, group, 'b', { groupInstanceId: 'i' })
    await settleGeneration(world, [dynamic, member])
    return { world, dynamic, member }
  }

  it('rejoins with its instance id without a rebalance, and fences its old member id', async () => {
    const { world, dynamic, member } = await withStatic()
    const again = new ClassicClient(world, group, 'b', { groupInstanceId: 'i' })
    const join = await world.host.settle(again.join())
    expect(join).to.include({ errorCode: 0, generationId: 1 })
    expect(again.memberId).to.match(/^i-/).and.not.equal(member.memberId)
    expect(stateOf(world)).to.equal('Stable')
    expect((await again.sync()).assignment.toString()).to.equal('b')
    expect(await member.heartbeat()).to.equal(errorCode('FENCED_INSTANCE_ID'))
    expect(await member.commit('t', 0, 1)).to.equal(errorCode('FENCED_INSTANCE_ID'))
    expect(await dynamic.heartbeat()).to.equal(0)
  })

  it('that leads is told to keep the assignment, or (an old client) that another member leads', async () => {
    for (const apiVersion of [9, 8]) {
      const world = await GroupWorld.started()
      const member = new ClassicClient(world, group, 'b', { groupInstanceId: 'i' })
      await settleGeneration(world, [member])
      const again = new ClassicClient(world, group, 'b', { groupInstanceId: 'i', apiVersion })
      const join = await world.host.settle(again.join())
      expect(join.skipAssignment ?? false).to.equal(apiVersion === 9)
      expect(join.leader === again.memberId).to.equal(apiVersion === 9)
      expect(join.members).to.have.length(apiVersion === 9 ? 1 : 0)
    }
  })

  it('is not removed by a rebalance that it misses', async () => {
    const world = await GroupWorld.started()
    const dynamic = new ClassicClient(world, group, 'a', { rebalanceTimeoutMs: 5000 })
    const member = new ClassicClient(world, group, 'b', { groupInstanceId: 'i', rebalanceTimeoutMs: 5000 })
    await settleGeneration(world, [dynamic, member])
    Object.assign(dynamic, { protocols: [{ name: 'range', metadata: Buffer.from('changed') }] })
    const join = dynamic.join()
    await world.host.advance(6000)
    expect((await join).generationId).to.equal(2)
    expect(world.state.groups.classic(group)!.members.size).to.equal(2)
  })

  it('is awaited without a busy loop, even if its rebalance timeout is 0 or less', async () => {
    const world = await GroupWorld.started()
    const stays = new ClassicClient(world, group, 'a', { groupInstanceId: 'i', rebalanceTimeoutMs: 0 })
    const goes = new ClassicClient(world, group, 'b', { groupInstanceId: 'j', rebalanceTimeoutMs: -1 })
    await settleGeneration(world, [stays, goes])
    expect(await goes.leave()).to.equal(0)
    await world.host.advance(9000)
    expect(await stays.heartbeat()).to.equal(errorCode('REBALANCE_IN_PROGRESS'))
    const join = stays.join()
    await world.host.advance(100)
    expect(await join).to.include({ errorCode: 0, generationId: 2, leader: stays.memberId })
  })

  it('leaves by its instance id alone', async () => {
    const { world, member } = await withStatic()
    const leave = new ClassicClient(world, group, 'admin', { groupInstanceId: 'i' })
    expect(await leave.leave()).to.equal(0)
    expect(await member.heartbeat()).to.equal(errorCode('UNKNOWN_MEMBER_ID'))
  })
})

describe('a classic group and its log', () => {
  it('survives a restart: members keep the same generation and assignment', async () => {
    const world = await GroupWorld.started()
    const [a, b] = await stable(world, 'a', 'b')
    expect(await a!.commit('t', 0, 42)).to.equal(0)
    await world.restart()
    expect(stateOf(world)).to.equal('Stable')
    expect(await a!.heartbeat()).to.equal(0)
    expect((await b!.sync()).assignment.toString()).to.equal('b')
    expect(await committedOffset(world, group, 't', 0)).to.equal(42)
    await world.host.advance(11_000)
    expect(stateOf(world)).to.equal('Empty')
  })

  it('answers a commit only when it is flushed, and forgets what was lost', async () => {
    const world = await GroupWorld.started()
    const [a] = await stable(world, 'a')
    await a!.commit('t', 0, 1)
    let fail!: (error: Error) => void
    world.log.gate = new Promise((_, reject) => {
      fail = reject
    })
    world.log.gate.catch(() => undefined)
    const commit = a!.commit('t', 0, 2)
    const read = committedOffset(world, group, 't', 0).catch((error: Error) => error.message)
    await world.host.advance(10)
    fail(new Error('disk on fire'))
    expect(await commit).to.equal(errorCode('NOT_COORDINATOR'))
    expect(await read).to.equal('NOT_COORDINATOR')
    world.log.gate = undefined
    await world.host.settle(world.shard.load())
    expect(await committedOffset(world, group, 't', 0)).to.equal(1)
    expect(await a!.heartbeat()).to.equal(0)
  })

  it('tells waiting members to look up the coordinator when it stops', async () => {
    const world = await GroupWorld.started()
    const [, b] = await stable(world, 'a', 'b')
    Object.assign(b!, { protocols: [{ name: 'range', metadata: Buffer.from('changed') }] })
    const join = b!.join()
    await world.host.advance(1)
    world.coordinator.stop()
    expect((await join).errorCode).to.equal(errorCode('NOT_COORDINATOR'))
    expect(await b!.heartbeat()).to.equal(errorCode('COORDINATOR_NOT_AVAILABLE'))
  })
})
