import { expect } from 'chai'
import { errorCode } from '../../../../protocol/error-codes.ts'
import { snapshotOf } from '../../group-snapshot.fixture.ts'
import { ClassicClient, GroupWorld } from '../../group-world.fixture.ts'

const group = 'g'
const [unknownServerError, rebalanceInProgress] = ['UNKNOWN_SERVER_ERROR', 'REBALANCE_IN_PROGRESS'] as const
/** ConsumerProtocolSubscription v0 to topic t. */
const readsT = Buffer.from('00000000000100017400000000', 'hex')

function classicState(world: GroupWorld) {
  return world.state.groups.classic(group)!
}

describe('a generation that the log has no room for', () => {
  it('is refused to all waiting members, which then rejoin', async () => {
    const world = await GroupWorld.started()
    const clients = ['a', 'b'].map((name) => new ClassicClient(world, group, name))
    const joins = await world.host.settle(Promise.all(clients.map((client) => client.enter())))
    const leader = clients.findIndex((client, i) => joins[i]!.leader === client.memberId)
    world.log.maxBatchBytes = 1000
    const assignments = [{ memberId: clients[leader]!.memberId, assignment: Buffer.alloc(2000) }]
    const syncs = await world.host.settle(
      Promise.all([clients[1 - leader]!.sync(), clients[leader]!.sync(assignments)]),
    )
    expect(syncs.map(({ errorCode: code }) => code)).to.deep.equal([0, 0].map(() => errorCode(unknownServerError)))
    for (const client of clients) expect(await client.heartbeat()).to.equal(errorCode(rebalanceInProgress))
    const again = await world.host.settle(Promise.all(clients.map((client) => client.join())))
    for (const join of again) expect(join).to.include({ errorCode: 0, generationId: 2 })
  })

  it('leaves a static member its old member id', async () => {
    const world = await GroupWorld.started()
    const metadata = Buffer.alloc(2000)
    const protocols = [{ name: 'range', metadata: Buffer.from('small') }]
    const member = new ClassicClient(world, group, 'a', { groupInstanceId: 'i', protocols })
    await world.host.settle(member.join())
    await member.sync([{ memberId: member.memberId, assignment: Buffer.from('a') }])
    const before = snapshotOf(world.state)
    world.log.maxBatchBytes = 1000
    const large = [{ name: 'range', metadata }]
    const again = new ClassicClient(world, group, 'a', { groupInstanceId: 'i', protocols: large })
    expect((await world.host.settle(again.join())).errorCode).to.equal(errorCode(unknownServerError))
    expect(snapshotOf(world.state)).to.deep.equal(before)
    expect(classicState(world).awaitingJoinCount).to.equal(0)
    expect(await member.heartbeat()).to.equal(0)
    await world.host.advance(11_000)
    expect(classicState(world).members.size).to.equal(0)
  })
})

describe('the first members of a classic group', () => {
  it('may all leave while they wait for others, and restrict no later protocol', async () => {
    const world = await GroupWorld.started({ 'group.initial.rebalance.delay.ms': '3000' })
    const a = new ClassicClient(world, group, 'a', { protocols: [{ name: 'range', metadata: readsT }] })
    await a.join()
    const joining = a.join()
    await world.host.advance(1000)
    expect(await a.leave()).to.equal(0)
    expect((await joining).errorCode).to.equal(errorCode('UNKNOWN_MEMBER_ID'))
    const b = new ClassicClient(world, group, 'b', { protocols: [{ name: 'sticky', metadata: readsT }] })
    expect(await world.host.settle(b.enter())).to.include({ errorCode: 0, protocolName: 'sticky' })
  })
})
