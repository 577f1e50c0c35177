import { expect } from 'chai'
import { WindowsFiles } from '../storage/host/windows-files.fixture.ts'
import { RunningBroker, TOPIC } from './running-broker.fixture.ts'

const MINUTE_MS = 60_000

describe('a broker on a system that neither renames nor removes open files', () => {
  it('rolls, compacts, deletes, takes snapshots of its metadata, and starts again', async () => {
    const broker = new RunningBroker()
    const { files } = broker.host
    broker.machine = { ...broker.host, files: new WindowsFiles(files) }
    const properties = {
      'metadata.log.max.record.bytes.between.snapshots': '1000',
      'log.retention.check.interval.ms': '1000',
      'log.cleaner.backoff.ms': '1000',
    }
    await broker.start(properties)
    for (let round = 0; round < 3; round++) {
      const compacted = { 'cleanup.policy': 'compact', 'segment.ms': '1', 'min.cleanable.dirty.ratio': '0' }
      expect(await broker.create('compacted', compacted)).to.equal('NONE')
      expect(await broker.create('deleted', { 'segment.ms': '1', 'retention.ms': '1000' })).to.equal('NONE')
      for (const topic of ['compacted', 'deleted']) {
        for (const ageMs of [5000, 4000, 3000, 2000]) expect(await broker.produce(topic, 'k', 'v', ageMs)).to.equal(-1)
      }
      for (let i = 0; i < 20; i++) await broker.alter(TOPIC, 'deleted', { 'file.delete.delay.ms': `${1000 + i}` })
      await broker.host.advance(2 * MINUTE_MS)
      expect(broker.compacted).to.have.length(round + 1)
      expect(broker.segments('deleted')).to.equal(1)
      await broker.stop()
      await broker.start(properties)
      expect(await broker.delete('compacted')).to.equal('NONE')
      expect(await broker.delete('deleted')).to.equal('NONE')
      await broker.host.advance(2 * MINUTE_MS)
    }
    const left = files.list('/data').filter((name) => /^(compacted|deleted)/.test(name))
    expect(left).to.deep.equal([])
    expect(files.list('/data/__cluster_metadata-0').filter((name) => name.endsWith('.checkpoint'))).not.to.deep.equal(
      [],
    )
    expect(broker.complaints).to.deep.equal([])
    await broker.stop()
  })
})
