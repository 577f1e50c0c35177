import { join } from 'node:path'
import { expect } from 'chai'
import { kafkaClassPath } from '../../scripts/kafka-tool.ts'
import { brokerConfigs } from '../../src/config/broker-configs.ts'
import { type ConfigEntry, defaultOf, entriesByName } from '../../src/config/config-entry.ts'
import { groupConfigs } from '../../src/config/group-configs.ts'
import { topicConfigs } from '../../src/config/topic-configs.ts'
import { javaProgram } from '../java-program.ts'
import { needs } from '../requirements.ts'
import { runCommandWell } from '../run-command.ts'

interface Declared {
  readonly name: string
  readonly type: string
  readonly default: string
  readonly check: string
  readonly applies: string
  readonly internal: boolean
}

/** Kafka's checks that are made elsewhere, or that no text can fail. */
const uncheckedHere = ['non-null string', 'non-empty list']

const tables = { broker: brokerConfigs, topic: topicConfigs, group: groupConfigs } as const

describe('settings, against those that Apache Kafka 4.4.0 declares', function () {
  this.timeout(60_000)
  needs('java', 'maven')
  const declared: Record<string, Declared[]> = {}

  before(async () => {
    const program = join(import.meta.dirname, 'SettingsDump.java')
    const { stdout } = await runCommandWell(await javaProgram(program, await kafkaClassPath('4.4.0')))
    for (const line of stdout.trimEnd().split('\n')) {
      const [kind = '', name = '', type = '', value = '', check = '', applies = '', internal] = line.split('\t')
      const setting = { name, type, default: value, check, applies, internal: internal === 'internal' }
      declared[kind] = [...(declared[kind] ?? []), setting]
    }
  })

  for (const [kind, table] of Object.entries(tables)) {
    it(`every ${kind} setting has Kafka’s type, default, check and place`, () => {
      const entries = entriesByName(table)
      const kafka = declared[kind] ?? []
      expect(kafka.length).to.be.greaterThan(20)
      for (const setting of kafka) {
        const entry = entries.get(setting.name)
        expect(entry, `${setting.name} is missing`).to.not.equal(undefined)
        expect(own(entry as ConfigEntry)).to.deep.equal(expected(setting, entry))
      }
    })

    it(`no other ${kind} setting is shown`, () => {
      const names = new Set(declared[kind]?.map(({ name }) => name))
      const others = Object.values<ConfigEntry>(table).filter(({ name }) => !names.has(name))
      expect(others.filter(({ shown }) => shown === 'always')).to.deep.equal([])
    })
  }
})

function own(entry: ConfigEntry): Declared {
  const { name, type, check, applies, shown } = entry
  return {
    name,
    type,
    default: defaultOf(entry).text ?? '<none>',
    check: check?.description ?? '',
    applies,
    internal: shown === 'never',
  }
}

// A default that differs gives the reason in its entry.
function expected(setting: Declared, entry: ConfigEntry | undefined): Declared {
  const check = uncheckedHere.includes(setting.check) ? '' : setting.check
  if (entry?.differs === undefined) return { ...setting, check }
  expect(defaultOf(entry).text, `${setting.name} differs for no reason`).to.not.equal(setting.default)
  return { ...setting, check, default: defaultOf(entry).text ?? '<none>' }
}
