import { expect } from 'chai'
import { checkBrokerValues } from './broker-config-rules.ts'
import { ConfigStore } from './config-store.ts'
import { InvalidSetting } from './config-value.ts'
import { readStaticConfig } from './static-config.ts'

type Texts = Readonly<Record<string, string>>

/** The error for a broker with these static and dynamic settings if the wanted ones replace its dynamic ones. */
function said(
  wanted: Texts,
  { own = true, file = {}, cluster = {} }: { own?: boolean; file?: Texts; cluster?: Texts } = {},
) {
  const read = readStaticConfig(new Map(Object.entries(file)))
  if (read instanceof InvalidSetting) throw new Error(read.message)
  const configs = new ConfigStore(read, 1)
  configs.apply(new Map([['4:', new Map(Object.entries(cluster))]]), ['4:'])
  return checkBrokerValues(new Map(Object.entries(wanted)), own, configs)?.message
}

const changeRefused = (why: string) =>
  `Invalid value org.apache.kafka.common.config.ConfigException: ${why} for configuration Invalid dynamic configuration`
const threads = (name: string, count: number, old: number) =>
  changeRefused(
    `Dynamic thread count update validation failed for ${name}=${count}, value should ${count > old ? 'not be greater than double' : 'be at least half'} the current value ${old}`,
  )

/** Answers of a broker of Apache Kafka 4.4.0. */
const answers: readonly (readonly [Texts, string | undefined])[] = [
  [{ 'log.roll.ms': '0' }, 'requirement failed: log.roll.ms must be greater than or equal to 1'],
  [
    { 'log.retention.ms': '0' },
    'requirement failed: log.retention.ms must be unlimited (-1) or, greater than or equal to 1',
  ],
  [{ 'log.retention.ms': '-1' }, undefined],
  [
    { 'max.connections.per.ip': '0' },
    'requirement failed: max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.',
  ],
  [{ 'group.coordinator.rebalance.protocols': 'consumer' }, "Disabling the 'classic' protocol is not supported."],
  [{ 'max.connections.per.ip.overrides': '10.0.0.1:1,::1:2' }, undefined],
  [{ 'log.cleaner.threads': '0' }, '/ by zero'],
  [
    { 'log.cleaner.threads': '3' },
    changeRefused('Log cleaner threads cannot be increased to more than double the current value 1'),
  ],
  [{ 'log.cleaner.threads': '2' }, undefined],
  [
    { 'log.cleaner.dedupe.buffer.size': '1' },
    'requirement failed: log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.',
  ],
  [{ 'num.io.threads': '100' }, threads('num.io.threads', 100, 8)],
  [{ 'num.io.threads': '3' }, threads('num.io.threads', 3, 8)],
  [{ 'num.io.threads': '16' }, undefined],
  [{ 'num.network.threads': '50' }, threads('num.network.threads', 50, 3)],
  [{ 'background.threads': '100' }, threads('background.threads', 100, 10)],
  [{ 'num.recovery.threads.per.data.dir': '50' }, threads('num.recovery.threads.per.data.dir', 50, 2)],
  [{ 'num.replica.fetchers': '50' }, threads('num.replica.fetchers', 50, 1)],
  [
    { 'cordoned.log.dirs': '/nowhere' },
    'requirement failed: All entries in cordoned.log.dirs must be present in log.dirs or log.dir. Missing entries : /nowhere',
  ],
  [
    { 'cordoned.log.dirs': '*,/nowhere' },
    'requirement failed: When cordoned.log.dirs is set to *, it must not contain other values',
  ],
  [{ 'cordoned.log.dirs': '*' }, undefined],
  [
    { 'log.local.retention.ms': '999999999999' },
    changeRefused(
      'Invalid value 999999999999 for configuration log.local.retention.ms: Value must not be more than log.retention.ms property value: 604800000',
    ),
  ],
  [{ 'log.local.retention.bytes': '5' }, undefined],
]

describe('what the settings of a broker may be changed to', () => {
  for (const [wanted, answer] of answers) {
    const [[name, value]] = Object.entries(wanted) as [[string, string]]
    it(`${name}=${value}: ${answer === undefined ? 'fine' : 'refused'}`, () => {
      expect(said(wanted)).to.equal(answer)
      expect(said(wanted, { own: false }), 'for all brokers').to.equal(answer)
    })
  }

  it('the number of threads is compared with what it is now', () => {
    const file = { 'log.cleaner.threads': '2' }
    expect(said({ 'log.cleaner.threads': '4' }, { file })).to.equal(undefined)
    const four = { file, cluster: { 'log.cleaner.threads': '4' } }
    expect(said({ 'log.cleaner.threads': '1' }, four)).to.equal(
      changeRefused('Log cleaner threads cannot be reduced to less than half the current value 4'),
    )
    expect(said({}, { ...four, own: false }), 'back to that of the file').to.equal(undefined)
  })

  it('a broker does not start with contradictory settings', () => {
    for (const [wanted, answer] of answers.filter(
      ([, each]) => each?.startsWith('requirement failed') || each?.startsWith('Disabling') || each === '/ by zero',
    )) {
      const read = readStaticConfig(new Map(Object.entries(wanted)))
      expect(read, answer).to.be.instanceOf(InvalidSetting)
    }
  })
})
