import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { retentionInForce } from './broker-value-rules.ts'
import { describeBrokerConfigs } from './config-description.ts'
import { ConfigStore } from './config-store.ts'
import { InvalidSetting } from './config-value.ts'
import { documentationOf } from './documentation.ts'
import { alternativesOf } from './fallbacks.ts'
import { brokerEntry, readStaticConfig } from './static-config.ts'

function store(properties: Record<string, string>): ConfigStore {
  const read = readStaticConfig(new Map(Object.entries(properties)))
  if (read instanceof InvalidSetting) throw new Error(read.message)
  return new ConfigStore(read, 1)
}

describe('settings that determine the same value', () => {
  it('list each other by priority', () => {
    const retention = ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours']
    for (const name of retention) expect(alternativesOf(name)).to.deep.equal(retention)
    expect(alternativesOf('log.roll.hours')).to.deep.equal(['log.roll.ms', 'log.roll.hours'])
    expect(alternativesOf('log.roll.jitter.ms')).to.deep.equal(['log.roll.jitter.ms', 'log.roll.jitter.hours'])
    expect(alternativesOf('log.segment.bytes')).to.deep.equal(['log.segment.bytes'])
  })

  it('a fallback does not list the setting that it stands in for', () => {
    const names = ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms']
    expect(alternativesOf('log.flush.interval.ms')).to.deep.equal(names)
    expect(alternativesOf('log.flush.scheduler.interval.ms')).to.deep.equal(['log.flush.scheduler.interval.ms'])
  })

  it('are described in that order', () => {
    const configs = store({ 'log.retention.minutes': '5', 'log.retention.hours': '2' })
    const synonyms = (name: string) => describeBrokerConfigs(configs).find((each) => each.name === name)?.synonyms
    expect(synonyms('log.retention.minutes')?.map(({ name }) => name)).to.deep.equal([
      'log.retention.minutes',
      'log.retention.hours',
      'log.retention.hours',
    ])
  })

  it('say what comes first', () => {
    const documentation = (name: string) => documentationOf(brokerEntry(name)!)
    expect(documentation('log.retention.hours')).to.match(
      / `log.retention.ms` and `log.retention.minutes` come first\.$/,
    )
    expect(documentation('log.roll.hours')).to.match(/ `log.roll.ms` comes first\.$/)
    expect(documentation('log.retention.ms')).not.to.contain('first')
  })

  it('only the one in force must be valid', () => {
    const texts = new Map<string, number | null>([
      ['log.retention.ms', 5],
      ['log.retention.hours', 0],
    ])
    expect(retentionInForce((name) => texts.get(name) ?? null)).to.deep.equal({ name: 'log.retention.ms', ms: 5 })
    expect(store({ 'log.retention.ms': '5', 'log.retention.hours': '0' }).topic('t').retentionMs).to.equal(5)
    expect(() => store({ 'log.retention.hours': '0' })).to.throw('Invalid value 0 for log.retention.hours')
  })

  it('are listed by priority nowhere else', () => {
    const ranked = /'log\.retention\.(minutes|hours)'|'log\.roll(\.jitter)?\.hours'/
    const files = readdirSync(import.meta.dirname).filter((name) => /(?<!\.test|-configs)\.ts$/.test(name))
    const strangers = files.filter((name) => ranked.test(readFileSync(join(import.meta.dirname, name), 'utf8')))
    expect(strangers).to.deep.equal([])
  })
})
