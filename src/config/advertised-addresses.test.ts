import { expect } from 'chai'
import { startSettingsOf } from './start-settings.ts'

type Texts = Readonly<Record<string, string>>

const start = (properties: Texts, hostName?: string) =>
  startSettingsOf(new Map(Object.entries(properties)), { hostName })
const three = (properties: Texts, hostName?: string) => start({ 'num.brokers': '3', ...properties }, hostName)

/** Advertised addresses of each broker. */
const advertised = (properties: Texts, hostName?: string) =>
  three(properties, hostName).brokers.map(({ listeners }) =>
    [...listeners.advertised.values()].map(({ name, host, port }) => `${name}://${host}:${port}`).join(','),
  )

/** As in Kafka's own file. */
const combined = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.quorum.bootstrap.servers': 'localhost:9093',
  'controller.listener.names': 'CONTROLLER',
  listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093',
}
const two = { 'listener.security.protocol.map': 'A:PLAINTEXT,B:PLAINTEXT', 'inter.broker.listener.name': 'A' }

describe('advertised addresses of several brokers', () => {
  const cases: [what: string, properties: Texts, expected: readonly string[]][] = [
    [
      'count up from a port with +n',
      { 'advertised.listeners': 'PLAINTEXT://box:19092+n' },
      ['PLAINTEXT://box:19092', 'PLAINTEXT://box:19093', 'PLAINTEXT://box:19094'],
    ],
    [
      'are the listener’s own in Kafka’s file',
      { ...combined, 'advertised.listeners': 'PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093' },
      ['PLAINTEXT://localhost:9092', 'PLAINTEXT://localhost:9094', 'PLAINTEXT://localhost:9095'],
    ],
    [
      'skip a port of the controller like those that are bound',
      { ...combined, 'advertised.listeners': 'PLAINTEXT://box:19092+n,CONTROLLER://box:19093+n' },
      ['PLAINTEXT://box:19092', 'PLAINTEXT://box:19094', 'PLAINTEXT://box:19095'],
    ],
    [
      'skip a port of ZooKeeper’s clients like those that are bound',
      { 'zookeeper.connect': 'localhost:9093', 'advertised.listeners': 'PLAINTEXT://localhost:9092+n' },
      ['PLAINTEXT://localhost:9092', 'PLAINTEXT://localhost:9094', 'PLAINTEXT://localhost:9095'],
    ],
    [
      'skip ports of other listeners like those that are bound',
      { ...two, listeners: 'A://:9092,B://:9093', 'advertised.listeners': 'A://h:9092+n,B://h:9093+n' },
      ['A://h:9092,B://h:9093', 'A://h:9094,B://h:9095', 'A://h:9096,B://h:9097'],
    ],
    [
      'have the ports of two hosts',
      {
        ...two,
        listeners: 'A://127.0.0.1:9092,B://127.0.0.2:9092',
        'advertised.listeners': 'A://x:9092+n,B://y:9092+n',
      },
      ['A://x:9092,B://y:9092', 'A://x:9093,B://y:9094', 'A://x:9095,B://y:9096'],
    ],
    [
      'count up by one where any ports are bound',
      { listeners: 'PLAINTEXT://:0', 'advertised.listeners': 'PLAINTEXT://[::1]:19092+n' },
      ['PLAINTEXT://::1:19092', 'PLAINTEXT://::1:19093', 'PLAINTEXT://::1:19094'],
    ],
    [
      'are none where only the controller has one',
      { ...combined, 'advertised.listeners': 'CONTROLLER://box:19093' },
      ['', '', ''],
    ],
    [
      'are the listener’s own by their old names',
      { 'advertised.host.name': 'localhost', port: '7000' },
      ['PLAINTEXT://localhost:7000', 'PLAINTEXT://localhost:7001', 'PLAINTEXT://localhost:7002'],
    ],
  ]
  for (const [what, properties, expected] of cases)
    it(what, () => expect(advertised(properties)).to.deep.equal(expected))

  it('are those of the listener under the host’s name', () => {
    const properties = { 'advertised.listeners': 'PLAINTEXT://Box:9092' }
    expect(advertised(properties, 'box')[2]).to.equal('PLAINTEXT://Box:9094')
    expect(() => advertised(properties)).to.throw('two brokers would be advertised at box:9092')
    const elsewhere = { ...properties, listeners: 'PLAINTEXT://10.0.0.5:9092' }
    expect(() => advertised(elsewhere, 'box')).to.throw('two brokers would be advertised at box:9092')
    expect(advertised({ ...elsewhere, 'advertised.listeners': 'PLAINTEXT://10.0.0.5:9092' })[2]).to.equal(
      'PLAINTEXT://10.0.0.5:9094',
    )
  })

  const refused: [what: string, properties: Texts, line: string][] = [
    [
      'one address for all',
      { 'advertised.listeners': 'PLAINTEXT://box:9092' },
      'Invalid value PLAINTEXT://box:9092 for configuration advertised.listeners: two brokers would be advertised at box:9092; set advertised.listeners=PLAINTEXT://box:9092+n to count the ports up, or remove the setting',
    ],
    [
      'one address for all, and one for the controller',
      { ...combined, 'advertised.listeners': 'PLAINTEXT://box:9092,CONTROLLER://box:9093' },
      'two brokers would be advertised at box:9092; set advertised.listeners=PLAINTEXT://box:9092+n,CONTROLLER://box:9093 to',
    ],
    [
      'one address for one of two listeners',
      { ...two, listeners: 'A://:9092,B://:19092', 'advertised.listeners': 'A://box:9092+n,B://box:19192' },
      'two brokers would be advertised at box:19192; set advertised.listeners=A://box:9092+n,B://box:19192+n to',
    ],
    [
      'ports that meet those of another listener',
      { ...two, listeners: 'A://:0,B://:0', 'advertised.listeners': 'A://h:9092+n,B://h:9093+n' },
      'two brokers would be advertised at h:9093; set advertised.listeners=A://h:9092+n,B://h:9095+n to',
    ],
    [
      'ports that meet the controller’s',
      {
        ...combined,
        listeners: 'PLAINTEXT://:9092,CONTROLLER://:19093',
        'controller.quorum.bootstrap.servers': '',
        'advertised.listeners': 'PLAINTEXT://h:9092+n,CONTROLLER://h:9093',
      },
      'two brokers would be advertised at h:9093; set advertised.listeners=PLAINTEXT://h:9094+n,CONTROLLER://h:9093 to',
    ],
    [
      'ports that meet a listener which is not advertised elsewhere',
      {
        ...two,
        listeners: 'A://127.0.0.1:9092,B://127.0.0.1:9094',
        'advertised.listeners': 'A://127.0.0.1:9093+n',
      },
      'two brokers would be advertised at 127.0.0.1:9094; set advertised.listeners=A://127.0.0.1:9098+n to',
    ],
    [
      'the old settings of one address',
      { 'advertised.host.name': 'box', 'advertised.port': '19092' },
      'Invalid value box for configuration advertised.host.name: two brokers would be advertised at box:19092; set advertised.listeners=PLAINTEXT://box:19092+n to',
    ],
    [
      'port 0 for all',
      { listeners: 'PLAINTEXT://:0', 'advertised.listeners': 'PLAINTEXT://h:0' },
      'two brokers would be advertised at h:0; set advertised.listeners=PLAINTEXT://h:9092+n to',
    ],
  ]
  for (const [what, properties, line] of refused)
    it(`are refused with an advice that helps: ${what}`, () => {
      const message = refusal(() => three(properties))
      expect(message).to.contain(line)
      const [, setting] = /; set (\S+) to count the ports up, or remove the setting$/.exec(message) ?? []
      const [name, value] = setting!.split(/=(.*)/) as [string, string]
      expect(new Set(advertised({ ...properties, [name]: value })).size).to.equal(3)
      const [, removed] = / for configuration (\S+):/.exec(message) ?? []
      const without = Object.entries(properties).filter(([each]) => each !== removed)
      expect(three(Object.fromEntries(without)).brokers.length).to.equal(3)
    })

  it('are refused past the last port', () => {
    expect(() => three({ 'advertised.listeners': 'PLAINTEXT://h:65534+n' })).to.throw(
      'no port is left for 3 brokers; set a lower port, or remove the setting',
    )
    expect(() => three({ 'advertised.listeners': 'PLAINTEXT://h:65534' })).to.throw(
      'two brokers would be advertised at h:65534; set a lower port and end it with +n, or remove the setting',
    )
  })

  it('count up from no port 0, also with one broker', () => {
    expect(() => start({ 'advertised.listeners': 'PLAINTEXT://h:0+n' })).to.throw(
      'Invalid value PLAINTEXT://h:0+n for configuration advertised.listeners: no client can use port 0; write the first broker’s port before +n',
    )
  })

  it('are refused for a broker that is added', () => {
    const { furtherBroker } = start({ 'advertised.listeners': 'PLAINTEXT://box:19092' })
    expect(() => furtherBroker(1)).to.throw('set advertised.listeners=PLAINTEXT://box:19092+n to count the ports up')
    const old = start({ 'advertised.host.name': 'box', 'advertised.port': '19092' })
    expect(() => old.furtherBroker(1)).to.throw('set advertised.listeners=PLAINTEXT://box:19092+n to')
  })
})

function refusal(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('it was not refused')
}
