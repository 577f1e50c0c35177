import { expect } from 'chai'
import { BROKER, RunningBroker, TOPIC } from './running-broker.fixture.ts'

const MINUTE_MS = 60_000

describe('log settings changed while the broker runs', () => {
  let rig: RunningBroker
  afterEach(() => rig.stop())

  it('of a topic', async () => {
    rig = await new RunningBroker().start()
    await rig.create('t')
    await rig.produce('t', 'k', 'v')
    await rig.produce('t', 'k', 'v', -1000)
    expect(rig.segments('t')).to.equal(1)
    await rig.alter(TOPIC, 't', { 'segment.ms': '500' })
    await rig.produce('t', 'k', 'v', -2000)
    expect(rig.segments('t')).to.equal(2)
    await rig.alter(TOPIC, 't', { 'message.timestamp.type': 'LogAppendTime' })
    expect(await rig.produce('t', 'k', 'v', 5000)).to.equal(rig.host.clock.nowMs())
    await rig.alter(TOPIC, 't', { 'message.timestamp.type': null, 'message.timestamp.before.max.ms': '1000' })
    expect(await rig.produce('t', 'k', 'v', 5000)).to.equal('INVALID_TIMESTAMP')
    await rig.alter(TOPIC, 't', { 'max.message.bytes': '100' })
    expect(await rig.produce('t', 'k', 'v'.repeat(100))).to.equal('MESSAGE_TOO_LARGE')
    await rig.alter(TOPIC, 't', { 'retention.ms': '10', 'file.delete.delay.ms': '0' })
    await rig.host.advance(6 * MINUTE_MS)
    expect(rig.segments('t')).to.equal(1)
  })

  it('of all topics without their own settings', async () => {
    rig = await new RunningBroker().start({ 'log.retention.hours': '1', 'log.retention.check.interval.ms': '1000' })
    await rig.create('own', { 'max.message.bytes': '1000', 'retention.ms': '-1', 'segment.ms': '1' })
    await rig.create('none', { 'segment.ms': '1' })
    await rig.alter(BROKER, '', { 'message.max.bytes': '100' })
    expect(await rig.produce('own', 'k', 'v'.repeat(100), 10_000)).to.equal(-1)
    expect(await rig.produce('none', 'k', 'v'.repeat(100))).to.equal('MESSAGE_TOO_LARGE')
    await rig.alter(BROKER, '', { 'message.max.bytes': null })
    for (const topic of ['own', 'none']) {
      for (const ageMs of [5000, 4000, 3000]) expect(await rig.produce(topic, 'k', 'v', ageMs)).to.equal(-1)
    }
    await rig.host.advance(MINUTE_MS)
    expect([rig.segments('own'), rig.segments('none')]).to.deep.equal([4, 3])
    await rig.alter(BROKER, '1', { 'log.retention.ms': '1000' })
    await rig.host.advance(2000)
    expect([rig.segments('own'), rig.segments('none')]).to.deep.equal([4, 1])
  })

  it('of compaction', async () => {
    rig = await new RunningBroker().start({ 'log.cleaner.backoff.ms': '3600000' })
    const compacted = { 'cleanup.policy': 'compact', 'segment.ms': '1', 'min.cleanable.dirty.ratio': '0' }
    await rig.create('t', compacted)
    for (const ageMs of [5000, 4000, 3000]) await rig.produce('t', 'k', 'v', ageMs)
    await rig.host.advance(5 * MINUTE_MS)
    expect(rig.compacted).to.deep.equal([])
    await rig.alter(BROKER, '', { 'log.cleaner.backoff.ms': '1000' })
    await rig.host.advance(3000)
    expect(rig.compacted).to.deep.equal(['t-0'])
  })

  it('cordoned.log.dirs: a broker with all directories cordoned gets no new topics', async () => {
    rig = await new RunningBroker().start()
    await rig.alter(BROKER, '1', { 'cordoned.log.dirs': '/data' })
    expect(await rig.create('t')).to.equal('INVALID_REPLICATION_FACTOR')
    await rig.alter(BROKER, '1', { 'cordoned.log.dirs': null })
    expect(await rig.create('t')).to.equal('NONE')
  })
})
