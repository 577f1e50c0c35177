import { expect } from 'chai'
import { startSettingsOf } from './start-settings.ts'

type Texts = Readonly<Record<string, string>>

const start = (properties: Texts, hostName?: string) =>
  startSettingsOf(new Map(Object.entries(properties)), { hostName })

const combined = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093',
  'controller.listener.names': 'CONTROLLER',
}

describe('settings of several nodes', () => {
  const refused: [what: string, properties: Texts, line: RegExp][] = [
    [
      'a controller alone',
      { ...combined, 'process.roles': 'controller', listeners: 'CONTROLLER://:9093' },
      /^process\.roles=controller: .*cannot run a controller alone; set process\.roles=broker,controller to start this node alone$/,
    ],
    [
      'a broker alone',
      { ...combined, 'process.roles': 'broker' },
      /^process\.roles=broker: .*cannot join another controller; /,
    ],
    [
      'three voters',
      { ...combined, 'controller.quorum.voters': '1@k1:9093,2@k2:9093,3@k3:9093' },
      /^controller\.quorum\.voters=1@k1:9093,2@k2:9093,3@k3:9093 names 3 nodes: .*; remove the setting/,
    ],
    [
      'one voter that is another node',
      { ...combined, 'controller.quorum.voters': '2@localhost:9093' },
      /names another node than node\.id=1/,
    ],
    [
      'a controller elsewhere',
      { ...combined, 'controller.quorum.bootstrap.servers': 'other:9093' },
      /^controller\.quorum\.bootstrap\.servers=other:9093 names another node, other:9093: /,
    ],
    [
      'a controller at another port',
      { ...combined, 'controller.quorum.bootstrap.servers': 'localhost:9093,localhost:19093' },
      /names another node, localhost:19093: /,
    ],
    [
      'no listener for clients',
      { ...combined, listeners: 'CONTROLLER://:9093' },
      /^Invalid value CONTROLLER:\/\/:9093 for configuration listeners: .*add one such as PLAINTEXT:\/\/:9092$/,
    ],
  ]
  for (const [what, properties, line] of refused)
    it(`end the start with one line: ${what}`, () => {
      expect(() => start(properties))
        .to.throw()
        .with.property('message')
        .that.matches(line)
    })

  it('for topics are met with the brokers that there are, in one line', () => {
    const copied = {
      'offsets.topic.replication.factor': '3',
      'transaction.state.log.replication.factor': '3',
      'transaction.state.log.min.isr': '2',
      'default.replication.factor': '1',
      'min.insync.replicas': '2',
    }
    expect(start(copied).warnings).to.deep.equal([
      'min.insync.replicas=2, offsets.topic.replication.factor=3, transaction.state.log.replication.factor=3 and transaction.state.log.min.isr=2: the cluster has one broker, so new topics get one replica and need one in-sync replica',
    ])
  })

  const fine: [what: string, properties: Texts, hostName?: string][] = [
    ['the file of a stock download', { ...combined, 'controller.quorum.bootstrap.servers': 'localhost:9093' }],
    ['the file of an older download', { ...combined, 'controller.quorum.voters': '1@localhost:9093' }],
    ['this machine by its name', { ...combined, 'controller.quorum.bootstrap.servers': 'Box:9093' }, 'box'],
    [
      'this node by what clients are told',
      {
        ...combined,
        'advertised.listeners': 'PLAINTEXT://kafka:9092',
        'controller.quorum.bootstrap.servers': 'kafka:9093',
      },
    ],
    ['an IPv6 loopback', { ...combined, 'controller.quorum.bootstrap.servers': '[::1]:9093' }],
    ['a voter where the node has no number yet', { 'controller.quorum.voters': '7@localhost:9093' }],
  ]
  for (const [what, properties, hostName] of fine)
    it(`are those of one node: ${what}`, () => {
      expect(start(properties, hostName).warnings).to.deep.equal([])
    })
})
