import { expect } from 'chai'
import { RunningBroker, TOPIC } from './running-broker.fixture.ts'

const HOUR_MS = 3_600_000

/** A broker with two topics on a disk that is completely full. */
async function onFullDisk(): Promise<RunningBroker> {
  const broker = await new RunningBroker().start({ 'file.delete.delay.ms': '1000', 'connections.max.idle.ms': '-1' })
  for (const topic of ['old', 'new']) await broker.create(topic, { 'segment.bytes': '1048576' })
  for (let i = 0; i < 10; i++) await broker.produce('old', 'key', 'x'.repeat(300_000))
  const { memory } = broker.host
  memory.capacityBytes = Number.MAX_SAFE_INTEGER
  memory.capacityBytes -= memory.space('/').freeBytes
  expect(await broker.produce('new', 'key', 'value')).to.equal('KAFKA_STORAGE_ERROR')
  return broker
}

describe('a broker on a full disk', () => {
  it('deletes a topic, and takes records again once its files are gone', async () => {
    const broker = await onFullDisk()
    expect(await broker.delete('old')).to.equal('NONE')
    await broker.host.advance(120_000)
    expect(await broker.produce('new', 'key', 'value')).to.equal(-1)
    await broker.stop()
  })

  it('takes a shorter retention, and takes records again once that has freed some', async () => {
    const broker = await onFullDisk()
    await broker.alter(TOPIC, 'old', { 'retention.ms': '1000' })
    await broker.host.advance(HOUR_MS)
    expect(await broker.produce('new', 'key', 'value')).to.equal(-1)
    await broker.stop()
  })

  it('refuses changes that would need more room', async () => {
    const broker = await onFullDisk()
    expect(await broker.create('another')).to.equal('KAFKA_STORAGE_ERROR')
    await broker.stop()
  })
})
