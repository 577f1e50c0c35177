import { expect } from 'chai'
import { checkBrokerValues, checkDynamicBrokerConfig } from './broker-config-rules.ts'
import { ConfigStore } from './config-store.ts'
import { InvalidSetting } from './config-value.ts'
import { ignoredLine } from './ignored-settings.ts'
import { readStaticConfig } from './static-config.ts'

const settings = (values: Record<string, string>) => new Map(Object.entries(values))

function store(
  properties: Record<string, string>,
  shared: Record<string, string>,
  own: Record<string, string> = {},
): ConfigStore {
  const read = readStaticConfig(settings(properties))
  if (read instanceof InvalidSetting) throw new Error(read.message)
  const configs = new ConfigStore(read, 1)
  const dynamic = new Map([
    ['4:', settings(shared)],
    ['4:1', settings(own)],
  ])
  configs.apply(dynamic, ['4:', '4:1'])
  return configs
}

const linesOf = (configs: ConfigStore) => configs.ignored.map((each) => ignoredLine(each, 1, 'localhost:9092'))

describe('dynamic settings of brokers', () => {
  it('are in force without a line if they are valid together', () => {
    const configs = store({}, { 'log.cleaner.threads': '2' }, { 'log.retention.ms': '5000' })
    expect([configs.broker.logCleanerThreads, configs.topic('t').retentionMs]).to.deep.equal([2, 5000])
    expect(linesOf(configs)).to.deep.equal([])
  })

  it('one that contradicts server.properties is ignored, the others are in force', () => {
    const small = { 'log.cleaner.dedupe.buffer.size': '2097152' }
    const configs = store(small, { 'log.cleaner.threads': '2', 'log.retention.ms': '-1' })
    expect([configs.broker.logCleanerThreads, configs.topic('t').retentionMs]).to.deep.equal([1, -1])
    expect(linesOf(configs)).to.deep.equal([
      'log.cleaner.threads=2, a dynamic setting of all brokers, is not in force: requirement failed: ' +
        'log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread; other dynamic settings of brokers can be ' +
        'changed again once it is removed: kafka-configs.sh --bootstrap-server localhost:9092 --alter --entity-type brokers ' +
        '--entity-default --delete-config log.cleaner.threads',
    ])
    // Kafka, too, refuses other changes until then.
    const other = settings({ 'log.cleaner.threads': '2', 'log.retention.ms': '5' })
    expect(checkBrokerValues(other, false, configs)?.message).to.contain('at least 1MB per cleaner thread')
    expect(checkBrokerValues(settings({ 'log.retention.ms': '-1' }), false, configs)).to.equal(undefined)
  })

  it('can be removed even if a running broker would not be allowed to change the value as much', () => {
    const configs = store({}, { 'log.cleaner.threads': '500' })
    expect(configs.broker.logCleanerThreads).to.equal(1)
    expect(checkBrokerValues(settings({}), false, configs)).to.equal(undefined)
  })

  it('several that contradict are ignored until the rest is valid', () => {
    const configs = store(
      { 'log.dirs': '/a' },
      { 'log.retention.ms': '5', 'log.cleaner.threads': '500' },
      { 'cordoned.log.dirs': '/gone' },
    )
    expect(configs.topic('t').retentionMs).to.equal(5)
    expect(configs.ignored.map(({ name, isOwn }) => [name, isOwn])).to.deep.equal([
      ['log.cleaner.threads', false],
      ['cordoned.log.dirs', true],
    ])
    expect(configs.broker.cordonedLogDirs).to.deep.equal([])
  })

  it('one set twice is ignored in both places if neither value is valid', () => {
    const configs = store(
      {},
      { 'log.retention.ms': '5', 'log.cleaner.threads': '500' },
      { 'log.cleaner.threads': '600' },
    )
    expect(configs.ignored.map(({ name, text }) => `${name}=${text}`)).to.deep.equal([
      'log.cleaner.threads=500',
      'log.cleaner.threads=600',
    ])
  })

  it('one with an invalid value is ignored', () => {
    const configs = store({}, {}, { 'log.cleaner.threads': 'many', 'listener.name.x.max.connections': '-5' })
    const lines = linesOf(configs)
    expect(lines).to.have.length(2)
    expect(lines[0]).to.match(
      /^log\.cleaner\.threads=many, a dynamic setting of broker 1, is not in force: .*--entity-name 1/,
    )
    expect(checkDynamicBrokerConfig(configs.dynamicBroker, true)).to.be.instanceOf(InvalidSetting)
  })

  it('an ignored one is in force once it is valid', () => {
    const configs = store({ 'log.cleaner.dedupe.buffer.size': '2097152' }, { 'log.cleaner.threads': '2' })
    const fixed = settings({ 'log.cleaner.threads': '2', 'log.cleaner.dedupe.buffer.size': '134217728' })
    configs.apply(new Map([['4:', fixed]]), ['4:'])
    expect(configs.ignored).to.deep.equal([])
    expect(configs.broker.logCleanerThreads).to.equal(2)
  })
})
