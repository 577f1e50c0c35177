import { expect } from 'chai'
import { checkDynamicBrokerConfig } from './broker-config-rules.ts'
import { documentationOf } from './documentation.ts'
import { warningsAboutDynamic } from './start-notes.ts'
import { startSettingsOf } from './start-settings.ts'
import { brokerEntry } from './static-config.ts'

type Texts = Readonly<Record<string, string>>

const start = (properties: Texts) => startSettingsOf(new Map(Object.entries(properties)))
const warnings = (properties: Texts) => start(properties).warnings

describe('settings that protect and are not in force', () => {
  const refused: [what: string, properties: Texts, line: string][] = [
    [
      'an authorizer, with all that belongs to it',
      {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'allow.everyone.if.no.acl.found': 'false',
        'super.users': 'User:admin',
      },
      'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer, allow.everyone.if.no.acl.found=false and super.users=User:admin: Ottla has no authorizer yet, so every client could do everything; remove these settings to start without them',
    ],
    [
      'privileged users',
      { 'super.users': 'User:admin' },
      'super.users=User:admin: Ottla has no authorizer yet, so every client could do everything; remove this setting to start without it',
    ],
    [
      'a policy for new topics',
      { 'create.topic.policy.class.name': 'com.example.Policy' },
      'create.topic.policy.class.name=com.example.Policy: Ottla loads no Java classes, so topics would be created unchecked; remove this setting to start without it',
    ],
    [
      'a policy for settings',
      { 'alter.config.policy.class.name': 'com.example.Policy' },
      'alter.config.policy.class.name=com.example.Policy: Ottla loads no Java classes, so settings would be changed unchecked; remove this setting to start without it',
    ],
    [
      'quotas of a plug-in',
      { 'client.quota.callback.class': 'com.example.Quotas' },
      'client.quota.callback.class=com.example.Quotas: Ottla loads no Java classes, so clients would not be throttled; remove this setting to start without it',
    ],
    [
      'client certificates of one listener',
      { 'listener.name.plaintext.ssl.client.auth': 'required' },
      'listener.name.plaintext.ssl.client.auth=required: Ottla has no TLS yet, so clients without a certificate would be let in; remove this setting to start without it',
    ],
    [
      'copies in remote storage',
      { 'remote.log.storage.system.enable': 'true' },
      'remote.log.storage.system.enable=true: Ottla has no tiered storage yet, so records would be kept on the disks of this machine alone; remove this setting to start without it',
    ],
  ]
  for (const [what, properties, line] of refused)
    it(`end the start with one line: ${what}`, () => {
      expect(() => start(properties))
        .to.throw()
        .with.property('message', line)
    })

  it('end the start where a value is to come from a config provider', () => {
    const given = { 'config.providers': 'env', 'ssl.key.password': `\${env:SECRET}` }
    expect(() => start(given)).to.throw('ssl.key.password refers to the config provider env: ')
    expect(warnings({ 'broker.rack': `\${env:RACK}` })).to.deep.equal([])
  })

  it('are fine where they protect nobody', () => {
    const harmless = { 'authorizer.class.name': '', 'ssl.client.auth': 'none', 'super.users': '' }
    expect(warnings({ ...harmless, 'create.topic.policy.class.name': '' })).to.deep.equal([])
    expect(warnings({ 'allow.everyone.if.no.acl.found': 'true', 'ssl.client.auth': 'requested' })).to.deep.equal([
      'allow.everyone.if.no.acl.found has no effect: Ottla has no authorizer yet',
      'ssl.client.auth has no effect: Ottla has no TLS yet',
    ])
  })
})

describe('settings without effect', () => {
  it('say so in their documentation, with what is lost where they would protect', () => {
    const documentation = (name: string) => documentationOf(brokerEntry(name)!)
    expect(documentation('num.io.threads')).to.match(
      / Without effect: one event loop does the work of Kafka’s threads\.$/,
    )
    expect(documentation('authorizer.class.name')).to.match(
      / Without effect: Ottla has no authorizer yet\. A value that protects ends the start, since every client could do everything\.$/,
    )
    expect(documentation('num.partitions')).not.to.contain('Without effect')
  })

  it('are warned about where somebody would miss them, a line for each reason', () => {
    const given = {
      'ssl.keystore.location': '/keys',
      'ssl.keystore.password': 'secret',
      'listener.name.plaintext.ssl.keystore.password': 'secret',
      'metric.reporters': 'com.example.Reporter',
      'delegation.token.secret.key': 'secret',
    }
    expect(warnings(given)).to.deep.equal([
      'ssl.keystore.location, ssl.keystore.password and listener.name.plaintext.ssl.keystore.password have no effect: Ottla has no TLS yet',
      'metric.reporters has no effect: Ottla loads no Java classes',
      'delegation.token.secret.key has no effect: Ottla has no delegation tokens yet',
    ])
  })

  it('for a listener are warned about where it is not there, or cannot have its own', () => {
    const given = {
      'listener.name.plaintext.max.connections': '5',
      'listener.name.outside.max.connections': '5',
      'listener.name.plaintext.message.max.bytes': '5',
    }
    expect(warnings(given)).to.deep.equal([
      'listener.name.outside.max.connections has no effect: listeners does not contain OUTSIDE, only PLAINTEXT',
      'listener.name.plaintext.message.max.bytes has no effect: message.max.bytes applies to all listeners',
    ])
  })

  it('are counted where they are many', () => {
    const names = ['location', 'password', 'type'].flatMap((what) => [`ssl.keystore.${what}`, `ssl.truststore.${what}`])
    expect(warnings(Object.fromEntries(names.map((name) => [name, 'PEM'])))).to.deep.equal([
      'ssl.keystore.location, ssl.truststore.location, ssl.keystore.password, ssl.truststore.password and 2 more have no effect: Ottla has no TLS yet',
    ])
  })

  it('cause no warning at their defaults, nor if nobody would miss them', () => {
    const stock = {
      'num.io.threads': '16',
      'socket.send.buffer.bytes': '102400',
      'transaction.max.timeout.ms': '900000',
    }
    expect(warnings(stock)).to.deep.equal([])
  })
})

describe('dynamic settings', () => {
  const refusal = (name: string, value: string) => checkDynamicBrokerConfig(new Map([[name, value]]), true)?.message

  it('that protect and are not in force are refused', () => {
    expect(refusal('listener.name.plaintext.ssl.client.auth', 'required')).to.equal(
      'listener.name.plaintext.ssl.client.auth=required: Ottla has no TLS yet, so clients without a certificate would be let in',
    )
    expect(refusal('listener.name.plaintext.ssl.client.auth', 'none')).to.equal(undefined)
  })

  it('that a running broker does not follow are refused', () => {
    expect(refusal('listeners', 'PLAINTEXT://:1')).to.equal(
      'Ottla cannot change these configs while it runs yet; set them in server.properties: [listeners]',
    )
    expect(refusal('max.connections', '5')).to.equal(undefined)
  })

  it('that a data directory brought along are warned about', () => {
    const brought = { 'listener.name.x.ssl.client.auth': 'required', 'metric.reporters': 'X', 'num.io.threads': '20' }
    expect(warningsAboutDynamic(new Map(Object.entries(brought)))).to.deep.equal([
      'listener.name.x.ssl.client.auth=required: Ottla has no TLS yet, so clients without a certificate would be let in; delete it with kafka-configs',
      'metric.reporters has no effect: Ottla loads no Java classes',
    ])
  })
})
