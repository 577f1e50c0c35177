import { expect } from 'chai'
import { AlterClientQuotas } from '../protocol/apis/alter-client-quotas.ts'
import { DescribeConfigs } from '../protocol/apis/describe-configs.ts'
import { RunningBroker } from './running-broker.fixture.ts'

const LOGGERS = 8

async function setQuota(broker: RunningBroker): Promise<void> {
  const entity = [{ entityType: 'user', entityName: 'a' }]
  const ops = [{ key: 'request_percentage', value: 5, remove: false }]
  await broker.call(AlterClientQuotas, 1, { entries: [{ entity, ops }], validateOnly: false })
}

describe('the log levels of a broker', () => {
  it('decide what is logged from the next line on', async () => {
    const quiet = await new RunningBroker().start()
    await quiet.alter(LOGGERS, '1', { root: 'ERROR' })
    await setQuota(quiet)
    expect(quiet.complaints).to.deep.equal([])
    const broker = await new RunningBroker().start()
    await broker.alter(LOGGERS, '1', { root: 'ERROR' })
    await broker.alter(LOGGERS, '1', { root: 'WARN' })
    await setQuota(broker)
    expect(broker.complaints).to.have.length(1)
  })

  it('are listed by name, and those without a level have that of the root', async () => {
    const broker = await new RunningBroker().start()
    await broker.alter(LOGGERS, '1', { 'kafka.network.SocketServer': 'TRACE', root: 'WARN' })
    const resources = [{ resourceType: LOGGERS, resourceName: '1', configurationKeys: null }]
    const { results } = await broker.call(DescribeConfigs, 4, { resources })
    const levels = Object.fromEntries(results[0]!.configs.map(({ name, value }) => [name, value]))
    expect(levels).to.include({ root: 'WARN', 'kafka.network.SocketServer': 'TRACE', 'kafka.server.KafkaApis': 'WARN' })
  })
})
