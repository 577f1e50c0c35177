import { expect } from 'chai'
import { errorCode } from '../../../protocol/error-codes.ts'
import { ConsumerClient, settleGroup } from '../consumer-client.fixture.ts'
import { GroupWorld, topicIdOf } from '../group-world.fixture.ts'

async function world(settings: Record<string, string> = {}): Promise<GroupWorld> {
  const made = await GroupWorld.started({ 'group.consumer.assignment.interval.ms': '0', ...settings })
  made.setTopic('t', 6)
  return made
}

function member(of: GroupWorld, groupId: string, name: string): ConsumerClient {
  return new ConsumerClient(of, groupId, name, { topics: ['t'] })
}

/** Applies settings like a change in the metadata log, while the group has members. */
function set(of: GroupWorld, groupId: string, settings: Readonly<Record<string, string>>): void {
  of.configs.apply(new Map([[`32:${groupId}`, new Map(Object.entries(settings))]]), [`32:${groupId}`])
}

/** A client that is silent for less than the session timeout stays; one second later it is removed. */
async function expectSession(of: GroupWorld, client: ConsumerClient, seconds: number): Promise<void> {
  expect((await client.beat()).errorCode).to.equal(0)
  await of.host.advance(1000 * seconds - 1000)
  expect((await client.beat()).errorCode).to.equal(0)
  await of.host.advance(1000 * seconds + 1000)
  expect((await client.beat()).errorCode).to.equal(errorCode('UNKNOWN_MEMBER_ID'))
}

describe("a group's own settings", () => {
  it('apply to it at once, and to no other group', async () => {
    const w = await world()
    const [a, other] = [member(w, 'g', 'a'), member(w, 'other', 'b')]
    await settleGroup(w, [a])
    await settleGroup(w, [other])
    set(w, 'g', { 'consumer.heartbeat.interval.ms': '7000', 'consumer.session.timeout.ms': '50000' })
    expect((await a.beat()).heartbeatIntervalMs).to.equal(7000)
    expect((await other.beat()).heartbeatIntervalMs).to.equal(5000)
    await expectSession(w, a, 50)
    other.reset()
    await settleGroup(w, [other])
    await expectSession(w, other, 45)
  })

  it('are replaced by those of the broker when deleted', async () => {
    const w = await world()
    const a = member(w, 'g', 'a')
    set(w, 'g', { 'consumer.heartbeat.interval.ms': '7000', 'consumer.session.timeout.ms': '60000' })
    await settleGroup(w, [a])
    expect((await a.beat()).heartbeatIntervalMs).to.equal(7000)
    set(w, 'g', {})
    expect((await a.beat()).heartbeatIntervalMs).to.equal(5000)
    await expectSession(w, a, 45)
  })

  it('are held within the bounds of the broker', async () => {
    const w = await world({ 'group.consumer.max.session.timeout.ms': '60000' })
    const a = member(w, 'g', 'a')
    set(w, 'g', { 'consumer.heartbeat.interval.ms': '1000', 'consumer.session.timeout.ms': '70000' })
    await settleGroup(w, [a])
    expect((await a.beat()).heartbeatIntervalMs).to.equal(5000)
    await expectSession(w, a, 60)
  })

  it('set how long it waits between two assignments', async () => {
    const w = await world()
    const [a, b] = [member(w, 'g', 'a'), member(w, 'g', 'b')]
    await settleGroup(w, [a])
    set(w, 'g', { 'consumer.assignment.interval.ms': '15000' })
    await b.beat()
    expect((await a.beat()).assignment).to.equal(undefined)
    await w.host.advance(15_000)
    await settleGroup(w, [a, b])
    expect(a.partitions(topicIdOf('t'))).to.have.length(3)
  })
})
