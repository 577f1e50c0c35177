import { expect } from 'chai'
import { RunningBrokers } from '../running-brokers.fixture.ts'

const start = (properties: Record<string, string>) => new RunningBrokers(2, properties).start()

describe('periodic elections', () => {
  it('give leadership back to the preferred replica, once the interval is over', async () => {
    const rig = await start({ 'leader.imbalance.check.interval.seconds': '100' })
    await rig.create('t', [[2, 1]])
    await rig.settle(rig.cluster.brokers.kill(2))
    await rig.settle(rig.cluster.brokers.start(2))
    await rig.host.advance(90_000)
    expect(await rig.describe('t')).to.equal('leader 1, replicas 2 1, isr 1 2')
    await rig.host.advance(20_000)
    expect(await rig.describe('t')).to.equal('leader 2, replicas 2 1, isr 1 2')
  })

  it('wait for the preferred replica', async () => {
    const rig = await start({ 'leader.imbalance.check.interval.seconds': '100' })
    await rig.create('t', [[2, 1]])
    await rig.settle(rig.cluster.brokers.kill(2))
    await rig.host.advance(250_000)
    expect(await rig.describe('t')).to.equal('leader 1, replicas 2 1, isr 1')
    await rig.settle(rig.cluster.brokers.start(2))
    await rig.host.advance(110_000)
    expect(await rig.describe('t')).to.equal('leader 2, replicas 2 1, isr 1 2')
  })

  it('do not balance where auto.leader.rebalance.enable forbids it', async () => {
    const rig = await start({
      'leader.imbalance.check.interval.seconds': '1',
      'auto.leader.rebalance.enable': 'false',
    })
    await rig.create('t', [[2, 1]])
    await rig.settle(rig.cluster.brokers.kill(2))
    await rig.settle(rig.cluster.brokers.start(2))
    await rig.host.advance(10_000)
    expect(await rig.describe('t')).to.equal('leader 1, replicas 2 1, isr 1 2')
  })

  it('take a replica that is not in sync, once a topic allows it', async () => {
    const rig = await start({ 'unclean.leader.election.interval.ms': '60000' })
    await rig.create('t', [[2, 1]])
    await rig.settle(rig.cluster.brokers.kill(1))
    await rig.settle(rig.cluster.brokers.kill(2))
    await rig.settle(rig.cluster.brokers.start(1))
    await rig.host.advance(70_000)
    expect(await rig.describe('t')).to.match(/^leader -1, replicas 2 1, /)
    await rig.alterTopic('t', { 'unclean.leader.election.enable': 'true' })
    await rig.host.advance(70_000)
    expect(await rig.describe('t')).to.equal('leader 1, replicas 2 1, isr 1')
  })
})
