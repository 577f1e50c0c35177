import { expect } from 'chai'
import { encodeMetadataRecord } from '../protocol/internal-records/metadata-framing.ts'
import { ClientQuotaRecord } from '../protocol/internal-records/setting-records.ts'
import { configRecord } from './metadata/image-records.ts'
import { MetadataLog } from './metadata/metadata-log.ts'
import { silentLogger } from './observe/logger.ts'
import { BROKER, RunningBroker } from './running-broker.fixture.ts'

describe('a data directory written by another broker', () => {
  it('has settings and quotas without effect, with a log line for each', async () => {
    const broker = await new RunningBroker().start()
    await broker.stop()
    const { host } = broker
    const log = MetadataLog.open(host, '/data', silentLogger, () => {})
    log.lead(1, host.clock.nowMs())
    const entity = [{ entityType: 'user', entityName: 'greedy' }]
    log.append(
      [
        encodeMetadataRecord(ClientQuotaRecord, 0, { entity, key: 'producer_byte_rate', value: 1000, remove: false }),
        configRecord(BROKER, '', 'metric.reporters', 'com.example.Reporter'),
        configRecord(BROKER, '1', 'listener.name.plaintext.ssl.client.auth', 'required'),
      ],
      host.clock.nowMs(),
    )
    await host.settle(log.flush())
    log.close()
    await broker.start()
    expect(broker.complaints).to.deep.equal([
      'listener.name.plaintext.ssl.client.auth=required: Ottla has no TLS yet, so clients without a certificate would be let in; delete it with kafka-configs',
      'metric.reporters has no effect: Ottla loads no Java classes',
      '1 client quota is set and not in force: Ottla has no client quotas yet',
    ])
    await broker.stop()
  })

  it('has settings that contradict each other: a line has the command that removes one, and it works', async () => {
    const broker = await new RunningBroker().start()
    await broker.alter(BROKER, '', { 'log.cleaner.threads': '2', 'log.retention.ms': '5000' })
    await broker.stop()
    await broker.start({ 'log.cleaner.dedupe.buffer.size': '2097152' })
    expect(broker.complaints).to.have.length(1)
    expect(broker.complaints[0]).to.match(
      /^log\.cleaner\.threads=2, .* is not in force: .* --entity-default --delete-config/,
    )
    expect(await broker.setting(BROKER, '1', 'log.cleaner.threads')).to.equal('1')
    expect(await broker.setting(BROKER, '1', 'log.retention.ms')).to.equal('5000')
    await broker.alter(BROKER, '', { 'log.cleaner.threads': null })
    await broker.alter(BROKER, '', { 'log.retention.ms': '6000' })
    expect(await broker.setting(BROKER, '1', 'log.retention.ms')).to.equal('6000')
    await broker.stop()
  })
})
