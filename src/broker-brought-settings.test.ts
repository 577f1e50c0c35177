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
})
