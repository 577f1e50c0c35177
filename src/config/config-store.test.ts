import { expect } from 'chai'
import { collectGarbage } from '../../storage/collect-garbage.fixture.ts'
import { ConfigStore } from './config-store.ts'
import { InvalidSetting } from './config-value.ts'
import { readStaticConfig } from './static-config.ts'

function store(properties: Record<string, string> = {}): ConfigStore {
  const read = readStaticConfig(new Map(Object.entries(properties)))
  if (read instanceof InvalidSetting) throw new Error(read.message)
  return new ConfigStore(read, 1)
}

const settings = (values: Record<string, string>) => new Map(Object.entries(values))

describe('ConfigStore', () => {
  it('a topic falls back to the broker: milliseconds before minutes before hours', () => {
    expect(store().topic('t').retentionMs).to.equal(604_800_000)
    expect(store({ 'log.retention.hours': '2' }).topic('t').retentionMs).to.equal(7_200_000)
    expect(store({ 'log.retention.hours': '2', 'log.retention.minutes': '3' }).topic('t').retentionMs).to.equal(180_000)
    expect(store({ 'log.retention.minutes': '3', 'log.retention.ms': '-5' }).topic('t').retentionMs).to.equal(-1)
    expect(store({ 'log.flush.scheduler.interval.ms': '7' }).topic('t').flushMs).to.equal(7)
  })

  it('a topic’s own settings win, and topics without any share one object', () => {
    const configs = store()
    configs.apply(new Map([['2:t', settings({ 'cleanup.policy': 'compact,delete', 'flush.messages': '1' })]]), ['2:t'])
    expect(configs.topic('t')).to.include({ flushMessages: 1 })
    expect(configs.topic('t').cleanupPolicy).to.deep.equal(['compact', 'delete'])
    expect(configs.topic('t')).to.equal(configs.topic('t'))
    expect(configs.topic('u')).to.equal(configs.topic('v'))
    configs.apply(new Map(), ['2:t'])
    expect(configs.topic('t')).to.equal(configs.topic('u'))
  })

  it('the resolved settings of a topic or group are dropped with it', async () => {
    const configs = store()
    const own = settings({ 'flush.messages': '1' })
    const ofGroup = settings({ 'consumer.session.timeout.ms': '50000' })
    configs.apply(new Map([['2:t', own]]).set('32:g', ofGroup), ['2:t', '32:g'])
    const held = [new WeakRef(configs.topic('t')), new WeakRef(configs.group('g'))]
    configs.apply(new Map(), ['2:t', '32:g'])
    await collectGarbage()
    expect(held.map((each) => each.deref())).to.deep.equal([undefined, undefined])
  })

  it('one broker’s dynamic setting beats the cluster’s, that beats server.properties; listeners are told', () => {
    const configs = store({ 'message.max.bytes': '10' })
    const seen: number[] = []
    configs.onBrokerChange((broker) => seen.push(broker.messageMaxBytes))
    configs.apply(new Map([['4:', settings({ 'message.max.bytes': '20' })]]), ['4:'])
    expect(configs.topic('t').maxMessageBytes).to.equal(20)
    const both = new Map([
      ['4:', settings({ 'message.max.bytes': '20' })],
      ['4:1', settings({ 'message.max.bytes': '30' })],
    ])
    configs.apply(both, ['4:1'])
    configs.apply(both, ['4:2', '2:t'])
    expect(seen).to.deep.equal([20, 30])
  })

  it('live settings return the current values', () => {
    const configs = store({ 'log.cleaner.backoff.ms': '10' })
    const { live } = configs
    expect(live.logCleanerBackoffMs).to.equal(10)
    configs.apply(new Map([['4:', settings({ 'log.cleaner.backoff.ms': '20' })]]), ['4:'])
    expect(live.logCleanerBackoffMs).to.equal(20)
    expect({ ...live }).to.deep.equal({ ...configs.broker })
  })

  it('a group is held within the broker’s bounds', () => {
    const configs = store({ 'group.consumer.max.session.timeout.ms': '50000' })
    configs.apply(new Map([['32:g', settings({ 'consumer.session.timeout.ms': '60000' })]]), ['32:g'])
    expect(configs.group('g').consumerSessionTimeoutMs).to.equal(50_000)
    expect(configs.group('other').consumerSessionTimeoutMs).to.equal(45_000)
    expect(configs.group('other').streamsAssignorName).to.equal('sticky')
  })

  it('a dynamic value that no longer parses counts as not set', () => {
    const configs = store()
    configs.apply(new Map([['2:t', settings({ 'retention.ms': 'soon' })]]), ['2:t'])
    expect(configs.topic('t').retentionMs).to.equal(604_800_000)
  })
})

describe('static settings', () => {
  it('unknown and retired names are warned about, plug-ins’ own are not', () => {
    const read = readStaticConfig(
      settings({ 'zookeeper.set.acl': 'true', 'my.setting': '1', 'rsm.config.bucket': 'b', 'num.partitions': '3' }),
    )
    if (read instanceof InvalidSetting) throw new Error(read.message)
    expect(read.warnings).to.deep.equal([
      'setting zookeeper.set.acl is no longer in use: Ottla connects to no ZooKeeper',
      'unknown setting my.setting is ignored',
    ])
  })

  it('an invalid value is named', () => {
    expect(readStaticConfig(settings({ 'num.partitions': '0' }))).to.deep.equal(
      new InvalidSetting('Invalid value 0 for configuration num.partitions: Value must be at least 1'),
    )
  })

  it('values that contradict each other are told in plain words', () => {
    expect(readStaticConfig(settings({ 'max.connections.per.ip': '0' }))).to.deep.equal(
      new InvalidSetting(
        'max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.',
      ),
    )
  })

  it('a comment behind a value is pointed out', () => {
    expect(readStaticConfig(settings({ 'num.partitions': '3 # three' }))).to.deep.equal(
      new InvalidSetting(
        'Invalid value 3 # three for configuration num.partitions: Not a number of type INT; put the comment on its own line: "# three"',
      ),
    )
    const read = readStaticConfig(
      settings({ 'log.dirs': '/data # my disk', 'sasl.jaas.config': 'a #b', 'broker.rack': 'r#1' }),
    )
    if (read instanceof InvalidSetting) throw new Error(read.message)
    expect(read.warnings).to.deep.equal([
      'log.dirs=/data # my disk: the text after # is part of the value; put the comment on its own line',
    ])
  })

  it('files of Kafka 0.8 say host.name, port and broker.id', () => {
    const configs = store({ 'host.name': 'here', port: '9999', 'broker.id': '7' })
    expect(configs.broker.listeners).to.deep.equal(['PLAINTEXT://here:9999'])
    expect(configs.broker.nodeId).to.equal(7)
  })

  it('a listener’s override is read as the setting behind it', () => {
    const read = readStaticConfig(settings({ 'listener.name.external.ssl.client.auth': 'maybe' }))
    expect(read).to.be.instanceOf(InvalidSetting)
  })

  it('offsets.topic.compression.codec names a codec', () => {
    const codec = (id: string) => readStaticConfig(settings({ 'offsets.topic.compression.codec': id }))
    expect(codec('4')).not.to.be.instanceOf(InvalidSetting)
    for (const id of ['5', '-1']) expect(codec(id)).to.be.instanceOf(InvalidSetting)
  })
})
