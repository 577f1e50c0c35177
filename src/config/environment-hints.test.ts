import { expect } from 'chai'
import type { Environment } from './environment-hints.ts'
import { startSettingsOf } from './start-settings.ts'

const warnings = (environment: Environment, properties: Record<string, string> = {}) =>
  startSettingsOf(new Map(Object.entries(properties)), { environment }).warnings

describe('variables of the environment', () => {
  it('cause a warning if they name settings', () => {
    expect(warnings({ KAFKA_NUM_PARTITIONS: '3' })).to.deep.equal([
      'KAFKA_NUM_PARTITIONS in the environment has no effect: Ottla does not read settings from the environment yet; set num.partitions in server.properties, or pass it with --override',
    ])
    const [line] = warnings({
      KAFKA_CFG_LISTENERS: 'PLAINTEXT://:1',
      KAFKA_AUTHORIZER_CLASS_NAME: 'secret',
      KAFKA_LISTENER_NAME_CLIENT_SSL_KEYSTORE_PASSWORD: 'secret',
    })
    expect(line)
      .to.contain(
        'KAFKA_CFG_LISTENERS, KAFKA_AUTHORIZER_CLASS_NAME and KAFKA_LISTENER_NAME_CLIENT_SSL_KEYSTORE_PASSWORD',
      )
      .and.contain('listeners, authorizer.class.name and listener.name.client.ssl.keystore.password')
      .and.not.contain('secret')
  })

  for (const [variable, value] of [
    ['KAFKA_HOME', '/opt/kafka'],
    ['KAFKA_OPTS', '-Dx=y'],
    ['KAFKA_HEAP_OPTS', '-Xmx1G'],
    ['KAFKA_JVM_PERFORMANCE_OPTS', ''],
    ['KAFKA_LOG4J_OPTS', ''],
    ['KAFKA_JMX_PORT', '9999'],
    ['KAFKA_PORT', 'tcp://10.0.0.1:9092'],
    ['KAFKA_PORT_9092_TCP', 'tcp://10.0.0.1:9092'],
    ['KAFKA_PORT_9092_TCP_PORT', '9092'],
    ['KAFKA_SERVICE_HOST', '10.0.0.1'],
    ['KAFKA_SERVICE_PORT', '9092'],
    ['KAFKA_VERSION', '4.4.0'],
    ['PATH', '/bin'],
    ['LISTENERS', 'PLAINTEXT://:1'],
  ] as const)
    it(`are ignored if they name no setting: ${variable}=${value}`, () => {
      expect(warnings({ [variable]: value })).to.deep.equal([])
    })

  it('cause no warning if the setting is given elsewhere', () => {
    expect(warnings({ KAFKA_NUM_PARTITIONS: '3' }, { 'num.partitions': '3' })).to.deep.equal([])
  })
})
