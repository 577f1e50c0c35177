import { expect } from 'chai'
import { ConfigStore } from './config-store.ts'
import { startSettingsOf } from './start-settings.ts'

type Texts = Readonly<Record<string, string>>

const start = (properties: Texts) => startSettingsOf(new Map(Object.entries(properties)))
/** Listeners of each broker. */
const listening = (properties: Texts) =>
  start(properties).brokers.map(({ listeners }) =>
    listeners.listening.map(({ name, host, port }) => `${name}://${host}:${port}`).join(','),
  )
/** A setting of each broker. */
const values = (name: string, properties: Texts) =>
  start(properties).brokers.map((broker) => broker.static.values.get(name)?.text)

describe('settings of several brokers', () => {
  const ports: [what: string, properties: Texts, expected: readonly string[]][] = [
    ['one broker unless num.brokers says more', { listeners: 'PLAINTEXT://:9092' }, ['PLAINTEXT://:9092']],
    [
      'the next ports',
      { 'num.brokers': '3', listeners: 'PLAINTEXT://127.0.0.1:9092' },
      ['PLAINTEXT://127.0.0.1:9092', 'PLAINTEXT://127.0.0.1:9093', 'PLAINTEXT://127.0.0.1:9094'],
    ],
    [
      'any free ports where the first has any',
      { 'num.brokers': '2', listeners: 'PLAINTEXT://[::1]:0' },
      ['PLAINTEXT://::1:0', 'PLAINTEXT://::1:0'],
    ],
    [
      'a run of ports for each listener',
      {
        'num.brokers': '3',
        listeners: 'A://:9092,B://:19092',
        'listener.security.protocol.map': 'A:PLAINTEXT,B:PLAINTEXT',
      },
      ['A://:9092,B://:19092', 'A://:9093,B://:19093', 'A://:9094,B://:19094'],
    ],
    [
      'no port that a setting names or another broker has',
      {
        'num.brokers': '3',
        listeners: 'A://:9092,B://:9093,CONTROLLER://:9095',
        'listener.security.protocol.map': 'A:PLAINTEXT,B:PLAINTEXT',
        'controller.listener.names': 'CONTROLLER',
        'zookeeper.connect': 'localhost:9096',
      },
      ['A://:9092,B://:9093', 'A://:9094,B://:9097', 'A://:9098,B://:9099'],
    ],
    ['the old names of the address', { 'num.brokers': '2', port: '7000' }, ['PLAINTEXT://:7000', 'PLAINTEXT://:7001']],
  ]
  for (const [what, properties, expected] of ports)
    it(`listen on ${what}`, () => expect(listening(properties)).to.deep.equal(expected))

  it('have the controller at the first broker only', () => {
    const { brokers } = start({
      'num.brokers': '2',
      listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093',
      'controller.listener.names': 'CONTROLLER',
    })
    expect(brokers.map(({ listeners }) => listeners.controller.length)).to.deep.equal([1, 0])
  })

  it('give each broker its node id, rack and advertised address', () => {
    const properties = {
      'num.brokers': '3',
      'broker.racks': 'a, b,c',
      'node.id': '7',
      'advertised.listeners': 'PLAINTEXT://box:19092+n',
    }
    expect(values('node.id', properties)).to.deep.equal(['7', '8', '9'])
    expect(values('broker.id', properties)).to.deep.equal(['7', '8', '9'])
    expect(values('broker.rack', properties)).to.deep.equal(['a', 'b', 'c'])
    expect(values('advertised.listeners', properties)).to.deep.equal(
      [19092, 19093, 19094].map((port) => `PLAINTEXT://box:${port}`),
    )
  })

  it('give all the same rack where broker.rack names one', () => {
    expect(values('broker.rack', { 'num.brokers': '2', 'broker.rack': 'a' })).to.deep.equal(['a', 'a'])
  })

  it('keep the offsets of groups on up to three brokers, unless a setting says otherwise', () => {
    const factor = (properties: Texts) =>
      start(properties).brokers.map((each) => new ConfigStore(each.static, 1).broker.offsetsTopicReplicationFactor)
    expect(factor({ 'num.brokers': '1' })).to.deep.equal([1])
    expect(factor({ 'num.brokers': '2' })).to.deep.equal([2, 2])
    expect(factor({ 'num.brokers': '4' })).to.deep.equal([3, 3, 3, 3])
    expect(factor({ 'num.brokers': '2', 'offsets.topic.replication.factor': '1' })).to.deep.equal([1, 1])
  })

  it('go on for a broker that is added', () => {
    const { furtherBroker } = start({ 'num.brokers': '2', listeners: 'PLAINTEXT://:9092', 'broker.racks': 'a,b' })
    expect(furtherBroker(2).listeners.listening[0]?.port).to.equal(9094)
    expect(furtherBroker(2).static.values.get('broker.rack')).to.equal(undefined)
    expect(furtherBroker(2, { rack: 'c' }).static.values.get('broker.rack')?.text).to.equal('c')
  })

  it('refuse a broker that cannot be added', () => {
    const line = 'node.id=2147483647 is the last: no id is left for another broker'
    expect(() => start({ 'node.id': '2147483647' }).furtherBroker(1)).to.throw(line)
    expect(() => start({}).furtherBroker(1, { nodeId: 2 ** 31 })).to.throw(line)
    expect(() => start({}).furtherBroker(1, { rack: ' ' })).to.throw(
      'Invalid value   for configuration broker.rack: a rack has no name',
    )
  })

  it('tell whether the number of brokers was given', () => {
    expect(start({}).brokerCount).to.equal(undefined)
    expect(start({ 'num.brokers': '1' }).brokerCount).to.equal(1)
  })

  it('warn of more replicas than brokers', () => {
    const properties = { 'num.brokers': '2', 'default.replication.factor': '3', 'min.insync.replicas': '2' }
    expect(start(properties).warnings).to.deep.equal([
      'default.replication.factor=3: the cluster has 2 brokers, so new topics get at most 2 replicas and need at most 2 in-sync replicas',
    ])
  })

  const refused: [what: string, properties: Texts, line: string][] = [
    [
      'no broker',
      { 'num.brokers': '0' },
      'Invalid value 0 for configuration num.brokers: it must be a number from 1 to 100',
    ],
    [
      'a number of brokers that is empty',
      { 'num.brokers': '' },
      'Invalid value  for configuration num.brokers: it must be a number from 1 to 100',
    ],
    [
      'half a broker',
      { 'num.brokers': '1.5' },
      'Invalid value 1.5 for configuration num.brokers: it must be a number from 1 to 100',
    ],
    [
      'too few racks',
      { 'num.brokers': '3', 'broker.racks': 'a,b' },
      'Invalid value a,b for configuration broker.racks: it names 2 racks for 3 brokers; name one for each',
    ],
    [
      'racks for one broker',
      { 'broker.racks': 'a,b' },
      'Invalid value a,b for configuration broker.racks: it names 2 racks for 1 broker; name one for each',
    ],
    [
      'an empty rack',
      { 'num.brokers': '2', 'broker.racks': 'a,' },
      'Invalid value a, for configuration broker.racks: a rack has no name',
    ],
    [
      'racks twice',
      { 'num.brokers': '2', 'broker.racks': 'a,b', 'broker.rack': 'a' },
      'Invalid value a,b for configuration broker.racks: broker.rack is set, too; remove one of the two',
    ],
    [
      'a selector of replicas that is not Kafka’s own',
      { 'replica.selector.class': 'com.example.Nearest' },
      'replica.selector.class=com.example.Nearest: Ottla loads no Java classes; set org.apache.kafka.common.replica.LeaderSelector or org.apache.kafka.common.replica.RackAwareReplicaSelector, or remove the setting',
    ],
    [
      'ports past the last',
      { 'num.brokers': '3', listeners: 'PLAINTEXT://:65534' },
      'Invalid value PLAINTEXT://:65534 for configuration listeners: no port is left after it for 3 brokers',
    ],
    [
      'node ids past the last',
      { 'num.brokers': '3', 'broker.id': '2147483646' },
      'node.id=2147483647 is the last: no id is left for another broker',
    ],
  ]
  for (const [what, properties, line] of refused)
    it(`refuse ${what}`, () => expect(() => start(properties)).to.throw(line))
})
