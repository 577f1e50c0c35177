import { expect } from 'chai'
import { errorCode } from '../../../protocol/error-codes.ts'
import { ConsumerClient } from '../consumer-client.fixture.ts'
import { ClassicClient, GroupWorld } from '../group-world.fixture.ts'

const group = 'g'
/** ConsumerProtocolSubscription v0 to topic t. */
const readsT = Buffer.from('00000000000100017400000000', 'hex')

describe('a group that cannot go back to the classic protocol', () => {
  it('goes on without the members that left', async () => {
    const world = await GroupWorld.started({ 'group.consumer.assignment.interval.ms': '0' })
    world.setTopic('t', 2)
    // For a joining classic member, only the metadata of its first protocol is read; the others are not consumer
    // metadata.
    const joins = [
      ['range', 'odd'],
      ['odd', 'range'],
      ['odd', 'range'],
    ].map(
      (names, i) =>
        new ClassicClient(world, group, `c${i}`, {
          protocols: names.map((name) => ({ name, metadata: i === 0 && name === 'odd' ? Buffer.alloc(1) : readsT })),
          sessionTimeoutMs: 300_000,
          rebalanceTimeoutMs: 300_000,
        }),
    )
    const modern = new ConsumerClient(world, group, 'm', { topics: ['t'] })
    await modern.beat()
    for (const client of joins) expect((await world.host.settle(client.enter())).errorCode).to.equal(0)
    await world.host.advance(50_000)
    expect(world.host.fatalReason).to.equal(undefined)
    expect([...world.state.groups.get(group)!.members.keys()]).not.to.include('m')
  })

  it('refuses a member that has no protocol in common with the others', async () => {
    const world = await GroupWorld.started({ 'group.consumer.assignment.interval.ms': '0' })
    world.setTopic('t', 2)
    const modern = new ConsumerClient(world, group, 'm', { topics: ['t'] })
    await modern.beat()
    // A repeated name does not count as a second member that supports it.
    const codes = []
    for (const names of [['x', 'x', 'z'], ['z'], ['x']]) {
      const protocols = names.map((name) => ({ name, metadata: readsT }))
      const client = new ClassicClient(world, group, `c${codes.length}`, { protocols })
      codes.push((await world.host.settle(client.enter())).errorCode)
    }
    expect(codes).to.deep.equal([0, 0, errorCode('INCONSISTENT_GROUP_PROTOCOL')])
    expect(await modern.leave()).to.equal(0)
    expect(world.state.groups.get(group)?.kind).to.equal('classic')
  })
})
